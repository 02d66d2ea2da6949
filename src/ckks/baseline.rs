//! The plain scan that the encrypted one is measured against. Must never: be slower than it can be, to flatter ours.
//!
//! One row at a time with 8 vectors of accumulators: at 8 KiB a row it runs at the speed of memory.

use super::parameters::Parameters;
use super::scan::Kernel;

/// Numbers of one vector register, and accumulators.
const WIDTH: usize = 16;
const ACCUMULATORS: usize = 8;
const STEP: usize = WIDTH * ACCUMULATORS;

/// Components of a row.
const DIMENSION: usize = Parameters::V1.dimension();

/// Inner products of `query` (2048 components) with each row of `vectors`, into `scores`.
pub fn plain_scores(kernel: Kernel, vectors: &[f32], query: &[f32; DIMENSION], scores: &mut [f32]) {
    let rows = vectors.as_chunks::<DIMENSION>().0;
    if kernel == Kernel::PORTABLE {
        // Without the instruction a fused multiply-add is a call.
        scan(rows, query, scores, |x, y, sum| x * y + sum);
    } else {
        kernel.vectorised(
            #[inline(always)]
            || scan(rows, query, scores, f32::mul_add),
        );
    }
}

#[inline(always)]
fn scan(
    rows: &[[f32; DIMENSION]],
    query: &[f32; DIMENSION],
    scores: &mut [f32],
    multiply_add: impl Fn(f32, f32, f32) -> f32 + Copy,
) {
    for (score, row) in scores.iter_mut().zip(rows) {
        let mut sums = [[0.0; WIDTH]; ACCUMULATORS];
        let steps = row.as_chunks::<STEP>().0.iter().zip(query.as_chunks::<STEP>().0);
        for (row, query) in steps {
            let vectors = row.as_chunks::<WIDTH>().0.iter().zip(query.as_chunks::<WIDTH>().0);
            for (sums, (row, query)) in sums.iter_mut().zip(vectors) {
                for lane in 0..WIDTH {
                    sums[lane] = multiply_add(row[lane], query[lane], sums[lane]);
                }
            }
        }
        let mut total = [0.0; WIDTH];
        for sums in sums {
            for lane in 0..WIDTH {
                total[lane] += sums[lane];
            }
        }
        *score = total.iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_computes_inner_products() {
        let vectors: Vec<f32> = (0..3 * DIMENSION).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5).collect();
        let query: [f32; DIMENSION] = std::array::from_fn(|i| ((i * 104_729) % 997) as f32 / 997.0 - 0.5);
        for kernel in Kernel::supported() {
            let mut scores = [0.0; 3];
            plain_scores(kernel, &vectors, &query, &mut scores);
            for (score, row) in scores.iter().zip(vectors.chunks(DIMENSION)) {
                let exact: f64 = row.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                assert!((f64::from(*score) - exact).abs() < 1e-3, "{}", kernel.name());
            }
        }
    }
}
