//! Pictures in the terminal: which protocol it understands, and drawing decoded photos with it.
//!
//! Must never: put pixels into a file or shared memory (only inline transmission), query the terminal while another
//! part of the program reads its events, or change an option of tmux.

mod encode;
mod graphics;
mod memory;
mod probe;
mod query;
mod strip;
pub mod tmux;

pub use encode::{Encoder, Picture, PictureError, forget, test_picture};
pub use graphics::{Compression, Graphics};
pub use memory::Memory;
pub use probe::{Choice, Link, Probe, Question, Reason, cells_of_window, detect, probe};
pub use strip::{Panel, print, print_sheet};
