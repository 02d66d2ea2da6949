//! The vault from outside: stored photos are read back, damage is repaired, groups behave like segments.

mod damage;
mod dimension;
mod doubtful_reads;
mod generations;
mod groups;
mod merging;
mod restoring;
mod strays;
mod streams;
mod writers;
