//! The town's keys: a certificate authority for its servers and an RSA key for service accounts. Made once per folder.

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;

/// TLS for the mail servers and PEM texts for the keys.
pub(crate) struct Keys {
    pub(crate) tls: Arc<rustls::ServerConfig>,
    /// A good certificate for another name.
    pub(crate) wrong_name: Arc<rustls::ServerConfig>,
    /// A certificate for the right name by an authority nobody knows.
    pub(crate) untrusted: Arc<rustls::ServerConfig>,
    pub(crate) rsa_private_pem: String,
    pub(crate) rsa_public_pem: String,
}

fn other<E: std::fmt::Display>(error: E) -> io::Error {
    io::Error::other(error.to_string())
}

/// Reads the keys of a folder, or makes them.
pub(crate) fn keys(dir: &Path) -> io::Result<Keys> {
    let (private, public) = (dir.join("rsa-private.pem"), dir.join("rsa-public.pem"));
    if !private.exists() {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(other)?;
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(other)?;
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map_err(other)?;
        std::fs::write(&public, pem("PUBLIC KEY", spki.as_ref()))?;
        std::fs::write(&private, pem("PRIVATE KEY", pkcs8.as_ref()))?;
    }
    let [tls, wrong_name, untrusted] = tls(dir)?;
    Ok(Keys {
        tls,
        wrong_name,
        untrusted,
        rsa_private_pem: std::fs::read_to_string(&private)?,
        rsa_public_pem: std::fs::read_to_string(&public)?,
    })
}

/// A fresh authority at each start: its certificate is written where the programs are told to look for it.
fn tls(dir: &Path) -> io::Result<[Arc<rustls::ServerConfig>; 3]> {
    let (known, pem) = authority()?;
    std::fs::write(dir.join("ca.pem"), pem)?;
    let (unknown, _) = authority()?;
    Ok([
        server(&known, &["localhost", "127.0.0.1"])?,
        server(&known, &["mail.elsewhere.example"])?,
        server(&unknown, &["localhost", "127.0.0.1"])?,
    ])
}

fn authority() -> io::Result<(Issuer<'static, rcgen::KeyPair>, String)> {
    let ca_key = rcgen::KeyPair::generate().map_err(other)?;
    let mut ca = CertificateParams::new(vec![]).map_err(other)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    ca.distinguished_name.push(rcgen::DnType::CommonName, "leadgen sandbox");
    let ca_certificate = ca.self_signed(&ca_key).map_err(other)?;
    Ok((Issuer::new(ca, ca_key), ca_certificate.pem()))
}

fn server(issuer: &Issuer<'_, rcgen::KeyPair>, names: &[&str]) -> io::Result<Arc<rustls::ServerConfig>> {
    let key = rcgen::KeyPair::generate().map_err(other)?;
    let server = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).map_err(other)?;
    let certificate = server.signed_by(&key, issuer).map_err(other)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(other)?;
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(other)?;
    Ok(Arc::new(config))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
