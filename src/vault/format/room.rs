//! How many places of a photo fit into its record.

use super::fields;
use super::found::Found;
use super::record::Record;

/// Bytes of a record that its places leave to its other fields.
const BYTES_WITHOUT_PLACES: usize = 8 << 10;

impl Record {
    /// Whether these places can be added: a record has an end, and some photos are in a thousand folders.
    #[must_use]
    pub fn has_room_for<'a>(&self, more: impl IntoIterator<Item = &'a Found>) -> bool {
        let more: usize = more.into_iter().map(|found| fields::FIELD_BYTES + found.encode().len()).sum();
        let most = fields::LARGEST_ROW_BYTES - BYTES_WITHOUT_PLACES;
        self.to_fields().is_ok_and(|row| fields::row_bytes(&row) + more <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex::Hex;
    use super::*;

    fn found(path: &[u8]) -> Found {
        Found { source: Hex([3; 16]), path: path.to_vec(), modified: None }
    }

    #[test]
    fn a_record_says_how_many_places_it_has_room_for() {
        let mut record = Record::new(Hex([1; 16]), Hex([2; 32]), 3, found(b"first"));
        let least = record.clone();
        let place = found(&[b'x'; 994]);
        let mut places = 0;
        while record.has_room_for([&place]) {
            record.add_found(place.clone());
            places += 1;
        }
        // 1,028 bytes each.
        assert_eq!(places, 55);
        assert!(!record.has_room_for([&found(b"another"), &place]) && least.has_room_for(&vec![place; 55]));
        assert!(record.to_fields().is_ok());
    }
}
