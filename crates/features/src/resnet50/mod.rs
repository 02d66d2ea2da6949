//! ResNet-50 without its classifier: 224 x 224 pixels to 2048 features, or to the 512 numbers that they project onto.
//!
//! He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016, table 1 (50 layers).
//!
//! | file | content |
//! |---|---|
//! | `architecture`, `convolution` | the network, and its reference implementation with Candle's own convolutions |
//! | `layout`, `weights` | weight files: layouts, normalisation of pixels, loading |
//! | `packed` | the same network over the kernels of this crate |
//! | `operation` | the packed network as one Candle operation on a tensor |
//! | `projection` | the basis that 2048 features are projected onto to give 512 numbers |
//! | `embedder` | [`Embedder`](crate::Embedder) for a processor or an accelerator |

mod architecture;
mod convolution;
mod embedder;
mod layout;
mod operation;
mod packed;
mod projection;
#[cfg(test)]
mod tests;
mod weights;

pub use architecture::{Bottleneck, DIMENSION, ResNet50};
pub use convolution::Convolution;
pub(crate) use embedder::{DIMENSIONS, load};
pub use embedder::{NAME, ResNet50Embedder};
pub(crate) use layout::PREPROCESSING;
pub use projection::{BASIS_FILE_NAME, BASIS_SHA256, PROJECTED_DIMENSION, Projection};
pub use weights::{BUNDLED_SHA256, FILE_NAME, Weights};
