//! What a key does to the form on the screen.

use super::super::super::state::text_field::Edit;

/// A key in the form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FormKey {
    /// Edits the field.
    Edit(Edit),
    /// Moves to the next field or choice.
    Next,
    /// Moves to the previous field or choice.
    Previous,
    /// Accepts what was typed or chosen.
    Submit,
}
