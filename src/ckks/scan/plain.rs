//! Inner products of plain f32 vectors, for the baseline that the encrypted scan is measured against.
//!
//! One row at a time with 8 vectors of accumulators: enough to hide the latency of the multiply-add, so that memory is
//! the limit.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads, and calls of functions compiled for detected instructions")
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
};

use super::{Instructions, Kernel};

const ACCUMULATORS: usize = 8;

impl Kernel {
    /// The inner product of two vectors of equal length, a multiple of 128.
    #[inline(always)]
    pub(in super::super) fn inner_product(self, x: &[f32], y: &[f32]) -> f32 {
        match self.0 {
            Instructions::Portable => portable(x, y),
            // SAFETY: a `Kernel` with these instructions exists only where the processor has them.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { avx2(x, y) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { avx512(x, y) },
            // NEON is part of every 64-bit ARM target, so that the portable loop is compiled to it.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => portable(x, y),
        }
    }
}

fn portable(x: &[f32], y: &[f32]) -> f32 {
    const WIDTH: usize = 4 * ACCUMULATORS;
    let mut sums = [0.0; WIDTH];
    for (x, y) in x.as_chunks::<WIDTH>().0.iter().zip(y.as_chunks::<WIDTH>().0) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(x: &[f32], y: &[f32]) -> f32 {
    const WIDTH: usize = 16;
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[f32; WIDTH]) -> __m512 {
        // SAFETY: the reference covers the 64 bytes; the load takes any alignment.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }
    let (x, y) = (x.as_chunks::<WIDTH>().0, y.as_chunks::<WIDTH>().0);
    let mut sums = [_mm512_setzero_ps(); ACCUMULATORS];
    for (x, y) in x.as_chunks::<ACCUMULATORS>().0.iter().zip(y.as_chunks::<ACCUMULATORS>().0) {
        for at in 0..ACCUMULATORS {
            sums[at] = _mm512_fmadd_ps(load(&x[at]), load(&y[at]), sums[at]);
        }
    }
    let mut total = _mm512_setzero_ps();
    for sum in sums {
        total = _mm512_add_ps(total, sum);
    }
    _mm512_reduce_add_ps(total)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(x: &[f32], y: &[f32]) -> f32 {
    const WIDTH: usize = 8;
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[f32; WIDTH]) -> __m256 {
        // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }
    let (x, y) = (x.as_chunks::<WIDTH>().0, y.as_chunks::<WIDTH>().0);
    let mut sums = [_mm256_setzero_ps(); ACCUMULATORS];
    for (x, y) in x.as_chunks::<ACCUMULATORS>().0.iter().zip(y.as_chunks::<ACCUMULATORS>().0) {
        for at in 0..ACCUMULATORS {
            sums[at] = _mm256_fmadd_ps(load(&x[at]), load(&y[at]), sums[at]);
        }
    }
    let mut total = _mm256_setzero_ps();
    for sum in sums {
        total = _mm256_add_ps(total, sum);
    }
    let mut values = [0.0; WIDTH];
    // SAFETY: the array is 32 bytes; the store takes any alignment.
    unsafe { _mm256_storeu_ps(values.as_mut_ptr(), total) };
    values.iter().sum()
}
