//! Arithmetic modulo one 20-bit prime, without branches on residues.
//!
//! Barrett reduction (CRYPTO 1986), and Shoup multiplication with the companion floor(w 2^32 / p) of a known factor w.

/// A prime below 2^20 and the constants to reduce by it.
#[derive(Clone, Copy)]
pub(super) struct Modulus {
    prime: u32,
    /// floor(2^32 / p)
    reciprocal: u32,
    /// floor(2^64 / p)
    wide_reciprocal: u64,
}

impl Modulus {
    pub(super) const fn new(prime: u32) -> Self {
        Self {
            prime,
            reciprocal: ((1 << 32) / prime as u64) as u32,
            wide_reciprocal: ((1 << 64) / prime as u128) as u64,
        }
    }

    #[inline(always)]
    pub(super) const fn prime(self) -> u32 {
        self.prime
    }

    /// x mod p for any 32-bit x.
    #[inline(always)]
    pub(super) const fn reduce(self, x: u32) -> u32 {
        let quotient = ((x as u64 * self.reciprocal as u64) >> 32) as u32;
        self.below_prime(x.wrapping_sub(quotient.wrapping_mul(self.prime)))
    }

    /// [`reduce`](Self::reduce) of the low half of a 64-bit word: vectors of 64-bit words multiply in one instruction.
    #[inline(always)]
    pub(super) const fn reduce_word(self, x: u64) -> u64 {
        let x = x & u32::MAX as u64;
        let reduced = x - ((x * self.reciprocal as u64) >> 32) * self.prime as u64;
        let less = reduced.wrapping_sub(self.prime as u64);
        if less < reduced { less } else { reduced }
    }

    /// x mod p for any 64-bit x.
    #[inline(always)]
    pub(super) const fn reduce_wide(self, x: u64) -> u32 {
        let quotient = ((x as u128 * self.wide_reciprocal as u128) >> 64) as u64;
        self.below_prime(x.wrapping_sub(quotient.wrapping_mul(self.prime as u64)) as u32)
    }

    /// x mod p for x < 2p: the smaller of x and x - p, which wraps around to a large number when x < p.
    #[inline(always)]
    const fn below_prime(self, x: u32) -> u32 {
        let less = x.wrapping_sub(self.prime);
        if less < x { less } else { x }
    }

    /// x mod p for |x| < 2^31 - 2p.
    #[inline(always)]
    pub(super) const fn reduce_signed(self, x: i32) -> u32 {
        // Adding a multiple of p near 2^31 makes x non-negative.
        let offset = (1 << 31) / self.prime * self.prime;
        self.reduce((x as u32).wrapping_add(offset))
    }

    /// floor(w 2^32 / p), the Shoup companion of w.
    #[inline(always)]
    pub(super) const fn companion(self, w: u32) -> u32 {
        // Exact in f64: w 2^32 has 52 bits, and a quotient that is not an integer is at least 1 / p away from one.
        (w as f64 * (1u64 << 32) as f64 / self.prime as f64) as u32
    }

    /// x w mod p as a number below 2p, for any 32-bit x.
    #[inline(always)]
    pub(super) const fn multiply_lazy(self, x: u32, w: u32, companion: u32) -> u32 {
        let quotient = ((x as u64 * companion as u64) >> 32) as u32;
        x.wrapping_mul(w).wrapping_sub(quotient.wrapping_mul(self.prime))
    }

    /// a b mod p.
    #[inline(always)]
    pub(super) const fn multiply(self, a: u32, b: u32) -> u32 {
        self.reduce_wide(a as u64 * b as u64)
    }

    /// base^exponent mod p.
    pub(super) const fn power(self, base: u32, mut exponent: u64) -> u32 {
        let (mut square, mut result) = (self.reduce(base), 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, square);
            }
            square = self.multiply(square, square);
            exponent >>= 1;
        }
        result
    }

    /// 1 / a mod p for a not 0 mod p, by Fermat.
    pub(super) const fn inverse(self, a: u32) -> u32 {
        self.power(a, self.prime as u64 - 2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIMES: [u32; 2] = [1_032_193, 995_329];

    proptest! {
        #[test]
        fn reductions_agree_with_the_remainder(x: u32, wide: u64, signed in -(1 << 30)..(1 << 30)) {
            for prime in PRIMES {
                let modulus = Modulus::new(prime);
                prop_assert_eq!(modulus.reduce(x), x % prime);
                prop_assert_eq!(modulus.reduce_word(wide), u64::from(wide as u32 % prime));
                prop_assert_eq!(u64::from(modulus.reduce_wide(wide)), wide % u64::from(prime));
                let expected = i64::from(signed).rem_euclid(i64::from(prime));
                prop_assert_eq!(i64::from(modulus.reduce_signed(signed)), expected);
            }
        }

        #[test]
        fn products_agree_with_the_remainder(x: u32, factor: u32) {
            for prime in PRIMES {
                let (modulus, w) = (Modulus::new(prime), factor % prime);
                let lazy = modulus.multiply_lazy(x, w, modulus.companion(w));
                prop_assert!(lazy < 2 * prime);
                prop_assert_eq!(u64::from(lazy % prime), u64::from(x) * u64::from(w) % u64::from(prime));
            }
        }
    }

    #[test]
    fn extremes_reduce() {
        for prime in PRIMES {
            let modulus = Modulus::new(prime);
            for x in [0, 1, prime - 1, prime, prime + 1, 2 * prime - 1, u32::MAX] {
                assert_eq!(modulus.reduce(x), x % prime);
            }
            assert_eq!(u64::from(modulus.reduce_wide(u64::MAX)), u64::MAX % u64::from(prime));
            assert_eq!(modulus.multiply(modulus.inverse(12_345), 12_345), 1);
        }
    }
}
