//! Pictures in the terminal: which protocol it understands, and drawing decoded photos with it.
//!
//! Must never: put pixels into a file or shared memory (only inline transmission), or query the terminal while another
//! part of the program reads its events.

mod encode;
mod memory;
mod probe;
mod strip;

pub use encode::{Encoder, Picture, PictureError, forget, test_picture};
pub use memory::Memory;
use probe::of_cells;
pub use probe::{Choice, Link, Probe, Question, Reason, cells_of_window, detect, probe};
pub use strip::{Panel, print, print_sheet};
