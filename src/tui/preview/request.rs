//! What the screen asks of the picture worker, and what it answers.

use std::path::PathBuf;

use ratatui::layout::Size;

use super::view::View;
use crate::preview::Picture;
use crate::services::library::PhotoId;

/// What a picture shows.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// A photo of the file system.
    File(PathBuf),
    /// The thumbnail of a photo of the vault.
    Thumbnail(PhotoId),
    /// A photo of the vault in full.
    Photo(PhotoId),
    /// The test picture.
    Test,
}

/// A picture that the screen needs.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PictureRequest {
    /// What it shows.
    pub subject: Subject,
    /// How it is turned, and which part of it is shown.
    pub view: View,
    /// The largest size it may have, in cells (columns x rows).
    pub cells: Size,
    /// The generation of [`Pictures`](super::Pictures) that asked: answers to earlier ones are dropped.
    pub generation: u64,
}

/// The answer to a request.
pub struct PictureResponse {
    /// The request.
    pub request: PictureRequest,
    /// The picture, or why there is none.
    pub result: Result<Picture, String>,
}
