//! The vault from outside: what is stored comes back, damage is repaired, groups stay as good as segments.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by their attribute, not what they call")]

mod damage;
mod fixture;
mod generations;
mod groups;
