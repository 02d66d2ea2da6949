//! The pictures on the screen: which of them the frame being drawn needs, and which are in memory.
//!
//! Drawing never waits: a picture that is not in memory is requested from the worker and drawn when it arrives. Few
//! pictures are kept, in memory only, and all are dropped on lock.
//!
//! Must never: show one photo's picture under another's name, or send pixels through tmux without permission: they
//! could land in another pane.

mod cache;
mod encoders;
mod pictures;
mod placement;
mod request;
mod sent;
#[cfg(test)]
mod tests;
mod view;

pub use pictures::Pictures;
pub use placement::{Permission, PictureState};
pub use request::{PictureRequest, PictureResponse, Subject};
pub use sent::SentPictures;
pub use view::{Enlarged, Rotation, View};
