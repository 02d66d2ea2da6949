//! Rows of fields, compressed: the content of `.records` and `.table`.
//!
//! ```text
//! compressed = raw DEFLATE (RFC 1951) of the content
//! content    = number of rows 4 | rows
//! row        = length 4 | fields
//! field      = tag 2 | length 4 | value
//! ```
//!
//! Numbers are little-endian. Fields are in ascending order of their tags; what the tags mean, and which may be
//! repeated, is up to the kind of row. A tag of 32,768 or more is critical: a reader that does not know it must refuse
//! the row.
//!
//! The content is wiped on drop, and so are the buffers of the compressor. The state of the decompressor, which is
//! Huffman tables and a few bits of input, is not.
//!
//! Must never: allocate by a number in a file, or inflate more than [`LARGEST_CONTENT_BYTES`].

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use zeroize::Zeroizing;

use super::layout::Object;
use crate::vault::error::Error;

/// Most bytes of content before compression.
pub const LARGEST_CONTENT_BYTES: usize = 64 << 20;
/// Most rows of one file or page.
pub const MOST_ROWS: usize = 1024;
/// Most bytes of the fields of one row. [`MOST_ROWS`] of them fit into [`LARGEST_CONTENT_BYTES`].
pub const LARGEST_ROW_BYTES: usize = LARGEST_CONTENT_BYTES / MOST_ROWS - 8;
/// The first critical tag.
pub const FIRST_CRITICAL_TAG: u16 = 32_768;

/// Bytes of a field before its value.
pub(super) const FIELD_BYTES: usize = 2 + 4;
/// Balances time and size: it is the usual default of zlib. Raw DEFLATE, so no window bits.
const COMPRESSION_LEVEL: i32 = 6;
const RAW: i32 = 0;
const DEFAULT_STRATEGY: i32 = 0;

/// A field. No `Debug`: values must not be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// What the value means.
    pub tag: u16,
    /// The value.
    pub value: Vec<u8>,
}

impl Field {
    /// A field whose value is the parts, one after the other.
    #[must_use]
    pub fn new(tag: u16, parts: &[&[u8]]) -> Self {
        Self { tag, value: parts.concat() }
    }

    /// The field, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> FieldRef<'_> {
        FieldRef { tag: self.tag, value: &self.value }
    }
}

/// A field inside of decoded content. No `Debug`: values must not be logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// What the value means.
    pub tag: u16,
    /// The value.
    pub value: &'a [u8],
}

impl FieldRef<'_> {
    /// A copy, to keep a field that this version does not know.
    #[must_use]
    pub fn to_field(self) -> Field {
        Field { tag: self.tag, value: self.value.to_vec() }
    }

    /// Refuses a critical field. For fields that this version does not know.
    ///
    /// # Errors
    /// [`RowsFault::UnknownField`].
    pub fn ignorable(self) -> Result<Self, RowsFault> {
        if self.tag < FIRST_CRITICAL_TAG { Ok(self) } else { Err(RowsFault::UnknownField { tag: self.tag }) }
    }
}

/// Why rows cannot be read. The texts complete a sentence about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsFault {
    /// They are not as a writer writes them.
    #[error("its content is not what a writer writes")]
    Malformed,
    /// A newer version wrote a field that changes the meaning of the others.
    #[error("it has field {tag}, which only a newer version of this program understands")]
    UnknownField {
        /// The tag of the field.
        tag: u16,
    },
}

impl RowsFault {
    /// The error about the file with these rows.
    #[must_use]
    pub fn in_file(self, object: &Object) -> Error {
        match self {
            Self::Malformed => {
                Error::Damaged { object: object.clone(), what: "its content is not what a writer writes" }
            }
            Self::UnknownField { .. } => Error::Newer { what: "records with a field that this version does not know" },
        }
    }
}

/// Bytes of the fields of a row.
#[must_use]
pub fn row_bytes(row: &[Field]) -> usize {
    row.iter().map(|field| FIELD_BYTES + field.value.len()).sum()
}

/// The compressed content of rows, whose fields must be in ascending order of their tags.
///
/// # Errors
/// [`Error::TooLong`] for more than [`MOST_ROWS`] rows, or one of more than [`LARGEST_ROW_BYTES`].
pub fn encode_rows(rows: &[Vec<Field>]) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(deflate(&encode_content(rows)?))
}

/// The content of rows before compression.
///
/// # Errors
/// As [`encode_rows`].
pub fn encode_content(rows: &[Vec<Field>]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if rows.len() > MOST_ROWS {
        return Err(Error::TooLong { what: "a list of rows", actual: rows.len(), limit: MOST_ROWS });
    }
    let lengths: Vec<usize> = rows.iter().map(|row| row_bytes(row)).collect();
    if let Some(actual) = lengths.iter().copied().find(|bytes| *bytes > LARGEST_ROW_BYTES) {
        return Err(Error::TooLong { what: "what is recorded of a photo", actual, limit: LARGEST_ROW_BYTES });
    }
    // The exact size: a vector that grows leaves unwiped copies behind.
    let bytes = 4 + lengths.iter().map(|bytes| 4 + bytes).sum::<usize>();
    let mut content = Zeroizing::new(Vec::with_capacity(bytes));
    content.extend((rows.len() as u32).to_le_bytes());
    for (row, bytes) in rows.iter().zip(lengths) {
        content.extend((bytes as u32).to_le_bytes());
        for Field { tag, value } in row {
            content.extend(tag.to_le_bytes());
            content.extend((value.len() as u32).to_le_bytes());
            content.extend(value);
        }
    }
    Ok(content)
}

/// Rows that were verified: each consists of whole fields in ascending order of their tags. Wiped on drop.
pub struct Rows {
    content: Zeroizing<Vec<u8>>,
    rows: usize,
}

impl Rows {
    /// Reads what [`encode_rows`] wrote.
    ///
    /// # Errors
    /// [`RowsFault::Malformed`] for anything else, and for more than `most` rows.
    pub fn decode(compressed: &[u8], most: usize) -> Result<Self, RowsFault> {
        Self::of_content(inflate(compressed).ok_or(RowsFault::Malformed)?, most)
    }

    /// Reads what [`encode_content`] wrote.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn of_content(content: Zeroizing<Vec<u8>>, most: usize) -> Result<Self, RowsFault> {
        let rows = verified(&content, most).ok_or(RowsFault::Malformed)?;
        Ok(Self { content, rows })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The fields of each row.
    pub fn iter(&self) -> impl Iterator<Item = Fields<'_>> {
        let mut rest = Bytes(self.content.get(4..).unwrap_or_default());
        std::iter::from_fn(move || rest.length_and_bytes().map(|row| Fields(Bytes(row))))
    }
}

/// The fields of one row.
#[derive(Clone)]
pub struct Fields<'a>(Bytes<'a>);

impl<'a> Iterator for Fields<'a> {
    type Item = FieldRef<'a>;

    fn next(&mut self) -> Option<FieldRef<'a>> {
        let tag = self.0.u16()?;
        Some(FieldRef { tag, value: self.0.length_and_bytes()? })
    }
}

/// The number of rows, if the content is that of at most `most` rows and nothing else.
fn verified(content: &[u8], most: usize) -> Option<usize> {
    if content.len() > LARGEST_CONTENT_BYTES {
        return None;
    }
    let mut rest = Bytes(content);
    let rows = rest.u32()? as usize;
    if rows > most {
        return None;
    }
    for _ in 0..rows {
        let row = rest.length_and_bytes().filter(|row| row.len() <= LARGEST_ROW_BYTES)?;
        let mut fields = Fields(Bytes(row));
        let (mut last, mut bytes) = (0, 0);
        for field in &mut fields {
            if field.tag < last {
                return None;
            }
            last = field.tag;
            bytes += FIELD_BYTES + field.value.len();
        }
        // The iterator also ends at half a field.
        if bytes != row.len() {
            return None;
        }
    }
    rest.is_empty().then_some(rows)
}

/// Bytes that are read from the front. Every method returns `None` when too few are left.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    /// A length of 4 bytes, and as many bytes.
    fn length_and_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Compresses `content`.
fn deflate(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let flags = create_comp_flags_from_zip_params(COMPRESSION_LEVEL, RAW, DEFAULT_STRATEGY);
    let mut compressor = Box::new(CompressorOxide::new(flags));
    // Room for content that does not get smaller: it is stored in pieces with a few bytes each.
    let mut compressed = Zeroizing::new(vec![0; content.len() + content.len() / 512 + 256]);
    let (mut read, mut written) = (0, 0);
    loop {
        let (input, output) = (&content[read..], &mut compressed[written..]);
        let (status, taken, given) = compress(&mut compressor, input, output, TDEFLFlush::Finish);
        read += taken;
        written += given;
        match status {
            TDEFLStatus::Okay => compressed = enlarged(&compressed, 2 * compressed.len()),
            // `Done`: the others are for wrong use and for callbacks, of which there are none.
            _ => break,
        }
    }
    compressed.truncate(written);
    // This overwrites its window and its buffers.
    compressor.reset();
    compressed
}

/// Decompresses at most [`LARGEST_CONTENT_BYTES`]; `None` if there is more, or something after the end.
fn inflate(compressed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // One byte more, so that a full buffer means too much content.
    const MOST: usize = LARGEST_CONTENT_BYTES + 1;
    let mut decompressor = Box::<DecompressorOxide>::default();
    let mut content = Zeroizing::new(vec![0; compressed.len().saturating_mul(4).clamp(1 << 10, MOST)]);
    let (mut read, mut written) = (0, 0);
    loop {
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, taken, given) = decompress(&mut decompressor, &compressed[read..], &mut content, written, flags);
        read += taken;
        written += given;
        match status {
            TINFLStatus::Done if read == compressed.len() && written < MOST => break,
            TINFLStatus::HasMoreOutput if content.len() < MOST => {
                content = enlarged(&content, (2 * content.len()).min(MOST));
            }
            _ => return None,
        }
    }
    content.truncate(written);
    Some(content)
}

/// A longer copy. The old one is wiped when the caller replaces it, unlike by `Vec::resize`.
fn enlarged(bytes: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut larger = Zeroizing::new(vec![0; length]);
    larger[..bytes.len()].copy_from_slice(bytes);
    larger
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A fixed sequence of numbers (xorshift64*, Vigna 2014).
    pub(in super::super) fn numbers(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        move || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }
    }

    fn field(tag: u16, value: &[u8]) -> Field {
        Field::new(tag, &[value])
    }

    fn read(compressed: &[u8], most: usize) -> Result<Vec<Vec<Field>>, RowsFault> {
        let rows = Rows::decode(compressed, most)?;
        Ok(rows.iter().map(|row| row.map(FieldRef::to_field).collect()).collect())
    }

    #[test]
    fn rows_come_back() {
        let rows = [vec![field(1, b"one"), field(1, b""), field(7, &[9; 300])], vec![], vec![field(65_535, b"x")]];
        for count in 0..=rows.len() {
            let compressed = encode_rows(&rows[..count]).unwrap();
            assert!(read(&compressed, count).unwrap() == rows[..count]);
            assert_eq!(Rows::decode(&compressed, count).unwrap().len(), count);
            assert!(count == 0 || read(&compressed, count - 1).is_err(), "more rows than expected");
        }
    }

    #[test]
    fn content_is_laid_out_as_specified() {
        let content = encode_content(&[vec![field(4, b"ab")]]).unwrap();
        assert_eq!(*content, [1, 0, 0, 0, 8, 0, 0, 0, 4, 0, 2, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn anything_but_whole_rows_in_order_is_refused() {
        let refused = |content: &[u8]| Rows::of_content(Zeroizing::new(content.to_vec()), 9).is_err();
        let whole = encode_content(&[vec![field(4, b"ab"), field(5, b"")], vec![field(3, b"c")]]).unwrap();
        assert!(!refused(&whole));
        assert!((0..whole.len()).all(|length| refused(&whole[..length])), "cut off");
        assert!(refused(&[&whole[..], &[0]].concat()), "a byte after the end");
        assert!(refused(&encode_content(&[vec![field(5, b""), field(4, b"")]]).unwrap()), "descending tags");
        for (at, what) in [(0, "rows"), (4, "length of a row"), (10, "length of a field"), (13, "a huge length")] {
            for change in [1, 0xFF] {
                let mut changed = whole.to_vec();
                changed[at] ^= change;
                assert!(refused(&changed), "{what}");
            }
        }
    }

    #[test]
    fn accepted_content_has_one_encoding() {
        let mut random = numbers(1);
        let whole = encode_content(&[vec![field(4, b"ab"), field(5, b"")], vec![field(3, b"c")]]).unwrap();
        let mut accepted = 0;
        for _ in 0..20_000 {
            let mut changed = whole.clone();
            for _ in 0..=random() % 3 {
                let at = random() as usize % changed.len();
                changed[at] = random() as u8 % 8;
            }
            if let Ok(rows) = Rows::of_content(changed.clone(), 9) {
                let fields: Vec<Vec<Field>> = rows.iter().map(|row| row.map(FieldRef::to_field).collect()).collect();
                assert!(*encode_content(&fields).unwrap() == *changed);
                accepted += 1;
            }
        }
        assert!(accepted > 100, "{accepted}");
    }

    #[test]
    fn compressed_content_comes_back_at_every_size() {
        let mut random = numbers(2);
        for bytes in [0, 1, 1023, 1024, 1025, 40_000, 1 << 20] {
            let noise: Vec<u8> = (0..bytes).map(|_| random() as u8).collect();
            for content in [vec![7; bytes], noise] {
                let compressed = deflate(&content);
                assert!(compressed.len() <= content.len() + content.len() / 512 + 256);
                assert!(inflate(&compressed).is_some_and(|read| *read == content));
                assert!(inflate(&[&compressed[..], &[0]].concat()).is_none(), "a byte after the end");
                assert!(inflate(&compressed[..compressed.len() - 1]).is_none(), "cut off");
            }
        }
    }

    #[test]
    fn content_beyond_the_limit_is_refused() {
        let full = deflate(&vec![0; LARGEST_CONTENT_BYTES]);
        assert!(full.len() < LARGEST_CONTENT_BYTES / 900, "it is a decompression bomb");
        assert_eq!(inflate(&full).map(|content| content.len()), Some(LARGEST_CONTENT_BYTES));
        assert!(inflate(&deflate(&vec![0; LARGEST_CONTENT_BYTES + 1])).is_none());
        assert!(inflate(&deflate(&vec![0; 2 * LARGEST_CONTENT_BYTES])).is_none());
    }

    #[test]
    fn the_largest_rows_fit() {
        let row = |bytes: usize| vec![field(1, &vec![0; bytes - FIELD_BYTES])];
        let rows = vec![row(LARGEST_ROW_BYTES); MOST_ROWS];
        assert!(read(&encode_rows(&rows).unwrap(), MOST_ROWS).unwrap() == rows);
        let longer = encode_content(&[row(LARGEST_ROW_BYTES + 1)]);
        assert!(matches!(longer, Err(Error::TooLong { actual, .. }) if actual == LARGEST_ROW_BYTES + 1));
        let more = encode_content(&vec![Vec::new(); MOST_ROWS + 1]);
        assert!(matches!(more, Err(Error::TooLong { actual, .. }) if actual == MOST_ROWS + 1));
    }

    #[test]
    fn only_critical_tags_must_be_known() {
        assert!(field(32_767, b"").as_ref().ignorable().is_ok());
        let critical = field(32_768, b"");
        assert!(matches!(critical.as_ref().ignorable(), Err(RowsFault::UnknownField { tag: 32_768 })));
    }
}
