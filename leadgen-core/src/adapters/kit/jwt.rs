//! Signed assertions that are exchanged for tokens (RFC 7523).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// Signs claims. The key never appears in an error.
pub fn sign(algorithm: Algorithm, key_id: &str, private_pem: &str, claims: &impl Serialize) -> Result<String> {
    let bad = |what: &'static str| Error::new(ErrorKind::Config, what).code("key_unusable");
    // Fails only if another library was chosen before, which then signs just as well.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let key = EncodingKey::from_rsa_pem(private_pem.as_bytes())
        .map_err(|_| bad("read the private key").detail("an RSA key in PKCS#8 PEM is needed"))?;
    let mut header = Header::new(algorithm);
    header.kid = Some(key_id.to_owned());
    jsonwebtoken::encode(&header, claims, &key).map_err(|_| bad("sign with the private key"))
}
