//! Decides how to draw pictures, from the user's choice, the terminal's answers and tmux, and gives the reason.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_image::picker::Capability;

use super::answers::Answers;
use super::choice::Choice;
use super::environment::Environment;
use super::graphics::Graphics;
use super::link::Link;
use super::protocols::{self, Evidence, Protocol, Support};
use super::query;
use super::tmux::{Multiplexer, PaneView, Tmux};
use crate::services::settings::CellSize;

/// Why pictures are drawn the way they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The user chose it by a flag, the environment or the settings.
    Chosen,
    /// The user chose it in this terminal earlier, with the key that steps through the protocols.
    Remembered,
    /// The terminal answered that it supports it.
    Answered,
    /// The environment names a terminal that is known to support it.
    Environment,
    /// The terminal answered, but supports nothing better.
    NothingBetter,
    /// The terminal answered, but did not report the size of a cell, which placing pixels needs.
    NoCellSize,
    /// The terminal did not answer.
    Silent,
    /// Standard input or output is not a terminal.
    NoTerminal,
    /// tmux passes no pixels through.
    NoPassthrough,
    /// In tmux, pixels would land elsewhere: another pane is active, or not exactly one terminal shows this one.
    PaneInactive,
    /// tmux did not answer which pane is active.
    TmuxSilent,
    /// tmux runs at the other end of a network connection and cannot be asked which pane is active.
    RemoteTmux,
}

/// Evidence that is known before the terminal is probed.
#[derive(Clone, Copy, Debug)]
pub struct ProbeOptions {
    /// The user's choice of how pictures are drawn.
    pub choice: Choice,
    /// What the user chose in this terminal earlier; used for [`Choice::Auto`].
    pub remembered: Option<Choice>,
    /// Whether the terminal is on this machine.
    pub link: Link,
    /// Width and height of a cell, which override what the terminal reports.
    pub cells: Option<CellSize>,
}

/// The result of probing a terminal.
#[derive(Clone, Debug)]
pub struct Probe {
    /// How to draw; `None` when pictures are off or there is no terminal.
    pub graphics: Option<Graphics>,
    /// The terminal's answers.
    pub answers: Vec<Capability>,
    /// Why pictures are drawn this way.
    pub reason: Reason,
    /// How long the terminal took to answer, or the timeout.
    pub waited: Duration,
    /// The terminal behind tmux that was asked, by [`PaneView::client`].
    pub client: Option<String>,
}

impl Probe {
    /// The name and the value of each answer, for a report.
    #[must_use]
    pub fn report(&self) -> Vec<(&'static str, String)> {
        let describe = |capability: &Capability| {
            Some(match capability {
                Capability::RectangularOps => ("rectangular operations", "yes".to_owned()),
                Capability::CellSize(Some((width, height))) => ("cell size (CSI 16 t)", format!("{width} x {height}")),
                Capability::CellSize(None) => ("cell size (CSI 16 t)", "refused".to_owned()),
                Capability::Background(red, green, blue) => ("background", format!("#{red:02x}{green:02x}{blue:02x}")),
                other => (protocols::capability_name(other)?, "yes".to_owned()),
            })
        };
        self.answers.iter().filter_map(describe).collect()
    }
}

/// Probes the terminal, which must be in raw mode. Nothing else may read the terminal during this.
///
/// A terminal that does not answer within two seconds gets half blocks.
#[must_use]
pub fn probe(options: &ProbeOptions) -> Probe {
    let without_query =
        |graphics, reason| Probe { graphics, answers: Vec::new(), reason, waited: Duration::ZERO, client: None };
    let (choice, why) = match (options.choice, options.remembered) {
        (Choice::Auto, Some(remembered)) => (remembered, Reason::Remembered),
        (choice, _) => (choice, Reason::Chosen),
    };
    if choice == Choice::Off {
        return without_query(None, why);
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return without_query(None, Reason::NoTerminal);
    }
    let chosen = match choice {
        Choice::Protocol(protocol) => Some(protocol),
        Choice::Auto | Choice::Off => None,
    };
    // Text needs no answers, but the theme needs the background colour: skip the query only if the user chose text.
    let multiplexer = Multiplexer::of_environment();
    if let Some(protocol) = chosen
        && !protocol.draws_pixels()
        && why == Reason::Chosen
    {
        return without_query(Some(Graphics { protocol, multiplexer, ..Graphics::halfblocks() }), why);
    }
    let view = Tmux::of_environment().and_then(|tmux| tmux.view());
    let obstacle = obstacle(multiplexer, view.as_ref(), chosen);
    // If pixels would not reach the program's pane, answers would not either: they would be typed into another pane.
    let asked_through = if obstacle.is_none() { multiplexer } else { Multiplexer::None };
    let started = Instant::now();
    let answers = query::ask(asked_through, options.link).unwrap_or_default();
    let waited = started.elapsed();
    let evidence = Evidence { answers: &answers, environment: Environment::of_process(), multiplexer };
    let (detected, support) = protocols::detect(&evidence);
    let (protocol, reason) = match (obstacle, chosen) {
        (_, Some(protocol)) if !protocol.draws_pixels() => (protocol, why),
        (Some(obstacle), _) => (protocols::fallback(), obstacle),
        (None, Some(protocol)) => (protocol, why),
        (None, None) => (detected, reason(support, &answers)),
    };
    let graphics = Graphics {
        protocol,
        cells: options.cells.or(answers.cells()).or_else(cells_of_window).unwrap_or(Graphics::halfblocks().cells),
        multiplexer,
        compression: protocols::compression(&answers),
    };
    let client = view.filter(|_| asked_through.is_tmux()).map(|view| view.client);
    Probe { graphics: Some(graphics), answers: answers.capabilities, reason, waited, client }
}

/// The reason why pixels would not reach the program's pane, whatever the terminal supports; `None` if they would.
fn obstacle(multiplexer: Multiplexer, view: Option<&PaneView>, chosen: Option<Protocol>) -> Option<Reason> {
    match (multiplexer, view) {
        (Multiplexer::None, _) => None,
        // A user who names a protocol is responsible for the panes.
        (Multiplexer::RemoteTmux, _) => chosen.is_none().then_some(Reason::RemoteTmux),
        (Multiplexer::Tmux, None) => Some(Reason::TmuxSilent),
        (Multiplexer::Tmux, Some(view)) if !view.allows_passthrough => Some(Reason::NoPassthrough),
        (Multiplexer::Tmux, Some(view)) => (!view.is_in_front).then_some(Reason::PaneInactive),
    }
}

/// Width and height of a cell as the terminal's driver reports it. Many report it wrong or not at all, but a change
/// reveals a font change, which no terminal announces.
#[must_use]
pub fn cells_of_window() -> Option<CellSize> {
    let size = crossterm::terminal::window_size().ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|side| *side > 1);
    Some(CellSize { width: side(size.width, size.columns)?, height: side(size.height, size.rows)? })
}

fn reason(support: Support, answers: &Answers) -> Reason {
    match support {
        Support::Answered => Reason::Answered,
        Support::Environment => Reason::Environment,
        Support::Universal if answers.cells().is_some() => Reason::NothingBetter,
        Support::Universal if answers.is_complete => Reason::NoCellSize,
        Support::Universal => Reason::Silent,
    }
}

/// Probes the terminal for a command that prints a few pictures; raw mode is on during this.
#[must_use]
pub fn detect(options: &ProbeOptions) -> Probe {
    // Raw mode first: a query that turned echo off itself would leave a silent terminal without echo.
    let is_raw = options.choice != Choice::Off && io::stdin().is_terminal() && enable_raw_mode().is_ok();
    let probe = probe(options);
    if is_raw {
        // Nothing can be done if this fails, and the next prompt shows it.
        let _ = disable_raw_mode();
    }
    probe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_tmux_pixels_are_drawn_only_if_they_land_in_the_own_pane() {
        let view = |is_in_front, allows_passthrough| PaneView {
            is_in_front,
            allows_passthrough,
            is_visible: true,
            ..PaneView::default()
        };
        let chosen_by_user = Some(protocols::fallback());
        for (multiplexer, view, chosen, expected) in [
            (Multiplexer::None, None, None, None),
            (Multiplexer::Tmux, Some(view(true, true)), None, None),
            (Multiplexer::Tmux, Some(view(false, true)), None, Some(Reason::PaneInactive)),
            (Multiplexer::Tmux, Some(view(false, true)), chosen_by_user, Some(Reason::PaneInactive)),
            (Multiplexer::Tmux, Some(view(true, false)), chosen_by_user, Some(Reason::NoPassthrough)),
            (Multiplexer::Tmux, None, chosen_by_user, Some(Reason::TmuxSilent)),
            (Multiplexer::RemoteTmux, None, None, Some(Reason::RemoteTmux)),
            (Multiplexer::RemoteTmux, None, chosen_by_user, None),
        ] {
            assert_eq!(obstacle(multiplexer, view.as_ref(), chosen), expected, "{multiplexer:?} {view:?} {chosen:?}");
        }
    }
}
