//! The error of decrypted scores, predicted and measured, and their rounding. Unrounded scores must not leave this
//! crate.
//!
//! With sigma the standard deviation of the noise, rounding of the encodings included, the error of a score has
//! standard deviation sigma sqrt(1 / Dx^2 + S / Dq^2): the stored noise meets one unit query, the query's noise meets
//! the S unit vectors of a lane. The product of both noises is a thousand times smaller. Rounding to 4 decimals adds a
//! uniform error of width 1e-4. With non-negative vectors the query's term is partly common to all images of one query:
//! pool several queries before comparing.

use super::parameters::{NOISE_ETA, Parameters};

/// Scores are rounded to multiples of this.
const STEP: f64 = 1e-4;
/// No honest score has a larger absolute value.
const LARGEST_SCORE: f64 = 1.001;

/// Predicted standard deviation of a score's error before it is rounded.
#[must_use]
pub fn predicted_noise_std(parameters: &Parameters) -> f64 {
    // Variances of the centred binomial noise, and of rounding in the encoding (uniform, width 1).
    let sigma = (f64::from(NOISE_ETA) / 2.0 + 1.0 / 12.0).sqrt();
    let stored = parameters.stored_scale().powi(-2);
    let query = parameters.lane_images() as f64 * parameters.query_scale().powi(-2);
    sigma * (stored + query).sqrt()
}

/// Predicted standard deviation of the error of a rounded score.
#[must_use]
pub fn predicted_score_std(parameters: &Parameters) -> f64 {
    (predicted_noise_std(parameters).powi(2) + STEP * STEP / 12.0).sqrt()
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

/// The score that is returned: clamped to \[-1, 1\] and rounded to 4 decimals.
pub(super) fn rounded(score: f64) -> f32 {
    ((score / STEP).round() * STEP).clamp(-1.0, 1.0) as f32
}

/// Whether an honest evaluator can cause this score.
pub(super) fn is_possible(score: f64) -> bool {
    score.abs() <= LARGEST_SCORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicted_noise_is_pinned() {
        assert!((predicted_noise_std(&Parameters::V1) - 2.5e-5).abs() < 0.05e-5);
        assert!((predicted_score_std(&Parameters::V1) - 3.8e-5).abs() < 0.05e-5);
    }

    #[test]
    fn scores_are_rounded_and_clamped() {
        assert_eq!(rounded(0.123_449), 0.1234);
        assert_eq!(rounded(-0.000_06), -0.0001);
        assert_eq!((rounded(1.000_7), rounded(-1.000_7)), (1.0, -1.0));
        assert!(is_possible(-1.001) && !is_possible(1.0011) && !is_possible(f64::NAN));
    }

    #[test]
    fn measured_errors_add_up() {
        let mut measured = Measured::default();
        measured.add(0.3, 0.0);
        measured.add(0.0, 0.4);
        assert!((measured.std() - 0.125f64.sqrt()).abs() < 1e-12 && measured.max() == 0.4);
    }
}
