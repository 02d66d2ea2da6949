//! The vault from outside: what is stored comes back, damage is repaired, groups stay as good as segments.

mod damage;
mod generations;
mod groups;
