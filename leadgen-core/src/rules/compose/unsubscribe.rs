//! Tokens of unsubscribe links (RFC 8058): signed, opaque, without an end, and good after a change of keys.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::id::Id;
use crate::domain::message::Message;

/// Bytes of the signature that a token carries: 128 bits.
const TAG: usize = 16;

/// The token of a message under the newest key: key id, message, signature.
pub fn token(key_id: &str, key: &[u8], message: Id<Message>) -> String {
    let mut bytes = message.uuid().as_bytes().to_vec();
    bytes.extend_from_slice(&sign(key_id, key, message)[..TAG]);
    format!("{key_id}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The id of a key, made of the key itself, so that a changed key has another one and old tokens find theirs.
pub fn key_id(key: &[u8]) -> String {
    let hash = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"unsubscribe key id v1");
    hash.as_ref().iter().take(4).fold("k".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// The message of a token, if one of the keys signed it. The comparison takes the same time for every wrong signature.
///
/// ```
/// use leadgen_core::domain::id::Id;
/// use leadgen_core::rules::compose::unsubscribe::{token, verify};
///
/// let keys = vec![("k2".to_owned(), b"new key, long enough".to_vec()), ("k1".to_owned(), b"old key, long enough".to_vec())];
/// let message = Id::of(&["a message"]);
/// let old = token("k1", &keys[1].1, message);
/// assert_eq!(verify(&keys, &old), Some(message));
/// assert_eq!(verify(&keys[..1], &old), None);
/// ```
pub fn verify(keys: &[(String, Vec<u8>)], token: &str) -> Option<Id<Message>> {
    let (key_id, body) = token.split_once('.')?;
    let bytes = URL_SAFE_NO_PAD.decode(body).ok().filter(|bytes| bytes.len() == 16 + TAG)?;
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    let message = Id::from_uuid(uuid::Uuid::from_bytes(id));
    let (_, key) = keys.iter().find(|(known, _)| known == key_id)?;
    aws_lc_rs::constant_time::verify_slices_are_equal(&sign(key_id, key, message)[..TAG], &bytes[16..]).ok()?;
    Some(message)
}

fn sign(key_id: &str, key: &[u8], message: Id<Message>) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, format!("unsubscribe v1 {key_id} {message}").as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_token_opens_nothing() {
        let keys = vec![("k1".to_owned(), b"a key of enough length".to_vec())];
        let good = token("k1", &keys[0].1, Id::of(&["m"]));
        for at in 3..good.len() - 1 {
            let mut bad: Vec<char> = good.chars().collect();
            bad[at] = if bad[at] == 'A' { 'B' } else { 'A' };
            assert_eq!(verify(&keys, &bad.into_iter().collect::<String>()), None, "at {at}");
        }
    }
}
