//! Settings → adapters → pipeline. The only floor that names them all.

mod browser;
pub mod doctor;
pub mod keys;
pub mod layers;
pub mod saved;
pub mod settings;
pub mod wiring;
