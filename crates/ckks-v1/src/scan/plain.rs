//! Inner products of plain f32 vectors, for the baseline that the encrypted scan is measured against.
//!
//! Kernels read one row at a time with 8 accumulators, enough to hide the latency of multiply-add, or four rows at a
//! time as BLAS libraries do. Which is fastest depends on the processor: on a Zen 5 AVX2 beats AVX-512, on a Zen 3 four
//! rows beat one, and prefetching helps on some processors only. A fair comparison times all of them.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector loads, and detected instructions"))]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
};

use crate::parameters::Parameters;

/// Components of a row.
const DIMENSION: usize = Parameters::V1.dimension();

/// A plain vector.
type Row = [f32; DIMENSION];

/// How far ahead the prefetching kernels prefetch: one row per row in progress.
#[cfg(target_arch = "x86_64")]
const PREFETCH_BYTES: usize = size_of::<Row>();

/// A way to compute plain inner products that this processor can run.
#[derive(Clone, Copy)]
pub struct PlainKernel {
    name: &'static str,
    /// The inner product of the query with each row, into as many scores.
    run: fn(&[Row], &Row, &mut [f32]),
}

impl PlainKernel {
    /// Every plain kernel that this processor can run. On 64-bit ARM the portable one is compiled to NEON.
    #[must_use]
    pub fn supported() -> Vec<Self> {
        let mut supported = vec![Self { name: "portable", run: portable }];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                supported.extend(AVX2);
            }
            if is_x86_feature_detected!("avx512f") {
                supported.extend(AVX512);
            }
        }
        supported
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The inner products of `query` with the rows of `vectors`, into `scores`.
    pub(crate) fn scores(self, vectors: &[f32], query: &Row, scores: &mut [f32]) {
        (self.run)(vectors.as_chunks().0, query, scores);
    }
}

fn portable(rows: &[Row], query: &Row, scores: &mut [f32]) {
    const WIDTH: usize = 32;
    for (score, row) in scores.iter_mut().zip(rows) {
        let mut sums = [0.0; WIDTH];
        for (x, y) in row.as_chunks::<WIDTH>().0.iter().zip(query.as_chunks::<WIDTH>().0) {
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum += x * y;
            }
        }
        *score = sums.iter().sum();
    }
}

/// Rows at a time, accumulators of each, and bytes ahead.
#[cfg(target_arch = "x86_64")]
const AVX2: [PlainKernel; 4] = [
    // SAFETY: `supported` returns these only where the processor has the instructions.
    PlainKernel { name: "avx2", run: |rows, query, scores| unsafe { avx2::<1, 8, 0>(rows, query, scores) } },
    PlainKernel {
        name: "avx2 prefetching",
        // SAFETY: as above.
        run: |rows, query, scores| unsafe { avx2::<1, 8, PREFETCH_BYTES>(rows, query, scores) },
    },
    // SAFETY: as above.
    PlainKernel { name: "avx2 four rows", run: |rows, query, scores| unsafe { avx2::<4, 2, 0>(rows, query, scores) } },
    PlainKernel {
        name: "avx2 four rows prefetching",
        // SAFETY: as above.
        run: |rows, query, scores| unsafe { avx2::<4, 2, { 4 * PREFETCH_BYTES }>(rows, query, scores) },
    },
];

/// Rows at a time, accumulators of each, and bytes ahead.
#[cfg(target_arch = "x86_64")]
const AVX512: [PlainKernel; 4] = [
    // SAFETY: `supported` returns these only where the processor has the instructions.
    PlainKernel { name: "avx512", run: |rows, query, scores| unsafe { avx512::<1, 8, 0>(rows, query, scores) } },
    PlainKernel {
        name: "avx512 prefetching",
        // SAFETY: as above.
        run: |rows, query, scores| unsafe { avx512::<1, 8, PREFETCH_BYTES>(rows, query, scores) },
    },
    PlainKernel {
        name: "avx512 four rows",
        // SAFETY: as above.
        run: |rows, query, scores| unsafe { avx512::<4, 2, 0>(rows, query, scores) },
    },
    PlainKernel {
        name: "avx512 four rows prefetching",
        // SAFETY: as above.
        run: |rows, query, scores| unsafe { avx512::<4, 2, { 4 * PREFETCH_BYTES }>(rows, query, scores) },
    },
];

/// Prefetches the cache line `AHEAD_BYTES` after `values`; nothing if that is 0.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch<const AHEAD_BYTES: usize>(values: *const f32) {
    if AHEAD_BYTES > 0 {
        #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
        // SAFETY: a hint; nothing is read, and an address past the end does no harm.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(values.wrapping_byte_add(AHEAD_BYTES).cast());
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<const ROWS: usize, const ACCUMULATORS: usize, const AHEAD_BYTES: usize>(
    rows: &[Row],
    query: &Row,
    scores: &mut [f32],
) {
    /// Half of a cache line.
    const WIDTH: usize = 8;
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(row: &Row, vector: usize) -> __m256 {
        let values = &row.as_chunks::<WIDTH>().0[vector];
        // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn products<const ROWS: usize, const ACCUMULATORS: usize, const AHEAD_BYTES: usize>(
        rows: &[Row; ROWS],
        query: &Row,
    ) -> [f32; ROWS] {
        let mut sums = [[_mm256_setzero_ps(); ACCUMULATORS]; ROWS];
        for group in 0..DIMENSION / WIDTH / ACCUMULATORS {
            let first = group * ACCUMULATORS;
            for at in 0..ACCUMULATORS {
                let y = load(query, first + at);
                for (sums, row) in sums.iter_mut().zip(rows) {
                    if at % 2 == 0 {
                        prefetch::<AHEAD_BYTES>(row[(first + at) * WIDTH..].as_ptr());
                    }
                    sums[at] = _mm256_fmadd_ps(load(row, first + at), y, sums[at]);
                }
            }
        }
        let mut products = [0.0; ROWS];
        for (product, sums) in products.iter_mut().zip(sums) {
            let mut total = _mm256_setzero_ps();
            for sum in sums {
                total = _mm256_add_ps(total, sum);
            }
            let mut values = [0.0; WIDTH];
            // SAFETY: the array is 32 bytes; the store takes any alignment.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), total) };
            *product = values.iter().sum();
        }
        products
    }
    let (together, alone) = rows.as_chunks::<ROWS>();
    let (first_scores, last_scores) = scores.split_at_mut(together.len() * ROWS);
    for (scores, rows) in first_scores.as_chunks_mut::<ROWS>().0.iter_mut().zip(together) {
        *scores = products::<ROWS, ACCUMULATORS, AHEAD_BYTES>(rows, query);
    }
    for (score, row) in last_scores.iter_mut().zip(alone) {
        [*score] = products::<1, 8, AHEAD_BYTES>(std::array::from_ref(row), query);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<const ROWS: usize, const ACCUMULATORS: usize, const AHEAD_BYTES: usize>(
    rows: &[Row],
    query: &Row,
    scores: &mut [f32],
) {
    /// A cache line.
    const WIDTH: usize = 16;
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(row: &Row, vector: usize) -> __m512 {
        let values = &row.as_chunks::<WIDTH>().0[vector];
        // SAFETY: the reference covers the 64 bytes; the load takes any alignment.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn products<const ROWS: usize, const ACCUMULATORS: usize, const AHEAD_BYTES: usize>(
        rows: &[Row; ROWS],
        query: &Row,
    ) -> [f32; ROWS] {
        let mut sums = [[_mm512_setzero_ps(); ACCUMULATORS]; ROWS];
        for group in 0..DIMENSION / WIDTH / ACCUMULATORS {
            let first = group * ACCUMULATORS;
            for at in 0..ACCUMULATORS {
                let y = load(query, first + at);
                for (sums, row) in sums.iter_mut().zip(rows) {
                    prefetch::<AHEAD_BYTES>(row[(first + at) * WIDTH..].as_ptr());
                    sums[at] = _mm512_fmadd_ps(load(row, first + at), y, sums[at]);
                }
            }
        }
        let mut products = [0.0; ROWS];
        for (product, sums) in products.iter_mut().zip(sums) {
            let mut total = _mm512_setzero_ps();
            for sum in sums {
                total = _mm512_add_ps(total, sum);
            }
            *product = _mm512_reduce_add_ps(total);
        }
        products
    }
    let (together, alone) = rows.as_chunks::<ROWS>();
    let (first_scores, last_scores) = scores.split_at_mut(together.len() * ROWS);
    for (scores, rows) in first_scores.as_chunks_mut::<ROWS>().0.iter_mut().zip(together) {
        *scores = products::<ROWS, ACCUMULATORS, AHEAD_BYTES>(rows, query);
    }
    for (score, row) in last_scores.iter_mut().zip(alone) {
        [*score] = products::<1, 8, AHEAD_BYTES>(std::array::from_ref(row), query);
    }
}
