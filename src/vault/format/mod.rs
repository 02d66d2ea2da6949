//! The format: what the bytes of a vault's files mean, and how each is encoded and decoded.
//!
//! | file | what it covers |
//! |---|---|
//! | `hex` | ids, digests and MAC tags, and their one spelling in text |
//! | `layout`, `extension` | every path in a vault |
//! | `shape` | names and lengths of files, which follow from the mapping |
//! | `space` | what made the vectors |
//! | `entries`, `mapping` | `mapping.json`: the root that authenticates everything else |
//! | `header` | `header`: the master key, wrapped under a passphrase |
//! | `sealed`, `chunks` | the envelope of every encrypted file; large originals |
//! | `segment`, `list`, `hints`, `vectors`, `record`, `capture` | the files of a segment |
//! | `group`, `dedup` | the files of a group of segments |
//! | `pack` | thumbnails |
//! | `capture`, `found`, `room` | what the camera wrote, and where a photo was found: parts of a record |
//! | `fields`, `table`, `history`, `tombstone` | rows of fields, and tables of them |
//! | `journal` | the files that an interrupted writer may leave |
//! | `expected`, `limits` | size limits and digests that a reader enforces |
//! | `old` | formats 1 and 2 |
//!
//! The encoders and decoders are public, so that a fuzzer can reach each of them. They work on byte slices; lengths
//! follow from the mapping, never from the file itself.
//!
//! Must never: open, read or write a file, or talk to a backend.

pub mod capture;
pub mod chunks;
pub mod dedup;
pub mod entries;
pub mod expected;
pub mod extension;
pub mod fields;
pub mod found;
pub mod group;
pub mod header;
pub mod hex;
pub mod hints;
pub mod history;
pub mod journal;
pub mod layout;
pub mod limits;
pub mod list;
pub mod mapping;
pub mod old;
pub mod pack;
pub mod record;
mod room;
pub mod sealed;
pub mod segment;
pub mod shape;
pub mod space;
pub mod table;
pub mod tombstone;
pub mod vectors;
