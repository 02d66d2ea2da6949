//! For a user who looks at another window: how far a run is, in the title and in the terminal's tab or the task bar,
//! and a notification when a long run ends.
//!
//! Must never: name a photo or a folder. Desktops keep notifications, and anybody sees them.

use std::time::{Duration, Instant};

use super::state::State;
use super::state::indexing::{Indexing, RunStatus};
use super::state::vault::Task;

/// The end of a shorter run is not announced.
const LONG: Duration = Duration::from_secs(10);

/// What may take long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Run {
    /// Photos are added.
    Indexing,
    /// Photos are exported.
    Export,
    /// Every byte of the vault is checked.
    Check,
}

impl Run {
    const ALL: [Self; 3] = [Self::Indexing, Self::Export, Self::Check];

    fn is_under_way(self, state: &State) -> bool {
        match self {
            Self::Indexing => state.indexing.as_ref().is_some_and(Indexing::is_running),
            Self::Export => state.exporting.is_some(),
            Self::Check => state.collection.task == Some(Task::Checking),
        }
    }
}

/// How far a run is, as the terminal shows it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Progress {
    /// Nothing runs.
    #[default]
    None,
    /// So many percent are done.
    Running(u8),
    /// So many percent are done, and the user has paused it.
    Paused(u8),
    /// The run failed at so many percent.
    Failed(u8),
}

impl Progress {
    /// That of an indexing run.
    #[must_use]
    pub fn of(run: &Indexing) -> Self {
        let done = percent(run.fraction());
        match run.status {
            RunStatus::Looking | RunStatus::Running | RunStatus::Stopping => Self::Running(done),
            RunStatus::Paused => Self::Paused(done),
            RunStatus::Failed => Self::Failed(done),
            RunStatus::Done | RunStatus::Stopped => Self::None,
        }
    }

    /// OSC 9;4, as ConEmu defined it.
    fn sequence(self) -> String {
        let (state, done) = match self {
            Self::None => (0, 0),
            Self::Running(done) => (1, done),
            Self::Failed(done) => (2, done),
            Self::Paused(done) => (4, done),
        };
        format!("\x1b]9;4;{state};{done}\x1b\\")
    }
}

/// Removes a progress bar.
pub const REMOVE_PROGRESS: &str = "\x1b]9;4;0;0\x1b\\";

/// Whole percent, rounded down: 100 only when all is done.
fn percent(fraction: f64) -> u8 {
    (fraction.clamp(0.0, 1.0) * 100.0) as u8
}

/// What runs, for the title: `37 % indexing`.
#[must_use]
pub fn summary(state: &State) -> Option<String> {
    if let Some(run) = state.indexing.as_ref().filter(|run| run.is_running()) {
        return Some(match Progress::of(run) {
            _ if run.status == RunStatus::Looking => "indexing".to_owned(),
            Progress::Paused(done) => format!("{done} % indexing, paused"),
            _ => format!("{} % indexing", percent(run.fraction())),
        });
    }
    state.exporting.as_ref().map(|run| format!("{} % exporting", percent(run.fraction())))
}

/// How a terminal shows a notification.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Notification {
    /// By its bell only.
    Bell,
    /// iTerm2's, one text.
    Osc9,
    /// kitty's (<https://sw.kovidgoyal.net/kitty/desktop-notifications/>).
    Osc99,
    /// urxvt's, title and text.
    Osc777,
}

impl Notification {
    fn sequence(self, text: &str) -> String {
        match self {
            Self::Bell => "\x07".to_owned(),
            Self::Osc9 => format!("\x07\x1b]9;cipherlens: {text}\x1b\\"),
            Self::Osc99 => {
                format!("\x07\x1b]99;i=cipherlens:d=0;cipherlens\x1b\\\x1b]99;i=cipherlens:d=1:p=body;{text}\x1b\\")
            }
            Self::Osc777 => format!("\x07\x1b]777;notify;cipherlens;{text}\x1b\\"),
        }
    }
}

/// From which version on a terminal draws progress. Others take it for a notification, and show dozens.
#[derive(Clone, Copy)]
enum DrawsProgress {
    Never,
    Always,
    /// The variable with the version, and the first one.
    Since(&'static str, &'static [u32]),
}

/// A terminal, known by a variable of the environment.
struct TerminalProfile {
    variable: &'static str,
    /// How its value begins.
    value: &'static str,
    progress: DrawsProgress,
    notification: Notification,
}

const fn profile(
    variable: &'static str,
    value: &'static str,
    progress: DrawsProgress,
    notification: Notification,
) -> TerminalProfile {
    TerminalProfile { variable, value, progress, notification }
}

const VERSION: &str = "TERM_PROGRAM_VERSION";

/// The terminals. What a terminal says of itself in `TERM` comes first: the other variables are inherited by terminals
/// that are started from it.
#[rustfmt::skip]
const TERMINALS: [TerminalProfile; 12] = [
    // Draws progress since 0.43, but does not tell its version.
    profile("TERM", "xterm-kitty", DrawsProgress::Never, Notification::Osc99),
    profile("TERM", "foot", DrawsProgress::Never, Notification::Osc777),
    profile("TERM", "rxvt-unicode", DrawsProgress::Never, Notification::Osc777),
    profile("TERM", "xterm-ghostty", DrawsProgress::Since(VERSION, &[1, 2]), Notification::Osc9),
    profile("TERM_PROGRAM", "ghostty", DrawsProgress::Since(VERSION, &[1, 2]), Notification::Osc9),
    // Nightly builds only so far; a version is a date.
    profile("TERM_PROGRAM", "WezTerm", DrawsProgress::Since(VERSION, &[20_250_301]), Notification::Osc9),
    profile("TERM_PROGRAM", "iTerm.app", DrawsProgress::Since(VERSION, &[3, 6, 6]), Notification::Osc9),
    profile("TERM_PROGRAM", "mintty", DrawsProgress::Always, Notification::Bell),
    profile("KONSOLE_VERSION", "", DrawsProgress::Since("KONSOLE_VERSION", &[260_400]), Notification::Bell),
    profile("PTYXIS_VERSION", "", DrawsProgress::Since("PTYXIS_VERSION", &[48]), Notification::Bell),
    profile("WT_SESSION", "", DrawsProgress::Always, Notification::Bell),
    profile("ConEmuPID", "", DrawsProgress::Always, Notification::Bell),
];

/// What the terminal can do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Abilities {
    draws_progress: bool,
    notification: Notification,
}

impl Abilities {
    /// Those of the terminal that set these variables. tmux and GNU screen are between the program and the terminal.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let plain = Self { draws_progress: false, notification: Notification::Bell };
        let term = variable("TERM").unwrap_or_default();
        let is_nested = variable("TMUX").is_some() || variable("STY").is_some();
        if is_nested || ["tmux", "screen", "linux", "dumb"].iter().any(|name| term.starts_with(name)) {
            return plain;
        }
        let is_it = |profile: &&TerminalProfile| {
            variable(profile.variable).is_some_and(|value| value.starts_with(profile.value))
        };
        let Some(terminal) = TERMINALS.iter().find(is_it) else { return plain };
        let draws_progress = match terminal.progress {
            DrawsProgress::Never => false,
            DrawsProgress::Always => true,
            DrawsProgress::Since(name, first) => variable(name).is_some_and(|text| numbers(&text).as_slice() >= first),
        };
        Self { draws_progress, notification: terminal.notification }
    }
}

/// The numbers of a version.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// Whether the terminal's window has the keyboard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WindowFocus {
    /// It has.
    Gained,
    /// Another window has, or the terminal never reported it.
    Lost,
}

/// Whether the terminal's window has the focus, what it shows, and since when runs are under way.
pub struct Attention {
    abilities: Abilities,
    focus: WindowFocus,
    shown: Progress,
    /// Whether the user has seen how the last run ended.
    is_seen: bool,
    began: [Option<Instant>; Run::ALL.len()],
}

impl Attention {
    /// Reads the environment. A terminal that reports no focus counts as one without.
    #[must_use]
    pub fn new() -> Self {
        Self::in_terminal(|name| std::env::var(name).ok())
    }

    fn in_terminal(variable: impl Fn(&str) -> Option<String>) -> Self {
        let abilities = Abilities::of(variable);
        Self { abilities, focus: WindowFocus::Lost, shown: Progress::None, is_seen: false, began: Default::default() }
    }

    /// The window got or lost the focus.
    pub fn focus(&mut self, focus: WindowFocus) {
        self.focus = focus;
        self.is_seen |= focus == WindowFocus::Gained;
    }

    /// A key, a click or a paste: the user is looking. Whatever else a terminal sends, it may send unasked.
    pub fn used(&mut self) {
        self.is_seen = true;
    }

    /// Follows the state, and returns what the terminal must be sent to show the same. A locked screen shows nothing.
    pub fn follow(&mut self, state: &State, now: Instant) -> Option<String> {
        for (began, run) in self.began.iter_mut().zip(Run::ALL) {
            let before = began.take();
            *began = run.is_under_way(state).then(|| before.unwrap_or(now));
        }
        let is_running = self.began.iter().any(Option::is_some);
        self.is_seen &= !is_running;
        let wanted = match (&state.indexing, &state.exporting) {
            _ if state.session.open().is_none() => Progress::None,
            (Some(run), _) if run.is_running() => Progress::of(run),
            (_, Some(run)) => Progress::Running(percent(run.fraction())),
            (Some(run), None) if !self.is_seen => Progress::of(run),
            _ => Progress::None,
        };
        let is_due = self.abilities.draws_progress && wanted != self.shown;
        self.shown = wanted;
        is_due.then(|| wanted.sequence())
    }

    /// The terminal shows no progress any more.
    pub fn progress_removed(&mut self) {
        self.shown = Progress::None;
    }

    /// What announces the end of a run: nothing if it was short, or the user is looking. `text` holds counts and no
    /// names. A run that follows at once begins when the state is followed next.
    #[must_use]
    pub fn announce(&mut self, run: Run, text: &str, now: Instant) -> Option<String> {
        let began = self.began[Run::ALL.iter().position(|known| *known == run)?].take()?;
        let is_long = now.saturating_duration_since(began) >= LONG;
        (is_long && self.focus == WindowFocus::Lost).then(|| self.abilities.notification.sequence(text))
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
