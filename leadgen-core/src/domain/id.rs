//! Ids that say what they identify, and that come from content.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// The id of a `T`: a UUID made of the first 128 bits of the BLAKE3 hash of what makes the row unique
/// (RFC 9562 version 8), so that doing a step twice is doing it once.
///
/// ```
/// struct Company;
/// use leadgen_core::domain::id::Id;
///
/// let one: Id<Company> = Id::of(&["denta-lux.ru"]);
/// assert_eq!(one, Id::of(&["denta-lux.ru"]));
/// assert_ne!(one, Id::of(&["belyi-klyk.ru"]));
/// assert_eq!(Id::parse(&one.to_string()).unwrap(), one);
/// ```
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// The id of what these parts make unique. Parts are length-prefixed, so `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut first = [0_u8; 16];
        first.copy_from_slice(&hash.finalize().as_bytes()[..16]);
        Self::from_uuid(Uuid::new_v8(first))
    }

    /// An id for what has nothing unique of its own; the caller brings the random bytes.
    pub fn random(bytes: [u8; 16]) -> Self {
        Self::from_uuid(Uuid::new_v8(bytes))
    }

    /// Wraps a stored value.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare value, for storage.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// The first and the last id whose text begins so; none if no id's does.
    ///
    /// ```
    /// # use leadgen_core::domain::id::Id;
    /// # struct Pair;
    /// let (first, last): (Id<Pair>, Id<Pair>) = Id::beginning("0f3c-").unwrap();
    /// assert_eq!(first.to_string(), "0f3c0000-0000-0000-0000-000000000000");
    /// assert_eq!(last.to_string(), "0f3cffff-ffff-ffff-ffff-ffffffffffff");
    /// assert!(Id::<Pair>::beginning("nobody").is_none());
    /// ```
    pub fn beginning(text: &str) -> Option<(Self, Self)> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        let rest = 32_usize.checked_sub(digits.len()).filter(|rest| *rest < 32)?;
        let with = |digit: &str| Uuid::try_parse(&(digits.clone() + &digit.repeat(rest))).ok().map(Self::from_uuid);
        Some((with("0")?, with("f")?))
    }

    /// Reads the hyphenated form.
    pub fn parse(text: &str) -> Result<Self> {
        Uuid::try_parse(text.trim())
            .map(Self::from_uuid)
            .map_err(|e| Error::new(ErrorKind::Malformed, format!("read the id {text:?}")).code("bad_id").because(e))
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> serde::Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T> serde::Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}
