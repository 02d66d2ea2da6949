//! The plain scan, the baseline for the encrypted scan. A fair comparison needs the fastest one: time every kernel of
//! [`PlainKernel::supported`].

use super::parameters::Parameters;
pub use super::scan::PlainKernel;

/// Components of a row.
const DIMENSION: usize = Parameters::V1.dimension();

/// Inner products of `query` (2048 components) with each row of `vectors`, into as many `scores`.
///
/// # Panics
/// When there are fewer scores than rows.
pub fn plain_scores(kernel: PlainKernel, vectors: &[f32], query: &[f32; DIMENSION], scores: &mut [f32]) {
    assert!(scores.len() >= vectors.len() / DIMENSION, "a score for each row");
    kernel.scores(vectors, query, scores);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kernel;

    #[test]
    fn every_plain_kernel_computes_the_same_inner_products() {
        // Rows processed together, and a remainder.
        const ROWS: usize = 11;
        let vectors: Vec<f32> = (0..ROWS * DIMENSION).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5).collect();
        let query: [f32; DIMENSION] = std::array::from_fn(|i| ((i * 104_729) % 997) as f32 / 997.0 - 0.5);
        for kernel in PlainKernel::supported() {
            let mut scores = [f32::NAN; ROWS];
            plain_scores(kernel, &vectors, &query, &mut scores);
            for (score, row) in scores.iter().zip(vectors.chunks(DIMENSION)) {
                let exact: f64 = row.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                assert!((f64::from(*score) - exact).abs() < 1e-3, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn every_instruction_set_of_the_encrypted_scan_has_a_plain_kernel() {
        let mut names: Vec<_> = PlainKernel::supported().into_iter().map(PlainKernel::name).collect();
        for kernel in Kernel::supported() {
            // On 64-bit ARM the portable plain kernel is compiled to NEON.
            let name = if kernel.name() == "neon" { "portable" } else { kernel.name() };
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "two kernels have one name");
    }
}
