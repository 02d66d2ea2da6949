//! Photos: from the bytes of a file to the input of a network or a thumbnail.
//!
//! | file | content |
//! |---|---|
//! | `format` | recognising the formats that are decoded |
//! | `limits` | bounds on size and memory, checked before pixels are decoded |
//! | `decoded` | [`Photo`]: decoding, orientation, resizing |
//! | `jpeg` | JPEG at reduced scale |
//! | `pixels` | conversion and resizing of decoded pixels |
//! | `prepared` | [`PreparedPhoto`]: the input of a network |
//!
//! These files open no files, and neither keep nor print anything of a photo.

mod decoded;
mod format;
mod jpeg;
mod limits;
mod pixels;
mod prepared;

pub use decoded::Photo;
pub use format::{extension_of, media_type_of};
pub use limits::Limits;
pub use prepared::{ImageInput, PreparedPhoto};
