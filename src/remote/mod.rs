//! A vault on another machine: files and the scan are on the host, keys and plaintext stay here.
//!
//! ```text
//! services -> Vault -> CachedBackend -> Client ==frames over stdin/stdout of `ssh`==> host -> LocalBackend -> files
//!                           |                                                        (no key, no secret type)
//!                           cache, encrypted, on this machine
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | `address` | the location of a vault: a directory, `ssh://[user@]host[:port]/path`, or a command |
//! | `open` | the backend of an address |
//! | `transport` | the process that connects to a host |
//! | `frame` | greeting with a version; frames with a bounded length, a request id and a checksum |
//! | `protocol` | requests and replies, each with one encoding |
//! | `client` | the backend that sends requests over a connection |
//! | `cached`, `cache` | a decorator of any backend that keeps fetched files |
//! | `host` | the host's side: files, the scan, and staged writes under the vault's own lock |
//! | `replica` | copies of one vault: when one may replace the other, and how |
//! | `merging` | two copies that were changed separately become one |
//! | `error`, `peer_stderr` | what can go wrong, and what the other side wrote about it |
//!
//! # What crosses the connection
//! A search sends the encrypted query (256 bytes for each number of a vector) and the names of the blocks to scan, and
//! receives 4 bytes per image. Hints, check vectors, lists, records and vectors are fetched once and cached on this
//! machine, encrypted again; thumbnails are read from their packs whenever they are shown. Blocks are never fetched
//! for a search. Adding sends encrypted files; the host writes them as they arrive, and commits by rename under the
//! kernel's lock, as a local writer does. If the connection is lost before the commit, the host removes them.
//!
//! # Trust
//! Everything from the host is checked: the mapping is authenticated with the vault's key and compared with the newest
//! generations seen, every file is compared with its digest in the mapping, and an answer is verified with check
//! vectors before it is decrypted. A host can still refuse, and watch which objects are fetched. If it shows two
//! clients different histories, they notice as soon as one of them is shown what the other one has committed.
//!
//! Must never: send a plaintext, a key, a score or a name; `host` may not even mention a secret type.

mod address;
mod cache;
mod cached;
mod client;
mod error;
pub mod frame;
mod host;
mod merging;
mod open;
mod peer_stderr;
pub mod protocol;
mod replica;
mod transport;

pub use address::{Address, Prompts};
pub use error::Error;
pub use frame::{LARGEST_PAYLOAD, VERSION};
pub use host::serve;
pub use merging::{Disagreements, MergeProgress, MergedCopies, Relation, merge};
pub use open::{Options, open};
pub use peer_stderr::PeerStderr;
pub use replica::{OlderSource, Replica, Transferred, transfer};
