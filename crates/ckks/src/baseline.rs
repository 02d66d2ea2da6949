//! The plain scan, the baseline for the encrypted scan. A fair comparison needs the fastest one: time every kernel of
//! [`PlainKernel::supported`].

pub use super::kernel::PlainKernel;

/// Inner products of `query` (a multiple of 128 components) with each row of `vectors`, into as many `scores`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn plain_scores(kernel: PlainKernel, vectors: &[f32], query: &[f32], scores: &mut [f32]) {
    assert!(!query.is_empty() && query.len().is_multiple_of(128), "a multiple of 128 components");
    assert_eq!(vectors.len(), scores.len() * query.len(), "a score for each row");
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
        for dimension in [128, 384, 512, 2048] {
            let vectors: Vec<f32> = (0..ROWS * dimension).map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5).collect();
            let query: Vec<f32> = (0..dimension).map(|i| ((i * 104_729) % 997) as f32 / 997.0 - 0.5).collect();
            for kernel in PlainKernel::supported() {
                let mut scores = [f32::NAN; ROWS];
                plain_scores(kernel, &vectors, &query, &mut scores);
                for (score, row) in scores.iter().zip(vectors.chunks(dimension)) {
                    let exact: f64 = row.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                    assert!((f64::from(*score) - exact).abs() < 1e-3, "{} {dimension}", kernel.name());
                }
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
