//! Paths typed by the user.

use std::path::PathBuf;

use super::super::state::State;

/// The path that was typed; `~` at its start is the home folder, as in a shell.
pub(super) fn expand_home(typed: &str) -> PathBuf {
    let typed = typed.trim();
    match (typed.strip_prefix('~'), std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => PathBuf::from(typed),
    }
}

/// A path that was typed; a relative one is below the folder that the Files tab shows.
pub(super) fn path(state: &State, typed: &str) -> PathBuf {
    // Joining an absolute path replaces the folder.
    state.browser.folder.join(expand_home(typed))
}
