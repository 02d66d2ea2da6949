//! The two layouts of weight files, and the preprocessing that each was trained with.

use crate::photo::PreparedPhoto;

/// [`FeatureSpace::preprocessing`](crate::FeatureSpace::preprocessing) of each layout. Vaults store these names: never
/// change the meaning of one.
pub(crate) const PREPROCESSING: [&str; 2] =
    [Layout::KerasV1Folded.preprocessing(), Layout::TorchvisionV15.preprocessing()];

/// Maps red, green and blue of a pixel, 0 to 255, to the three channels of the input.
pub(super) type Normalise = fn([f32; 3]) -> [f32; 3];

/// Which convolution of the first block of a stage halves the resolution: the only difference between the two published
/// networks.
#[derive(Clone, Copy)]
pub(super) enum Downsampling {
    /// The first 1x1 convolution (the paper, Keras).
    Reduce,
    /// The 3x3 convolution ("v1.5", torchvision).
    Spatial,
}

/// How a weight file names its tensors, and how pixels were normalised in training.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// Keras applications, batch normalisation folded: blue, green, red, each minus its ImageNet mean.
    KerasV1Folded,
    /// torchvision: red, green, blue scaled to 0..1, each minus its mean, divided by its standard deviation.
    TorchvisionV15,
}

impl Layout {
    pub(super) const fn preprocessing(self) -> &'static str {
        match self {
            Self::KerasV1Folded => "centre-square-224-bilinear/bgr-mean",
            Self::TorchvisionV15 => "centre-square-224-bilinear/rgb-mean-deviation",
        }
    }

    pub(super) fn normalise(self) -> Normalise {
        match self {
            Self::KerasV1Folded => |[red, green, blue]| [blue - 103.939, green - 116.779, red - 123.68],
            Self::TorchvisionV15 => |[red, green, blue]| {
                [(red / 255.0 - 0.485) / 0.229, (green / 255.0 - 0.456) / 0.224, (blue / 255.0 - 0.406) / 0.225]
            },
        }
    }

    /// The input of the network for one photo: `[height][width][channel]`.
    pub(super) fn input(self, photo: &PreparedPhoto) -> Vec<f32> {
        let (pixels, _) = photo.rgb().as_chunks::<3>();
        pixels.iter().flat_map(|rgb| self.normalise()(rgb.map(f32::from))).collect()
    }

    pub(super) fn downsampling(self) -> Downsampling {
        match self {
            Self::KerasV1Folded => Downsampling::Reduce,
            Self::TorchvisionV15 => Downsampling::Spatial,
        }
    }
}
