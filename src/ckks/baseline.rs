//! The plain scan that the encrypted one is measured against. Must never: be slower than it can be, to flatter ours.

use super::parameters::Parameters;
use super::scan::Kernel;

/// Components of a row.
const DIMENSION: usize = Parameters::V1.dimension();

/// Inner products of `query` (2048 components) with each row of `vectors`, into `scores`.
pub fn plain_scores(kernel: Kernel, vectors: &[f32], query: &[f32; DIMENSION], scores: &mut [f32]) {
    for (score, row) in scores.iter_mut().zip(vectors.as_chunks::<DIMENSION>().0) {
        *score = kernel.inner_product(row, query);
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
