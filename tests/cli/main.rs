//! Black box: the real binary on real photos, as a user at a shell meets it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test panics")]

mod add;
mod bench;
mod damage;
mod export;
mod interrupt;
mod legacy;
mod program;
mod scene;
mod search;
mod vault;
