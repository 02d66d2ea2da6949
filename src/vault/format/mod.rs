//! The format: what the bytes of a vault's files mean, and how each is encoded and decoded.
//!
//! | file | what it covers |
//! |---|---|
//! | `hex` | ids, digests and MAC tags, and their one spelling in text |
//! | `layout`, `extension` | every path in a vault |
//! | `parameters` | the figures of encrypted search that file sizes follow from |
//! | `space` | what made the vectors |
//! | `entries`, `mapping` | `mapping.json`: the root that authenticates everything else |
//! | `header` | `header`: the master key, wrapped under a passphrase |
//! | `sealed` | the envelope of every encrypted file |
//! | `images`, `hints`, `vectors`, `catalogue`, `segment` | the five files of a segment |
//! | `group`, `dedup` | the two files of a group of segments |
//! | `journal` | `writing`: the files that an interrupted writer may leave |
//! | `expected`, `limits` | size limits and digests that a reader enforces |
//!
//! The encoders and decoders are public, so that a fuzzer can reach each of them. They work on byte slices; lengths
//! follow from the mapping, never from the file itself.
//!
//! Must never: open, read or write a file, or talk to a backend.

pub mod catalogue;
pub mod dedup;
pub mod entries;
pub mod expected;
pub mod extension;
pub mod group;
pub mod header;
pub mod hex;
pub mod hints;
pub mod images;
pub mod journal;
pub mod layout;
pub mod limits;
pub mod mapping;
pub mod parameters;
pub mod sealed;
pub mod segment;
pub mod space;
pub mod vectors;
