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
    pub(super) const fn reduce(self, x: i64) -> u16 {
        x.rem_euclid(self.prime as i64) as u16
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::PRIMES;

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
