//! Arithmetic modulo a 16-bit prime, without branches. The kernels have the same on vectors.
//!
//! Products are Montgomery's ("Modular multiplication without trial division", 1985) with R = 2^16 on unsigned
//! residues. Signed and lazy forms do not work here: p1 exceeds 2^15, and 2 p1 exceeds 2^16.

/// Bits of R.
const RADIX_BITS: u32 = 16;

/// A prime with the constants of its arithmetic.
#[derive(Clone, Copy)]
pub(super) struct Modulus {
    prime: u16,
    /// p^-1 mod R.
    inverse: u16,
    /// R^2 mod p.
    radix_squared: u16,
}

impl Modulus {
    pub(super) const fn new(prime: u16) -> Self {
        // Newton's iteration doubles the number of right bits: 3, 6, 12, 24.
        let mut inverse = prime;
        let mut step = 0;
        while step < 3 {
            inverse = inverse.wrapping_mul(2u16.wrapping_sub(prime.wrapping_mul(inverse)));
            step += 1;
        }
        let radix_squared = ((1 << (2 * RADIX_BITS)) % prime as u64) as u16;
        Self { prime, inverse, radix_squared }
    }

    #[inline(always)]
    pub(super) const fn prime(self) -> u16 {
        self.prime
    }

    /// x + y.
    #[inline(always)]
    pub(super) const fn add(self, x: u16, y: u16) -> u16 {
        self.subtract(x, self.prime - y)
    }

    /// x - y, for y up to p.
    #[inline(always)]
    pub(super) const fn subtract(self, x: u16, y: u16) -> u16 {
        x.wrapping_sub(y).wrapping_add(if x < y { self.prime } else { 0 })
    }

    /// x y / R.
    #[inline(always)]
    pub(super) const fn multiply(self, x: u16, y: u16) -> u16 {
        let product = x as u32 * y as u32;
        let multiple = (product as u16).wrapping_mul(self.inverse);
        // The low halves of both products are equal, so their difference is that of their high halves, times R.
        let cleared = (multiple as u32 * self.prime as u32) >> RADIX_BITS;
        self.subtract((product >> RADIX_BITS) as u16, cleared as u16)
    }

    /// x R, the Montgomery form of x.
    #[inline(always)]
    pub(super) const fn to_montgomery(self, x: u16) -> u16 {
        self.multiply(x, self.radix_squared)
    }

    /// R^2: multiplying by it gives the Montgomery form.
    pub(super) const fn radix_squared(self) -> u16 {
        self.radix_squared
    }

    /// The residue of a number of absolute value below p.
    #[inline(always)]
    pub(super) const fn lift(self, x: i16) -> u16 {
        x.cast_unsigned().wrapping_add(if x < 0 { self.prime } else { 0 })
    }

    /// The residue of any number.
    pub(super) fn reduce(self, x: i64) -> u16 {
        // In two halves, which are exact in f64.
        let radix = f64::from(centred((1u64 << 32) as f64, self.prime));
        let high = f64::from(centred((x >> 32) as f64, self.prime));
        self.lift(centred(high * radix + (x & 0xffff_ffff) as f64, self.prime))
    }

    /// p^-1 mod R.
    #[inline(always)]
    pub(super) const fn inverse(self) -> u16 {
        self.inverse
    }

    /// (p - 1) / 2, the largest centred residue.
    #[inline(always)]
    pub(super) const fn half(self) -> u16 {
        self.prime / 2
    }

    /// The centred form of a residue, of absolute value at most (p - 1) / 2.
    #[inline(always)]
    pub(super) const fn centre(self, x: u16) -> i16 {
        x.wrapping_sub(if x > self.half() { self.prime } else { 0 }).cast_signed()
    }

    /// base^exponent.
    pub(super) const fn power(self, base: u16, mut exponent: u64) -> u16 {
        let prime = self.prime as u64;
        let (mut result, mut base) = (1, base as u64);
        while exponent > 0 {
            if exponent % 2 == 1 {
                result = result * base % prime;
            }
            base = base * base % prime;
            exponent /= 2;
        }
        result as u16
    }

    /// x^-1, by Fermat's little theorem.
    pub(super) const fn invert(self, x: u16) -> u16 {
        self.power(x, self.prime as u64 - 2)
    }
}

/// The centred residue of a sum of |t| < 2^50, without a branch, a division or a library call: near 1.5 * 2^52 the last
/// bit of the fraction is worth 1. p is odd, so t / p is at least 1 / 2p away from a half-integer, and its rounding
/// error does no harm.
#[inline(always)]
pub(super) fn centred(sum: f64, prime: u16) -> i16 {
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    let prime = f64::from(prime);
    let multiple = (sum * (1.0 / prime) + ROUNDING) - ROUNDING;
    (sum - multiple * prime) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::PRIMES;

    #[test]
    fn sums_are_reduced_to_their_residues() {
        for prime in PRIMES {
            let (modulus, wide) = (Modulus::new(prime), i64::from(prime));
            let edges = [0, 1, wide / 2, wide / 2 + 1, wide, 2 * wide - 1, 1 << 32, (1 << 50) - 1, i64::MAX];
            let spread = (0..10_000).map(|at: i64| at.wrapping_mul(0x5851_f42d_4c95_7f2d) >> (at % 40));
            for sum in edges.into_iter().flat_map(|edge| [edge, -edge, edge - 1]).chain(spread).chain([i64::MIN]) {
                assert_eq!(i64::from(modulus.reduce(sum)), sum.rem_euclid(wide), "{sum} modulo {prime}");
                if sum.unsigned_abs() < 1 << 50 {
                    let residue = centred(sum as f64, prime);
                    assert!(residue.unsigned_abs() <= modulus.half());
                    assert_eq!(i64::from(residue).rem_euclid(wide), sum.rem_euclid(wide), "{sum} modulo {prime}");
                }
            }
        }
    }

    #[test]
    fn arithmetic_agrees_with_wide_integers() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            let p = u64::from(prime);
            let radix_inverse = u64::from(modulus.invert((65_536 % p) as u16));
            let edges = [0, 1, 2, prime / 2, prime / 2 + 1, prime - 2, prime - 1];
            let some = (0..prime).step_by(997).chain(edges);
            for x in some.clone() {
                for y in some.clone() {
                    let (wide_x, wide_y) = (u64::from(x), u64::from(y));
                    assert_eq!(u64::from(modulus.add(x, y)), (wide_x + wide_y) % p);
                    assert_eq!(u64::from(modulus.subtract(x, y)), (wide_x + p - wide_y) % p);
                    assert_eq!(u64::from(modulus.multiply(x, y)), wide_x * wide_y % p * radix_inverse % p);
                }
                assert_eq!(modulus.multiply(modulus.to_montgomery(x), 1), x);
                let centred = modulus.centre(x);
                assert!(centred.unsigned_abs() <= modulus.half());
                assert_eq!((modulus.lift(centred), modulus.reduce(i64::from(centred))), (x, x));
                assert!(x == 0 || u64::from(modulus.invert(x)) * u64::from(x) % p == 1);
            }
        }
    }
}
