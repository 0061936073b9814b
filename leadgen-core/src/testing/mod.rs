//! For tests of your own: a store in memory, a small real stand-in for every port, and a suite that says whether an
//! implementation of yours keeps a port's promises. Behind the feature `testing`.
//!
//! Nothing here mocks: each stand-in is a working implementation with a memory, told beforehand what to answer and asked
//! afterwards what it was told.

pub mod builders;
pub mod conformance;
pub mod memory;
pub mod scripted;

pub use crate::ports::clock::HandClock;
