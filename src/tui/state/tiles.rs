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
    /// Index into [`PERCENT`].
    size: usize,
}

/// Sizes to choose from, in percent of the width at which a screen shows a good number of photos.
const PERCENT: [u16; 5] = [65, 100, 150, 200, 300];
/// The default.
const DEFAULT_SIZE: usize = 1;
/// The width of a tile at 100 percent: this many columns, or this part of a wide screen.
const NARROWEST: u16 = 15;
const PART_OF_SCREEN: u16 = 8;

impl Default for Tiles {
    fn default() -> Self {
        Self { arrangement: Arrangement::Grid, size: DEFAULT_SIZE }
    }
}

impl Tiles {
    /// Switches between thumbnails and lines.
    pub fn rearrange(&mut self) {
        self.arrangement = match self.arrangement {
            Arrangement::List => Arrangement::Grid,
            Arrangement::Grid => Arrangement::List,
        };
    }

    /// The minimum width of a tile on a screen of `columns` columns.
    #[must_use]
    pub fn narrowest(self, columns: u16) -> u16 {
        let usual = (columns / PART_OF_SCREEN).max(NARROWEST);
        (usual * PERCENT[self.size] / 100).min(columns).max(1)
    }

    /// The rows of the picture in a tile of this width: photos are mostly 4 : 3, and cells twice as high as wide.
    #[must_use]
    pub fn picture_rows(columns: u16) -> u16 {
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
        (next < PERCENT.len()).then_some(next)
    }
}
