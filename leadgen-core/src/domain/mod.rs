//! The nouns of the house: parsed on the way in, valid from then on. No async, no I/O, no clock.

pub mod id;
pub mod name;
pub mod time;
