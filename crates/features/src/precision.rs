//! Options for loading a network.

/// Arithmetic of a network. Vectors of different precision are not compared: near a threshold they could disagree.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Precision {
    /// Single precision, on every processor.
    #[default]
    F32,
    /// bfloat16 with sums in single precision: about twice as fast on processors with AVX512_BF16.
    Bf16,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// Its name on the command line and in a [`FeatureSpace`](crate::FeatureSpace).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// The precision with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == name)
    }
}

/// How many photos a network is loaded for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Workload {
    /// One photo: load quickly.
    One,
    /// Many photos: spend time on packing the weights to embed faster.
    Many,
}
