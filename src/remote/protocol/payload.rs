//! The fields of a payload, read one after the other.
//!
//! Must never: read past the end, or allocate memory for an unchecked length.

use crate::vault::Object;

/// Appends an object: the length of its path in one byte, and the path.
pub(super) fn put_object(bytes: &mut Vec<u8>, object: &Object) {
    let path = object.to_string();
    bytes.push(path.len() as u8);
    bytes.extend(path.as_bytes());
}

/// The number that encodes `one` of `all`.
pub(super) fn number_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|known| known == one).expect("all are listed") as u8
}

/// The rest of a payload.
pub(super) struct Payload<'a>(pub(super) &'a [u8]);

impl Payload<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn object(&mut self) -> Option<Object> {
        let [length] = self.array()?;
        self.text(length.into())?.parse().ok()
    }

    pub(super) fn text(&mut self, length: usize) -> Option<&str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    pub(super) fn objects(&mut self) -> Option<Vec<Object>> {
        let mut objects = Vec::new();
        while !self.0.is_empty() {
            objects.push(self.object()?);
        }
        Some(objects)
    }

    /// One of `all`, by its number.
    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let [number] = self.array()?;
        all.get(usize::from(number)).copied()
    }

    pub(super) fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_vec()
    }
}
