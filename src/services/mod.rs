//! The use cases: all that the command line and the terminal application may call.
//!
//! Progress and cancelling are plain interfaces ([`progress`]); nothing here knows of a terminal.

pub mod amount;
pub mod benchmark;
pub mod capture;
pub mod decoys;
pub mod export;
pub mod find;
pub mod index;
pub mod legacy;
pub mod library;
pub mod mend;
pub mod name;
pub mod network_benchmark;
pub mod original;
pub mod outside;
pub mod passed_over;
pub mod passphrase_strength;
pub mod places;
pub mod privacy;
pub mod progress;
pub mod scp_address;
pub mod search;
pub mod session;
pub mod settings;
pub mod synthetic;
pub mod text_layout;
pub mod thumbnail;
pub mod unfinished;
