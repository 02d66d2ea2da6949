//! Photos that stay encrypted on any machine and can still be searched by similarity.
//!
//! ARCHITECTURE.md has the map: which module may use which, and the path of a photo and of a query through them. Start
//! with [`services`], whose page lists the use cases.
//!
//! | module | what lives there |
//! |---|---|
//! | [`durable`] | crash-safe file replacement, the exclusive lock |
//! | [`cipher`] | AES-256-CBC + HMAC-SHA-512, Argon2id, one key per object |
//! | [`vault`] | photos and encrypted features at rest: generations, transactions, check and repair |
//! | [`remote`] | a vault on another machine: protocol, client, host, local cache |
//! | [`error`] | why a use case failed, and what to do about it |
//! | [`services`] | the use cases and all policy: unlock, index, search, export, check |
//! | [`preview`] | pictures in the terminal |
//! | [`cli`] | one file per command |
//! | [`tui`] | the terminal application |
//!
//! Encrypted search, networks and secrets are separate packages: [`ckks`], [`features`], [`secret`].

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
