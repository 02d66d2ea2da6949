//! Inner products of plain f32 vectors, for the baseline that the encrypted scan is measured against.
//!
//! Kernels read one row at a time with 8 accumulators, enough to hide the latency of multiply-add, or several rows at a
//! time as BLAS libraries do. Which is fastest depends on the processor: on a Zen 5 AVX2 beats AVX-512, on a Zen 3 four
//! rows beat one, and prefetching helps on some processors only. A fair comparison times all of them.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector loads, and detected instructions"))]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
};

/// How far ahead the prefetching kernels prefetch, at least the rows in progress.
#[cfg(target_arch = "x86_64")]
const PREFETCH_BYTES: usize = 8 << 10;

/// A way to compute plain inner products that this processor can run.
#[derive(Clone, Copy)]
pub struct PlainKernel {
    name: &'static str,
    /// The inner product of the query with each row, into as many scores.
    run: fn(&[f32], &[f32], &mut [f32]),
}

impl PlainKernel {
    /// Every plain kernel that this processor can run. On 64-bit ARM the portable one is compiled to NEON.
    #[must_use]
    pub fn supported() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "others exist for x86-64 only"))]
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

    /// The inner products of `query` with the rows of `vectors`, into `scores`. Rows are multiples of 128 components.
    pub(crate) fn scores(self, vectors: &[f32], query: &[f32], scores: &mut [f32]) {
        (self.run)(vectors, query, scores);
    }
}

fn portable(vectors: &[f32], query: &[f32], scores: &mut [f32]) {
    const WIDTH: usize = 32;
    for (score, row) in scores.iter_mut().zip(vectors.chunks_exact(query.len())) {
        let mut sums = [0.0; WIDTH];
        for (x, y) in row.as_chunks::<WIDTH>().0.iter().zip(query.as_chunks::<WIDTH>().0) {
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum += x * y;
            }
        }
        *score = sums.iter().sum();
    }
}

/// A kernel of rows at a time, components of a step, and bytes ahead.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    ($name:literal, $function:ident, $rows:literal, $step:literal, $ahead:expr) => {
        PlainKernel {
            name: $name,
            // SAFETY: `supported` returns it only where the processor has the instructions.
            run: |vectors, query, scores| unsafe { $function::<$rows, $step, { $ahead }>(vectors, query, scores) },
        }
    };
}

#[cfg(target_arch = "x86_64")]
const AVX2: [PlainKernel; 6] = [
    kernel!("avx2", avx2, 1, 64, 0),
    kernel!("avx2 prefetching", avx2, 1, 64, PREFETCH_BYTES),
    kernel!("avx2 prefetching far", avx2, 1, 64, 2 * PREFETCH_BYTES),
    kernel!("avx2 two rows", avx2, 2, 32, 0),
    kernel!("avx2 four rows", avx2, 4, 16, 0),
    kernel!("avx2 four rows prefetching", avx2, 4, 16, PREFETCH_BYTES),
];

#[cfg(target_arch = "x86_64")]
const AVX512: [PlainKernel; 6] = [
    kernel!("avx512", avx512, 1, 128, 0),
    kernel!("avx512 prefetching", avx512, 1, 128, PREFETCH_BYTES),
    kernel!("avx512 prefetching far", avx512, 1, 128, 2 * PREFETCH_BYTES),
    kernel!("avx512 two rows", avx512, 2, 64, 0),
    kernel!("avx512 four rows", avx512, 4, 32, 0),
    kernel!("avx512 four rows prefetching", avx512, 4, 32, PREFETCH_BYTES),
];

/// Prefetches the cache line `ahead` bytes after `values`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch(values: &[f32], ahead: usize) {
    #[allow(unused_unsafe, reason = "a safe function in newer compilers only")]
    // SAFETY: a hint; nothing is read, and an address past the end does no harm.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_byte_add(ahead).cast());
    }
}

/// Splits the rows into those taken `ROWS` at a time and the rest, and calls `products` and `last` with them.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn by_rows<const ROWS: usize>(
    vectors: &[f32],
    dimension: usize,
    scores: &mut [f32],
    products: impl Fn([&[f32]; ROWS]) -> [f32; ROWS],
    last: impl Fn([&[f32]; 1]) -> [f32; 1],
) {
    let (together, alone) = scores.as_chunks_mut::<ROWS>();
    let mut rows = vectors.chunks_exact(dimension);
    for scores in together {
        *scores = products(std::array::from_fn(|_| rows.next().unwrap_or_default()));
    }
    for (score, row) in alone.iter_mut().zip(rows) {
        [*score] = last([row]);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<const ROWS: usize, const STEP: usize, const AHEAD_BYTES: usize>(
    vectors: &[f32],
    query: &[f32],
    scores: &mut [f32],
) {
    const WIDTH: usize = 8;
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(values: &[f32; WIDTH]) -> __m256 {
        // SAFETY: the reference covers the 32 bytes; the load takes any alignment.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn products<const ROWS: usize, const STEP: usize, const AHEAD_BYTES: usize>(
        rows: [&[f32]; ROWS],
        query: &[f32],
    ) -> [f32; ROWS] {
        let ahead = AHEAD_BYTES.max(ROWS * size_of_val(query));
        // As many as a step has; the rest stay zero and are optimised away.
        let mut sums = [[_mm256_setzero_ps(); 8]; ROWS];
        let rows = rows.map(|row| row.as_chunks::<STEP>().0);
        for (step, query) in query.as_chunks::<STEP>().0.iter().enumerate() {
            let query = query.as_chunks::<WIDTH>().0;
            for (sums, row) in sums.iter_mut().zip(rows) {
                let row = row[step].as_chunks::<WIDTH>().0;
                for (at, ((sum, x), y)) in sums.iter_mut().zip(row).zip(query).enumerate() {
                    // Half of a cache line.
                    if AHEAD_BYTES > 0 && at % 2 == 0 {
                        prefetch(x, ahead);
                    }
                    *sum = _mm256_fmadd_ps(load(x), load(y), *sum);
                }
            }
        }
        sums.map(|sums| {
            let mut total = _mm256_setzero_ps();
            for sum in sums {
                total = _mm256_add_ps(total, sum);
            }
            let mut values = [0.0; WIDTH];
            // SAFETY: the array is 32 bytes; the store takes any alignment.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), total) };
            values.iter().sum()
        })
    }
    by_rows(
        vectors,
        query.len(),
        scores,
        |rows| products::<ROWS, STEP, AHEAD_BYTES>(rows, query),
        |row| products::<1, 64, AHEAD_BYTES>(row, query),
    );
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512<const ROWS: usize, const STEP: usize, const AHEAD_BYTES: usize>(
    vectors: &[f32],
    query: &[f32],
    scores: &mut [f32],
) {
    /// A cache line.
    const WIDTH: usize = 16;
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(values: &[f32; WIDTH]) -> __m512 {
        // SAFETY: the reference covers the 64 bytes; the load takes any alignment.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn products<const ROWS: usize, const STEP: usize, const AHEAD_BYTES: usize>(
        rows: [&[f32]; ROWS],
        query: &[f32],
    ) -> [f32; ROWS] {
        let ahead = AHEAD_BYTES.max(ROWS * size_of_val(query));
        // As many as a step has; the rest stay zero and are optimised away.
        let mut sums = [[_mm512_setzero_ps(); 8]; ROWS];
        let rows = rows.map(|row| row.as_chunks::<STEP>().0);
        for (step, query) in query.as_chunks::<STEP>().0.iter().enumerate() {
            let query = query.as_chunks::<WIDTH>().0;
            for (sums, row) in sums.iter_mut().zip(rows) {
                let row = row[step].as_chunks::<WIDTH>().0;
                for ((sum, x), y) in sums.iter_mut().zip(row).zip(query) {
                    if AHEAD_BYTES > 0 {
                        prefetch(x, ahead);
                    }
                    *sum = _mm512_fmadd_ps(load(x), load(y), *sum);
                }
            }
        }
        sums.map(|sums| {
            let mut total = _mm512_setzero_ps();
            for sum in sums {
                total = _mm512_add_ps(total, sum);
            }
            _mm512_reduce_add_ps(total)
        })
    }
    by_rows(
        vectors,
        query.len(),
        scores,
        |rows| products::<ROWS, STEP, AHEAD_BYTES>(rows, query),
        |row| products::<1, 128, AHEAD_BYTES>(row, query),
    );
}
