//! The layout of stored photos in results and vault: thumbnails of some size, or one line each.

/// Thumbnails or lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrangement {
    /// Thumbnails side by side.
    Grid,
    /// A line each.
    List,
}

/// A change to the size of the thumbnails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resize {
    /// Up.
    Larger,
    /// Down.
    Smaller,
}

/// The chosen layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tiles {
    /// Thumbnails or lines.
    pub arrangement: Arrangement,
    /// Index into [`WIDTHS`].
    size: usize,
}

/// Minimum tile widths to choose from, in columns with the border; the height is two fifths of the width.
const WIDTHS: [u16; 5] = [14, 20, 28, 40, 60];
/// The default: room for a thumbnail of 18 x 5 cells.
const DEFAULT_SIZE: usize = 1;

impl Default for Tiles {
    fn default() -> Self {
        Self { arrangement: Arrangement::Grid, size: DEFAULT_SIZE }
    }
}

impl Tiles {
    /// Switches to the other arrangement.
    pub fn rearrange(&mut self) {
        self.arrangement = match self.arrangement {
            Arrangement::List => Arrangement::Grid,
            Arrangement::Grid => Arrangement::List,
        };
    }

    /// The minimum tile width, in columns.
    #[must_use]
    pub fn narrowest(self) -> u16 {
        WIDTHS[self.size]
    }

    /// The maximum tile width, for few photos: still smaller than the preview.
    #[must_use]
    pub fn widest(self) -> u16 {
        2 * self.narrowest()
    }

    /// The rows of a tile with this many columns.
    #[must_use]
    pub fn rows(columns: u16) -> u16 {
        (columns * 2 / 5).max(1)
    }

    /// Makes the thumbnails larger or smaller.
    pub fn resize(&mut self, resize: Resize) {
        self.size = self.resized(resize).unwrap_or(self.size);
    }

    /// Whether there is a larger or smaller size.
    #[must_use]
    pub fn can_resize(self, resize: Resize) -> bool {
        self.arrangement == Arrangement::Grid && self.resized(resize).is_some()
    }

    fn resized(self, resize: Resize) -> Option<usize> {
        let next = match resize {
            Resize::Larger => self.size + 1,
            Resize::Smaller => self.size.checked_sub(1)?,
        };
        (next < WIDTHS.len()).then_some(next)
    }
}
