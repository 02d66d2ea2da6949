//! How photos get to the user's own machine: through the terminal, or by a command to run there.

use super::super::delivery::Route;
use crate::preview::tmux::Tmux;

/// Larger photos take too long through a terminal.
pub(super) const LARGEST_BYTES: u64 = 50 << 20;
/// Characters of a photo's id in a command.
const SHORT_ID: usize = 8;

/// Random bytes of the id that distinguishes a delivery from others in the same terminal.
const ID_BYTES: usize = 6;

/// A random id, in hexadecimal.
pub(super) fn random_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; ID_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// How this terminal receives files, judged by the environment; `None` if it is not known to support that, or if tmux
/// does not pass files on. Queries tmux, which may take a moment.
pub(super) fn route() -> Option<Route> {
    let passes = || Tmux::of_environment().and_then(|tmux| tmux.view()).is_none_or(|view| view.allows_passthrough);
    route_of(&|name| std::env::var(name).unwrap_or_default())
        .filter(|route| *route != Route::Iterm2ThroughTmux || passes())
}

/// Whether the environment names a terminal that stores files.
pub(in crate::tui) fn terminal_stores_files() -> bool {
    route_of(&|name| std::env::var(name).unwrap_or_default()).is_some()
}

fn route_of(variable: &dyn Fn(&str) -> String) -> Option<Route> {
    let is_tmux = !variable("TMUX").is_empty() || variable("TERM").starts_with("tmux");
    // ssh passes LC_TERMINAL on but not TERM_PROGRAM; in tmux, TERM_PROGRAM names tmux.
    let named = [("LC_TERMINAL", "LC_TERMINAL_VERSION"), ("TERM_PROGRAM", "TERM_PROGRAM_VERSION")];
    if let Some((_, version)) = named.iter().find(|(name, _)| variable(name).contains("iTerm")) {
        return Some(match (is_tmux, takes_parts(&variable(version))) {
            (true, _) => Route::Iterm2ThroughTmux,
            (false, true) => Route::Iterm2InParts,
            (false, false) => Route::Iterm2Whole,
        });
    }
    // kitty answers, and tmux may give the answer to another pane.
    let is_kitty = variable("TERM") == "xterm-kitty" || !variable("KITTY_WINDOW_ID").is_empty();
    (is_kitty && !is_tmux).then_some(Route::Kitty)
}

/// Whether iTerm2 of this version joins files from parts.
fn takes_parts(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(3), Some(5))
}

/// The command to run when the terminal does not store files.
pub(super) fn by_hand(ids: &[String]) -> String {
    let short: Vec<&str> = ids.iter().map(|id| id.get(..SHORT_ID).unwrap_or(id)).collect();
    format!("cipherlens export --to FOLDER {}", short.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route_in(environment: &[(&str, &str)]) -> Option<Route> {
        route_of(&|name| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map_or_else(String::new, |(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_route_fits_the_terminal_over_ssh_and_in_tmux_too() {
        type Environment = [(&'static str, &'static str)];
        let cases: [(&Environment, Option<Route>); 8] = [
            (&[("TERM", "xterm-256color")], None),
            (&[("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", "3.4.23")], Some(Route::Iterm2Whole)),
            (&[("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", "3.5.0")], Some(Route::Iterm2InParts)),
            (&[("LC_TERMINAL", "iTerm2"), ("LC_TERMINAL_VERSION", "3.10.1")], Some(Route::Iterm2InParts)),
            (&[("LC_TERMINAL", "iTerm2"), ("TMUX", "/tmp/t,1,0")], Some(Route::Iterm2ThroughTmux)),
            (&[("TERM", "xterm-kitty"), ("SSH_CONNECTION", "there")], Some(Route::Kitty)),
            (&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Some(Route::Kitty)),
            (&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], None),
        ];
        for (environment, expected) in cases {
            assert_eq!(route_in(environment), expected, "{environment:?}");
        }
    }

    #[test]
    fn other_terminals_get_a_command_that_names_the_photos() {
        assert_eq!(by_hand(&["0123456789abcdef".to_owned()]), "cipherlens export --to FOLDER 01234567");
    }
}
