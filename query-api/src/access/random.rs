//! Numbers that nobody can guess, from one secret of the process.
//!
//! The library asks nobody for chance: the caller gives 256 random bits once. Each text that is needed is HMAC-SHA-256
//! of a purpose and a counter under that key, so without it none tells anything about the next.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// HMAC-SHA-256 of a text.
pub fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    // Any length of key is allowed for HMAC, so there is always one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// Where unguessable numbers come from.
pub struct Random {
    secret: [u8; 32],
    drawn: AtomicU64,
}

impl Random {
    /// From 256 random bits of this process.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, drawn: AtomicU64::new(0) }
    }

    /// 256 bits that were not drawn before.
    pub fn draw(&self, purpose: &str) -> [u8; 32] {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        keyed(&self.secret, format!("draw {number} {purpose}").as_bytes())
    }

    /// 256 bits that are the same for the same purpose and text.
    pub fn fixed(&self, purpose: &str, text: &str) -> [u8; 32] {
        keyed(&self.secret, format!("fixed {purpose} {text}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_numbers_differ_and_fixed_ones_do_not() {
        let random = Random::new([7; 32]);
        assert_ne!(random.draw("nonce"), random.draw("nonce"));
        assert_eq!(random.fixed("salt", "ada"), random.fixed("salt", "ada"));
        assert_ne!(random.fixed("salt", "ada"), random.fixed("salt", "bob"));
        assert_ne!(random.fixed("salt", "ada"), Random::new([8; 32]).fixed("salt", "ada"));
    }
}
