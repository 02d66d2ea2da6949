//! Photos that stay encrypted on any machine and can still be searched by similarity.
//!
//! # The map
//!
//! A directory is a layer. Imports point down only; `tests/architecture/` reads the `use` lines and fails on one that
//! points up.
//!
//! | layer | rooms | what lives there |
//! |---|---|---|
//! | 0 | `crates/secret` | bytes that are wiped, never printed, compared in constant time |
//! | 1 | `crates/ckks` | encrypted search: similarity scores between encrypted vectors |
//! | 1 | `crates/features` | pixels to a unit vector: decoding under limits, ResNet-50 |
//! | 1 | [`durable`] | whole files that survive a crash, the exclusive lock |
//! | 1 | [`cipher`] | AES-256-CBC + HMAC-SHA-512, Argon2id, one key per object |
//! | 2 | [`vault`] | photos and encrypted features at rest: generations, transactions, check and repair |
//! | 3 | [`remote`] | a vault on another machine: the protocol, both its sides, what is cached at home |
//! | 4 | [`error`] | what a use case can fail with, and what to do about it |
//! | 5 | [`services`] | the use cases: index, search, export, remove |
//! | 6 | [`preview`] | pictures in the terminal |
//! | 7 | [`cli`] | one file a command |
//! | 7 | [`tui`] | the terminal application |
//!
//! The rooms of layer 1 know nothing of one another.

pub mod cipher;
pub mod cli;
pub mod durable;
pub mod error;
pub mod preview;
pub mod remote;
pub mod services;
pub mod tui;
pub mod vault;

pub use cipherlens_ckks as ckks;
pub use cipherlens_features as features;
pub use cipherlens_secret as secret;
