//! Paths typed by the user.

use std::path::PathBuf;

/// The path that was typed; `~` at its start is the home folder, as in a shell.
pub(super) fn expand_home(typed: &str) -> PathBuf {
    let typed = typed.trim();
    match (typed.strip_prefix('~'), std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => PathBuf::from(typed),
    }
}
