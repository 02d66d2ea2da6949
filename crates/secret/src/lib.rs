//! Secret bytes that are wiped on drop, never printed, and compared in constant time.
//!
//! [`Secret`] must never implement `Debug`, `Clone`, `Copy` or `Serialize`, or hand out an owned copy of its bytes.
//!
//! ```
//! use cipherlens_secret::Secret;
//!
//! let key = Secret::<32>::random()?;
//! let other = Secret::<32>::random()?;
//! assert!(key.matches(&key));
//! assert!(!key.matches(&other));
//! # Ok::<(), getrandom::Error>(())
//! ```

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// `N` secret bytes on the heap. They stay at one address from creation to drop, so wiping them there leaves no copy.
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

    /// A secret that `fill` writes in place, for the output of a key derivation or the content of a file.
    ///
    /// ```
    /// # use cipherlens_secret::Secret;
    /// let secret = Secret::<4>::filled_by(|bytes| {
    ///     bytes.copy_from_slice(b"1234");
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// assert_eq!(secret.expose(), b"1234");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `fill`; what it wrote is then wiped.
    pub fn filled_by<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// The bytes, for the operation that needs them. Copy them only to memory that is wiped.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether both secrets are equal, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Words of stack to wipe after a keyed operation: several times the deepest one measured.
const STACK_WORDS: usize = 4096;

/// Runs a keyed operation, then overwrites the stack it used.
///
/// Wiping on drop is not enough for ciphers: a key schedule that is returned by value is moved, and the copies that the
/// move leaves on the stack have no destructor.
///
/// ```
/// # use cipherlens_secret::{Secret, on_wiped_stack};
/// let key = Secret::<32>::random()?;
/// let parity = on_wiped_stack(|| key.expose().iter().fold(0, |parity, byte| parity ^ byte));
/// # let _ = parity;
/// # Ok::<(), getrandom::Error>(())
/// ```
pub fn on_wiped_stack<T>(operation: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn run<T>(operation: impl FnOnce() -> T) -> T {
        operation()
    }
    #[inline(never)]
    fn wipe() {
        let mut stack = [0u64; STACK_WORDS];
        // Volatile writes, which the compiler must keep although nothing reads the array.
        stack.zeroize();
    }
    let outcome = run(operation);
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
    fn a_failed_fill_gives_no_secret() {
        assert!(Secret::<32>::filled_by(|_| Err("no entropy")).is_err());
        let filled = Secret::<4>::filled_by(|bytes| -> Result<(), ()> {
            bytes.copy_from_slice(&[1, 2, 3, 4]);
            Ok(())
        });
        assert_eq!(filled.ok().unwrap().expose(), &[1, 2, 3, 4]);
    }
}
