//! The left button of the mouse, held down on an item.

/// The left button, held down on an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Press {
    /// The item.
    pub place: usize,
    /// The cursor was there already: releasing the button opens the item.
    pub was_current: bool,
    /// The pointer has moved to another item.
    pub is_drag: bool,
}
