//! Photos: from the bytes of a file to the input of a network or a thumbnail.
//!
//! | file | content |
//! |---|---|
//! | `format` | recognising the formats that are decoded |
//! | `limits` | bounds on size and memory, checked before pixels are decoded |
//! | `decoded` | [`Photo`]: decoding, orientation, resizing |
//! | `jpeg` | JPEG at reduced scale |
//! | `pixels` | conversion and resizing of decoded pixels |
//! | `part` | [`Part`]: a rectangle of a photo |
//! | `prepared` | [`PreparedPhoto`]: the input of a network |
//!
//! These files open no files, and neither keep nor print anything of a photo.

mod decoded;
mod format;
mod jpeg;
mod limits;
mod part;
mod pixels;
mod prepared;

pub use decoded::Photo;
pub use format::{extension_of, media_type_of};
pub use limits::Limits;
pub use part::Part;
pub use prepared::{ImageInput, PreparedPhoto};
