//! One TLS configuration for everything that connects: public roots, the operator's extra roots, no off switch.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, ErrorKind, Result};

/// The client side of TLS, with the certificates of a PEM file added to the public roots.
pub fn client_config(extra_roots: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra_roots {
        let bad =
            || Error::new(ErrorKind::Config, format!("read the root certificates in {}", path.display())).code("extra_roots_unreadable");
        let pem = std::fs::read(path).map_err(|e| bad().because(e))?;
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.map_err(|e| bad().because(e))?).map_err(|e| bad().because(e))?;
            count += 1;
        }
        if count == 0 {
            return Err(bad().detail("it holds no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(ErrorKind::Config, "set TLS up").because(e))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
