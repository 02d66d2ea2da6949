//! tmux between the program and the terminal: whether it passes pixels on, where they would land, and repainting what
//! it does not know to be there.
//!
//! tmux keeps text by pane, but passes `ESC P tmux; ... ESC \` on as it is. A Sixel or iTerm2 picture lands where the
//! terminal's cursor happens to be, in whatever pane, or where it says itself ([`drawn_at`]), and tmux does not know
//! that it is there: it stays when panes move. So pixels are sent only while tmux says that the own pane is the active
//! one, and where that is. tmux is asked by its own command: a control-mode client would be told of changes, but counts
//! as an attached client, and a program has no business with hooks.
//!
//! Must never: change an option of tmux, `allow-passthrough` above all. Nothing here may run in an event loop: a tmux
//! that hangs is waited for.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How to let tmux pass pixels on; the user does it, not the program.
pub const ADVICE: &str = "tmux passes no pictures on; `tmux set -g allow-passthrough on` lets them through";

/// Why half blocks are drawn in a tmux that cannot be asked, and what to do about it.
pub const ELSEWHERE: &str =
    "a tmux at the other end cannot be asked which pane is active: --preview sixel draws pixels";

/// Makes the terminal erase its whole screen, all panes, with the pictures on it. tmux does not notice and must be told
/// to paint again ([`Tmux::repaint_after_erasing`]). Painting alone is not enough: xterm keeps the pixels below the
/// cursor.
///
/// The second sequence is for tmux itself (DECAWM off): when it says that lines do not wrap, it has passed the first
/// one on. Nothing that the program draws needs lines that wrap.
pub const ERASE_SCREEN: &str = "\x1bPtmux;\x1b\x1b[2J\x1b\\\x1b[?7l";

/// Undoes the mark that [`ERASE_SCREEN`] leaves (DECAWM on).
pub const ERASED: &str = "\x1b[?7h";

/// tmux answers in milliseconds; one that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(2);

/// Asked of tmux, one answer a line.
const QUESTIONS: &str = "#{pane_active}\n#{window_active_clients}\n#{pane_in_mode}\n#{allow-passthrough}\n\
    #{client_name} #{client_created}\n\
    #{pane_left},#{pane_top},#{window_offset_x},#{status},#{status-position}\n\
    #{window_visible_layout} #{client_width} #{client_height}";

/// What begins a sequence that tmux is to pass on.
const START: &str = "\x1bPtmux;";

/// A wrapped picture that is drawn at this column and row of the terminal, counted from 0, wherever its cursor is.
/// Without it a picture that tmux reads together with the one before lands on that one: tmux moves the terminal's
/// cursor only now and then. `None` when the picture is not wrapped.
#[must_use]
pub fn drawn_at((column, row): (u16, u16), wrapped: &str) -> Option<String> {
    let rest = wrapped.strip_prefix(START)?;
    Some(format!("{START}\x1b\x1b[{};{}H{rest}", u32::from(row) + 1, u32::from(column) + 1))
}

/// How pixels get from the program to the terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passage {
    /// Nothing stands between.
    Direct,
    /// Through a tmux that says which pane is active.
    Tmux,
    /// Through a tmux that cannot be asked: it runs at the other end of a network link, and only TERM tells of it.
    TmuxElsewhere,
}

impl Passage {
    /// As the environment says.
    #[must_use]
    pub fn of_environment() -> Self {
        let is = |name, known: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| known(&value));
        if Tmux::of_environment().is_some() {
            Self::Tmux
        } else if is("TERM", |term| term.starts_with("tmux")) || is("TERM_PROGRAM", |program| program == "tmux") {
            Self::TmuxElsewhere
        } else {
            Self::Direct
        }
    }

    /// Whether sequences must be wrapped for tmux.
    #[must_use]
    pub fn is_tmux(self) -> bool {
        self != Self::Direct
    }

    /// What goes before a sequence, in place of each ESC in it, and after it.
    #[must_use]
    pub(super) fn wrapping(self) -> (&'static str, &'static str, &'static str) {
        if self.is_tmux() { (START, "\x1b\x1b", "\x1b\\") } else { ("", "\x1b", "") }
    }
}

/// The tmux that the program runs in.
#[derive(Clone, Debug)]
pub struct Tmux {
    pane: String,
}

/// How the own pane stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct View {
    /// Pixels would land in the own pane: it is the active one, shows its program, and one terminal shows it.
    pub is_in_front: bool,
    /// Some terminal shows the window of the own pane.
    pub is_visible: bool,
    /// `allow-passthrough` is on. Before tmux 3.3 there was no such option, and everything was passed on.
    pub passes: bool,
    /// Tells apart the terminals that were attached one after the other.
    pub client: String,
    /// The column and the row of the terminal's screen where the own pane begins, counted from 0.
    pub origin: (u16, u16),
    /// How the panes share the terminal's screen; when it changes, earlier pixels may lie elsewhere.
    pub layout: String,
}

impl View {
    /// Whether pixels may be sent.
    #[must_use]
    pub fn takes_pixels(&self) -> bool {
        self.is_in_front && self.passes
    }

    fn parse(answer: &str) -> Option<Self> {
        let mut lines = answer.lines();
        let mut next = || lines.next().map(str::trim);
        let (is_active, terminals, mode, passthrough) = (next()? == "1", next()?, next()?, next()?);
        let client = next()?.to_owned();
        let place = next()?;
        let layout = format!("{place} {}", next()?);
        let mut parts = place.split(',');
        let mut part = || parts.next();
        let (left, top) = (part()?.parse::<u16>().ok()?, part()?.parse::<u16>().ok()?);
        let (offset, status, position) = (part()?, part()?, part()?);
        let status_lines = match (status, position) {
            ("on", "top") => 1,
            (lines, "top") => lines.parse::<u16>().unwrap_or(0),
            _ => 0,
        };
        Some(Self {
            // In a mode tmux shows something of its own, such as the history, in the pane's place. A window larger than
            // its terminal, which alone has an offset, is shown in part.
            is_in_front: is_active && terminals == "1" && mode == "0" && offset.is_empty(),
            is_visible: !matches!(terminals, "" | "0"),
            passes: !matches!(passthrough, "0" | "off"),
            client,
            origin: (left, top.saturating_add(status_lines)),
            layout,
        })
    }
}

impl Tmux {
    /// As the environment says: tmux tells each program its server and its pane.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        variable("TMUX")?;
        Some(Self { pane: variable("TMUX_PANE")? })
    }

    /// How the own pane stands; `None` when tmux does not say.
    #[must_use]
    pub fn view(&self) -> Option<View> {
        View::parse(&self.ask(QUESTIONS)?)
    }

    /// Has tmux paint everything again on the terminals that show the own pane, once it has passed [`ERASE_SCREEN`] on.
    /// Returns whether there is such a terminal; where there is none, nothing was erased.
    pub fn repaint_after_erasing(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.ask("#{wrap_flag}").is_some_and(|wraps| wraps.trim() != "0") && Instant::now() < deadline {
            sleep(GLANCE);
        }
        let terminals = self.ask("#{window_active_clients_list}").unwrap_or_default();
        let terminals: Vec<&str> = terminals.trim().split(',').filter(|name| !name.is_empty()).collect();
        for terminal in &terminals {
            let _ = run(["refresh-client", "-t", terminal]);
        }
        !terminals.is_empty()
    }

    fn ask(&self, format: &str) -> Option<String> {
        run(["display-message", "-p", "-t", &self.pane, format])
    }
}

/// Runs a command of tmux and returns what it printed; `None` when it fails or takes too long.
fn run<const COUNT: usize>(arguments: [impl AsRef<OsStr>; COUNT]) -> Option<String> {
    let mut command = Command::new("tmux");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let deadline = Instant::now() + PATIENCE;
    // What it prints is short and fits into the pipe.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => sleep(GLANCE),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut printed = String::new();
    child.stdout.take()?.read_to_string(&mut printed).ok()?;
    status.success().then_some(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(answer: &str) -> View {
        View::parse(answer).unwrap()
    }

    #[test]
    fn pixels_are_taken_by_the_active_pane_that_one_terminal_shows() {
        let rest = "/dev/pts/4 1795967523\n56,12,,on,bottom\n3210,110x35,0,0,0 110 36\n";
        for (answers, takes_pixels, is_visible) in [
            ("1\n1\n0\n1\n", true, true),
            ("0\n1\n0\n1\n", false, true),
            ("1\n0\n0\n1\n", false, false),
            ("1\n2\n0\n1\n", false, true),
            ("1\n1\n1\n1\n", false, true),
            ("1\n1\n0\n0\n", false, true),
            ("1\n1\n0\noff\n", false, true),
            ("1\n1\n0\nall\n", true, true),
            // tmux before 3.3 knows no such option.
            ("1\n1\n0\n\n", true, true),
        ] {
            let view = view(&format!("{answers}{rest}"));
            assert_eq!((view.takes_pixels(), view.is_visible), (takes_pixels, is_visible), "{answers:?}");
            assert_eq!((view.client.as_str(), view.origin), ("/dev/pts/4 1795967523", (56, 12)));
        }
        for (place, origin, is_in_front) in [
            ("56,12,,on,top", (56, 13), true),
            ("56,12,,3,top", (56, 15), true),
            ("56,12,,off,top", (56, 12), true),
            ("56,12,20,on,bottom", (56, 12), false),
        ] {
            let view = view(&format!("1\n1\n0\n1\nclient\n{place}\nlayout\n"));
            assert_eq!((view.origin, view.is_in_front), (origin, is_in_front), "{place}");
        }
        assert_eq!(View::parse("1\n1\n"), None);
        assert_eq!(View::parse(""), None);
    }

    #[test]
    fn a_wrapped_picture_is_told_where_to_be_drawn() {
        let placed = drawn_at((9, 4), "\x1bPtmux;\x1b\x1bPq...\x1b\x1b\\\x1b\\").unwrap();
        assert_eq!(placed, "\x1bPtmux;\x1b\x1b[5;10H\x1b\x1bPq...\x1b\x1b\\\x1b\\");
        assert_eq!(drawn_at((9, 4), "text"), None);
    }
}
