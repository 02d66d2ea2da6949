//! Black-box tests: the real binary on real photos, as a user runs it from a shell.

mod add;
mod bench;
mod broken_output;
mod camera_data;
mod check_copy;
mod copies;
mod damage;
mod ended_by_error;
mod export;
mod features;
mod interrupt;
mod keys;
mod known_vaults;
mod legacy;
mod merge;
mod older_copies;
mod passed_over;
mod privacy;
mod program;
mod search;
mod terminal;
mod vault;
