//! The input of a network.
//!
//! # Framing
//! Networks see the largest centred square of a photo. On 300 photos of Caltech 101 (20 classes of 15 photos; each
//! photo is a query against the other 299, and a photo of the same class is a hit), for ResNet-50:
//!
//! | what becomes 224 x 224 | precision at 1 | precision at 10 | mean average precision |
//! |---|---|---|---|
//! | the whole photo, stretched | 0.947 | 0.878 | 0.854 |
//! | the whole photo, padded with the mean colour | 0.967 | 0.899 | 0.874 |
//! | shorter side to 256, centre crop | 0.960 | 0.911 | 0.887 |
//! | **shorter side to 224, centre crop** | **0.970** | **0.914** | 0.885 |
//!
//! The subjects of this set are near the centre. Of the two crops the last one cuts off less.

use image::RgbImage;
use zeroize::Zeroize;

/// The form in which a network needs a photo: the largest centred square, resized to `side` x `side` pixels with an
/// antialiasing bilinear filter, as red, green and blue with 8 bits each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ImageInput {
    /// Width and height in pixels.
    pub side: u32,
}

/// A photo as the input of a network. Wiped on drop.
pub struct PreparedPhoto(RgbImage);

impl PreparedPhoto {
    /// `pixels` must be square.
    pub(super) fn new(pixels: RgbImage) -> Self {
        Self(pixels)
    }

    /// Rows from top to bottom, pixels from left to right, red, green and blue: side x side x 3 bytes.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.0
    }

    /// The input that it was prepared for.
    #[must_use]
    pub fn input(&self) -> ImageInput {
        ImageInput { side: self.0.width() }
    }
}

impl Drop for PreparedPhoto {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
