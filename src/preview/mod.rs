//! Pictures in the terminal: detects which protocol it supports, and draws decoded photos with it.
//!
//! Must never: put pixels into a file or shared memory (only inline transmission), query the terminal while another
//! part of the program reads its events, or change an option of tmux.

mod answers;
mod choice;
mod encode;
mod environment;
mod graphics;
mod link;
mod probe;
pub mod protocols;
mod query;
mod remembered;
mod strip;
mod test_picture;
pub mod tmux;

pub use answers::Answers;
pub use choice::Choice;
pub use encode::{Encoder, Picture, Room};
pub use environment::Environment;
pub use graphics::Graphics;
pub use link::Link;
pub use probe::{Probe, ProbeOptions, Reason, cells_of_window, detect, probe};
pub use remembered::RememberedChoices;
pub use strip::{Panel, print, print_sheet};
pub use test_picture::test_picture;
