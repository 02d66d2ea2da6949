//! Bytes that are wiped when dropped, never printed, and compared in constant time.
//!
//! Must never: implement `Debug`, `Clone`, `Copy` or `Serialize`, or hand out an owned copy of what it guards.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// `N` secret bytes on the heap. They live at one address from creation to drop, so wiping them there wipes them.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// `N` fresh bytes from the operating system's entropy source.
    ///
    /// # Errors
    /// When the source fails. There is no fallback: a predictable key is worse than none.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut secret = Self(Box::new([0; N]));
        getrandom::fill(&mut *secret.0)?;
        Ok(secret)
    }

    /// A secret written in place by `fill`, for values that come from a key derivation or a file.
    pub fn filled_by<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// The bytes, for the one keyed operation that needs them. Do not copy them anywhere that is not wiped.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether both secrets are equal, in time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// How far below its caller a keyed operation of ours reaches: several times the deepest one measured.
const STACK_REACH_WORDS: usize = 4096;

/// Runs a keyed operation, then overwrites the stack it used.
///
/// Wiping on drop is not enough for ciphers: a key schedule that is returned by value is copied on its way, and the
/// copies it leaves on the stack are nobody's to drop.
pub fn on_wiped_stack<T>(operation: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn below<T>(operation: impl FnOnce() -> T) -> T {
        operation()
    }
    #[inline(never)]
    fn wipe() {
        let mut reach = [0u64; STACK_REACH_WORDS];
        // Volatile writes: the compiler may not drop them although nobody reads them.
        reach.zeroize();
    }
    let outcome = below(operation);
    wipe();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_secrets_differ() {
        let (one, other) = (Secret::<32>::random().unwrap(), Secret::<32>::random().unwrap());
        assert!(!one.matches(&other));
        assert!(one.matches(&one));
    }

    #[test]
    fn a_failed_filling_gives_no_secret() {
        assert!(Secret::<32>::filled_by(|_| Err("no entropy")).is_err());
        let filled = Secret::<4>::filled_by(|bytes| -> Result<(), ()> {
            bytes.copy_from_slice(&[1, 2, 3, 4]);
            Ok(())
        });
        assert_eq!(filled.ok().unwrap().expose(), &[1, 2, 3, 4]);
    }
}
