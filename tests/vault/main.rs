//! The vault from outside: stored photos are read back, damage is repaired, groups behave like segments.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by their attribute, not what they call")]

mod damage;
mod fixture;
mod generations;
mod groups;
