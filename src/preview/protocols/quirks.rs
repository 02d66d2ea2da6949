//! Terminals whose answers cannot be trusted.

use crate::preview::environment::Environment;

/// WezTerm and Konsole report kitty graphics but do not implement its Unicode placeholders, and their Sixel support is
/// worse than their iTerm2 inline images, or missing.
pub(super) fn lacks_placeholders(environment: Environment<'_>) -> bool {
    environment.is_set("WEZTERM_EXECUTABLE") || environment.is_set("KONSOLE_VERSION")
}
