//! The only source of chance.

use crate::ports::Port;

/// Gives random bytes.
///
/// **Promises.** In production the bytes are fit for cryptography. In tests they may come from a seed.
///
/// **Expects.** Nothing.
///
/// **Errors.** None: an implementation that can't give bytes has no business starting.
///
/// **Example.**
/// ```
/// use leadgen_core::ports::entropy::Entropy;
///
/// #[derive(Debug)]
/// struct Sevens;
/// impl Entropy for Sevens {
///     fn fill(&self, bytes: &mut [u8]) {
///         bytes.fill(7);
///     }
/// }
/// assert_eq!(leadgen_core::ports::entropy::number(&Sevens), 0x0707_0707_0707_0707);
/// ```
pub trait Entropy: Port {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// A random number from eight bytes.
pub fn number(entropy: &dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Sixteen random bytes, for ids and tokens.
pub fn sixteen(entropy: &dyn Entropy) -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The library panics nowhere: it fails only before the system's generator is seeded, and then waits for it.
        while aws_lc_rs::rand::fill(bytes).is_err() {
            std::thread::yield_now();
        }
    }
}
