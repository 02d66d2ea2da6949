//! Activation functions.

/// What is applied to the outputs of a layer.
#[derive(Clone, Copy)]
pub(crate) enum Activation {
    /// Nothing.
    Linear,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// The lower bound of the outputs: both functions are `max(x, floor)`.
    pub(crate) fn floor(self) -> f32 {
        match self {
            Self::Linear => f32::NEG_INFINITY,
            Self::Relu => 0.0,
        }
    }
}
