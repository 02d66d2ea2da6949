//! The error of decrypted scores, predicted and measured.
//!
//! With sigma the standard deviation of the noise, rounding of the encodings included, the error of a score has
//! standard deviation sigma sqrt(1 / Dx^2 + S / Dq^2): the stored noise meets one unit query, the query's noise meets
//! the S unit vectors of a lane. The product of both noises is a thousand times smaller. With non-negative vectors the
//! query's term is partly common to all images of one query: pool several queries before comparing.

use super::parameters::{FOLDS, NOISE_ETA, QUERY_SCALE, STORED_SCALE};

/// No score of unit vectors has a larger absolute value, by hundreds of standard deviations; what a wrong secret
/// decrypts to is spread evenly up to 1.17.
const LARGEST_SCORE: f32 = 1.1;

/// Predicted standard deviation of a score's error, for every dimension.
#[must_use]
pub fn predicted_score_std() -> f64 {
    // Variances of the centred binomial noise, and of rounding in the encoding (uniform, width 1).
    let sigma = (f64::from(NOISE_ETA) / 2.0 + 1.0 / 12.0).sqrt();
    sigma * (STORED_SCALE.powi(-2) + FOLDS as f64 * QUERY_SCALE.powi(-2)).sqrt()
}

/// Accumulates the errors of scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    count: usize,
    squares: f64,
    largest: f64,
}

impl Measured {
    /// Adds one score and the true inner product.
    pub fn add(&mut self, score: f64, exact: f64) {
        let error = score - exact;
        self.count += 1;
        self.squares += error * error;
        self.largest = self.largest.max(error.abs());
    }

    /// Root mean square of the errors.
    #[must_use]
    pub fn std(&self) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt()
    }

    /// The largest absolute error.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.largest
    }
}

/// Whether a correct answer can have this score.
#[inline(always)]
pub(super) fn is_possible(score: f32) -> bool {
    score.abs() <= LARGEST_SCORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicted_noise_is_pinned() {
        assert!((predicted_score_std() - 3.97e-4).abs() < 0.01e-4, "{}", predicted_score_std());
    }

    #[test]
    fn scores_beyond_unit_vectors_are_impossible() {
        assert!(is_possible(-1.1) && is_possible(1.002) && !is_possible(1.1001) && !is_possible(f32::NAN));
    }

    #[test]
    fn measured_errors_add_up() {
        let mut measured = Measured::default();
        measured.add(0.3, 0.0);
        measured.add(0.0, 0.4);
        assert!((measured.std() - 0.125f64.sqrt()).abs() < 1e-12 && measured.max() == 0.4);
    }
}
