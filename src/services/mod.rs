//! The use cases, and every policy behind them: what the command line and the terminal application call.
//!
//! | start here | for |
//! |---|---|
//! | [`session`], [`open_vault`] | finding, creating, unlocking a vault; the handle that everything else takes |
//! | [`find`], [`survey`], [`index`], [`interrupted_runs`] | photos into a vault |
//! | [`search`], [`library`], [`export`] | finding, listing, removing and exporting photos |
//! | [`keys`] | passphrases |
//! | [`check`], [`transfer`], [`merge`] | damage and repair; copies on other machines |
//! | [`known_vaults`], [`copies`], [`vault_name`] | which vault belongs to an address; its copies; what it is called |
//! | [`upgrade`] | vaults of older formats |
//! | [`embedding`] | the model that turns photos into vectors |
//! | [`settings`], [`application_options`], [`app_dirs`] | what the user chose, and where the program keeps files |
//!
//! Data types that a face shows live here; nothing here knows of a terminal. Progress and cancellation are plain
//! interfaces ([`progress`]).

pub mod app_dirs;
pub mod application_options;
pub mod benchmark;
pub mod camera_data;
pub mod check;
pub mod copies;
pub mod decoys;
pub mod embedding;
pub mod embedding_benchmark;
pub mod exif;
pub mod export;
pub mod external_viewer;
pub mod find;
pub mod format;
pub mod index;
pub mod interrupted_runs;
pub mod keys;
pub mod known_vaults;
pub mod legacy;
pub mod library;
pub mod merge;
pub mod name;
pub mod newest_paths;
pub mod open_vault;
pub mod passphrase_strength;
pub mod photo;
pub mod privacy;
pub mod progress;
pub mod recognise;
pub mod scp_address;
pub mod search;
pub mod session;
pub mod settings;
pub mod skipped;
pub mod stored_photo;
pub mod survey;
pub mod synthetic;
pub mod text_layout;
pub mod thumbnail;
mod timing;
pub mod transfer;
pub mod upgrade;
pub mod vault_name;
