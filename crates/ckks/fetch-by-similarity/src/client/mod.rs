//! What the client, the key holder, does: keys, encryption of database and query, decryption, threshold.

pub(crate) mod database;
pub(crate) mod keys;
pub(crate) mod query;
pub(crate) mod result;
