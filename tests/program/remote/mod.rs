//! A vault on another machine, from outside: the real binary at both ends of the connection, and what happens when the
//! host or the connection fails or lies.

mod application;
mod copies;
mod dishonest;
mod exporting;
mod forks;
mod garbage;
pub(crate) mod host;
mod interruption;
mod limits;
mod opening;
pub(crate) mod relay;
pub(crate) mod ssh;
mod traces;
mod truncation;
mod use_cases;
