//! A vault on another machine: files and the scan are there, keys and the person are here.
//!
//! ```text
//! services -> Vault -> Client (Storage, Scanner) ==frames over stdin/stdout of `ssh`==> serve -> Store -> files
//!                        |                                                               (no key, no secret type)
//!                        cache, sealed, at home
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | `address` | where a vault is: a directory, `ssh://[user@]host[:port]/path`, or a command that speaks the protocol |
//! | `frame` | greeting with a version; frames with a bounded length, a request id and a checksum |
//! | `protocol` | what is asked and answered, each with one encoding |
//! | `serve` | the host's side: files, the scan, and staged writes under the vault's own lock |
//! | `staging` | the host's side of writing, one writer at a time |
//! | `line` | one running connection: a process, its pipes, replies brought to whoever asked |
//! | `client` | the vault's files seen through a connection: time limits, one more try for what is read |
//! | `transfer` | copies of one vault: when one may become the other, and how |
//! | `parsers` | what a client reads, by itself, for the fuzz targets |
//! | `cache` | what a second search need not fetch again |
//! | `writing` | the writer of a vault on a host, as a transaction uses it |
//!
//! # What crosses the line
//! A search sends the encrypted query (655,360 bytes) and the digests of the blocks that it means, and gets 5 bytes an
//! image. Hints, lists, catalogues, vectors and thumbnails are fetched once and kept at home, sealed once more. Blocks
//! are never fetched for a search. Adding sends sealed files; the host writes them under the kernel's lock and commits by
//! rename, as a writer of its own machine does; when the line is lost before the commit, it removes them.
//!
//! # Trust
//! What the host sends is checked: the mapping is authenticated with the vault's key and compared with the newest
//! generation seen, every file is compared with the digest that the mapping gives, and an answer has the length that the
//! mapping implies and scores that are possible. A host can still refuse, spoil scores within their range, learn scores by
//! watching which searches fail, show two clients different futures, and watch which objects are fetched. Must never: send
//! a plaintext, a key, a score or a name; `serve` may not even name a secret type.

mod address;
mod cache;
mod client;
mod error;
mod frame;
mod line;
pub mod parsers;
mod protocol;
mod serve;
mod staging;
mod transfer;
mod writing;

pub use address::Address;
pub use client::{Client, Prompts};
pub use error::Error;
pub use frame::{LARGEST_PAYLOAD, VERSION};
pub use serve::serve;
pub use transfer::{Copy, OlderSource, Transferred, transfer};
