//! Reads and decodes photo files under limits. A path may name anything: an endless file must be refused before it
//! fills the memory.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::features::Limits;
pub use crate::features::photo::media_type_of;
pub use crate::features::{Part, Photo};
use crate::vault::LARGEST_PHOTO_BYTES;

/// Decodes a photo under the limits that hold for every photo. Only TGA needs the `extension`.
///
/// # Errors
/// When `bytes` are not a photo in a known format, or would take too much memory.
pub fn decode(bytes: &[u8], extension: Option<&OsStr>) -> Result<Photo, Error> {
    Ok(Photo::decode(bytes, extension, Limits::default())?)
}

/// [`decode`] for a large picture: with at least `shorter_side` pixels on the shorter side, if the photo has them.
///
/// # Errors
/// As [`decode`].
pub fn decode_at_least(bytes: &[u8], extension: Option<&OsStr>, shorter_side: u32) -> Result<Photo, Error> {
    Ok(Photo::decode_at_least(bytes, extension, Limits::default(), shorter_side)?)
}

/// The content of a file, wiped when it is dropped.
///
/// # Errors
/// The system's error; `FileTooLarge` beyond [`LARGEST_PHOTO_BYTES`].
pub fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let largest = LARGEST_PHOTO_BYTES as u64;
    let too_large = || {
        let mebibytes = largest >> 20;
        io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {mebibytes} MiB, the limit for a photo"))
    };
    let file = File::open(path)?;
    // For a pipe this is 0; the limit on reading below covers it.
    let length = file.metadata()?.len();
    if length > largest {
        return Err(too_large());
    }
    // Allocated at once: a vector that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 1));
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        std::fs::write(&path, b"pixels").unwrap();
        assert_eq!(read(&path).unwrap().as_slice(), b"pixels");
        // A file of zeros that takes no room on the disk.
        File::create(&path).unwrap().set_len(1 << 34).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
