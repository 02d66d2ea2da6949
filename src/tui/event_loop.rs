//! The event loop: waits for an event, handles all that are pending, and draws if something changed.
//!
//! Must never: do slow work. Workers do that, and large output goes to the terminal in pieces.

mod panes;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crossterm::event::{Event, MouseEventKind};

use super::answers::{Answers, Input};
use super::application::Application;
use super::attention::{Attention, WindowFocus};
use super::delivery::Delivery;
use super::error::Error;
use super::event::AppEvent;
use super::idle::{self, IdleLock};
use super::pane::PaneWatch;
use super::request::Effect;
use super::startup::{self, ThemeFile};
use super::terminal::Screen;
use super::theme::Background;
use super::worker::Workers;
use crate::preview::tmux::{PASSTHROUGH_ADVICE, REMOTE_TMUX_ADVICE};
use crate::preview::{Choice, Link, Probe, ProbeOptions, Reason, RememberedChoices, cells_of_window};
use crate::services::application_options::ApplicationOptions;
use crate::services::format::count;
use crate::services::settings::CellSize;

/// The shortest time between frames that no key caused.
const FRAME: Duration = Duration::from_millis(16);
/// The interval of spinners and of the clock of a run.
const TICK: Duration = Duration::from_millis(120);
/// How often an idle application checks whether to lock.
const IDLE: Duration = Duration::from_secs(1);

/// Whether to continue after an event.
#[derive(Eq, PartialEq)]
enum Flow {
    Continue,
    Quit,
}

/// The application with its terminal and its workers.
pub(super) struct EventLoop {
    application: Application,
    screen: Screen,
    workers: Workers,
    options: ApplicationOptions,
    preview: Choice,
    theme_file: ThemeFile,
    memory: RememberedChoices,
    answers: Answers,
    delivery: Option<Delivery>,
    /// The cell size when the window was last resized.
    cells: Option<CellSize>,
    pane: PaneWatch,
    attention: Attention,
}

impl EventLoop {
    /// Connects the parts and has the terminal probed.
    pub(super) fn new(
        application: Application,
        screen: Screen,
        workers: Workers,
        options: ApplicationOptions,
        preview: Choice,
        theme_file: ThemeFile,
    ) -> Self {
        let memory = RememberedChoices::new(&options.dirs);
        let (answers, cells) = (Answers::default(), cells_of_window());
        let (pane, attention) = (PaneWatch::new(), Attention::new());
        let delivery = None;
        let event_loop = Self {
            application,
            screen,
            workers,
            options,
            preview,
            theme_file,
            memory,
            answers,
            delivery,
            cells,
            pane,
            attention,
        };
        event_loop.ask_terminal();
        event_loop
    }

    /// Runs until the user ends it.
    pub(super) fn run(mut self, inbox: &Receiver<AppEvent>) -> Result<(), Error> {
        let ended = self.turn(inbox);
        // Before writing to the terminal, which may be closed or hang: sealed photos are committed in any case.
        self.workers.stop_indexing();
        // Ignore errors: the terminal may be closed.
        let _ = self.say_what_is_finished();
        // Threads do not unwind at exit: wait for the run and wipe keys here.
        self.workers.finish();
        let Self { screen, workers, .. } = self;
        // Wait for a running probe: it changes the terminal's modes.
        let asked_nothing = workers.leave_terminal();
        drop(screen);
        drop(asked_nothing);
        ended
    }

    /// Draws the last frame, which stays until an indexing run has committed.
    fn say_what_is_finished(&mut self) -> Result<(), Error> {
        self.give_up_delivery()?;
        if self.workers.is_indexing() {
            self.application.finish();
            self.draw()?;
        }
        Ok(())
    }

    fn turn(&mut self, inbox: &Receiver<AppEvent>) -> Result<(), Error> {
        let mut idle = IdleLock::new(self.options.lock_after, idle::now());
        let mut last_tick = Instant::now();
        let mut last_frame = Instant::now();
        let mut is_stale = true;
        loop {
            if is_stale {
                self.draw()?;
                last_frame = Instant::now();
                is_stale = false;
            }
            self.watch_pane()?;
            let tick = if self.application.state.is_working() { TICK } else { IDLE };
            let is_delivering = self.deliver()?;
            let patience = if is_delivering { Duration::ZERO } else { tick.saturating_sub(last_tick.elapsed()) };
            let first = match inbox.recv_timeout(patience) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(Error::WorkerDied),
            };
            let mut has_key = false;
            let mut next = first;
            // Handle all pending events before the next frame; unless there was a key, until that frame is due.
            while let Some(event) = next {
                // Before each event: a key that comes after the timeout, or after `fg`, must find the vault locked.
                self.lock_when_idle(&mut idle)?;
                if matches!(event, AppEvent::Terminal(_)) {
                    has_key = true;
                    idle.used(idle::now());
                }
                if self.handle(event)? == Flow::Quit {
                    return Ok(());
                }
                is_stale = true;
                next = match FRAME.checked_sub(last_frame.elapsed()) {
                    Some(rest) if !has_key => inbox.recv_timeout(rest).ok(),
                    _ => inbox.try_recv().ok(),
                };
            }
            if last_tick.elapsed() >= tick {
                if self.application.state.is_working() {
                    let effects = self.application.advance(last_tick.elapsed());
                    self.perform(effects)?;
                    is_stale = true;
                }
                last_tick = Instant::now();
            }
            is_stale |= self.lock_when_idle(&mut idle)?;
        }
    }

    /// Locks when it is time. Returns whether that changed the screen.
    fn lock_when_idle(&mut self, idle: &mut IdleLock) -> Result<bool, Error> {
        if !idle.is_due(idle::now()) {
            return Ok(false);
        }
        let effects = self.application.lock();
        let is_changed = !effects.is_empty();
        self.perform(effects)?;
        Ok(is_changed)
    }

    fn draw(&mut self) -> Result<(), Error> {
        self.application.pictures.permit(self.pane.permission(Instant::now()));
        self.screen.draw(&mut self.application)?;
        self.screen.show_title(&self.application.title())?;
        if let Some(progress) = self.attention.follow(&self.application.state, Instant::now()) {
            self.screen.show_progress(&progress)?;
        }
        self.pane.frame_drawn();
        let pictures = &self.application.pictures;
        self.workers.want(pictures.encoder(), pictures.requests(), pictures.viewed());
        self.workers.recognise(self.application.to_recognise());
        self.workers.survey(self.application.to_survey());
        Ok(())
    }

    fn handle(&mut self, event: AppEvent) -> Result<Flow, Error> {
        let effects = match event {
            AppEvent::Terminal(Event::Key(key)) => match self.answers.read(key, Instant::now()) {
                Input::Key(key) => {
                    self.attention.used();
                    self.key_pressed();
                    self.application.key(key)
                }
                Input::Part => Vec::new(),
                Input::Answer(answer) => {
                    if let Some(delivery) = &mut self.delivery {
                        delivery.receive_answer(&answer);
                    }
                    Vec::new()
                }
            },
            AppEvent::Terminal(Event::Mouse(mouse)) => {
                // A pointer also moves over this window on its way to another one.
                if matches!(mouse.kind, MouseEventKind::Down(_)) {
                    self.attention.used();
                }
                self.application.mouse(mouse)
            }
            AppEvent::Terminal(Event::Paste(text)) => {
                self.attention.used();
                self.application.paste(&text)
            }
            AppEvent::Terminal(Event::Resize(..)) => {
                self.follow_font()?;
                self.panes_moved();
                vec![Effect::Redraw]
            }
            // Another window or a tmux pane may have covered this one and destroyed pictures.
            AppEvent::Terminal(Event::FocusGained) => {
                self.attention.focus(WindowFocus::Gained);
                self.focus_changed();
                vec![Effect::Redraw]
            }
            AppEvent::Terminal(Event::FocusLost) => {
                self.attention.focus(WindowFocus::Lost);
                self.focus_changed();
                Vec::new()
            }
            AppEvent::Reply(reply) => self.application.receive(reply),
            AppEvent::Picture(response) => {
                self.workers.picture_received(&response.request);
                let forgetting = self.application.pictures.receive(*response);
                self.screen.send(forgetting.as_bytes())?;
                Vec::new()
            }
            AppEvent::Probed(probe) => {
                self.use_terminal(*probe)?;
                // tmux takes a question about pictures for a title.
                self.screen.forget_title();
                vec![Effect::Redraw]
            }
            AppEvent::Pane { number, view } => {
                self.receive_pane_view(number, view)?;
                Vec::new()
            }
            AppEvent::Repainted { is_visible } => {
                self.repainted(is_visible)?;
                Vec::new()
            }
            AppEvent::TerminalLost => return Ok(Flow::Quit),
            AppEvent::WorkerDied => return Err(Error::WorkerDied),
            AppEvent::Signal(signal) => return self.signal(signal),
        };
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<Flow, Error> {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.workers.ask(request),
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Deliver(delivery) => {
                    self.give_up_delivery()?;
                    self.delivery = Some(delivery);
                }
                Effect::CyclePictures => self.cycle_pictures()?,
                Effect::AskTerminal => self.ask_terminal(),
                Effect::ForgetPictures => {
                    self.give_up_delivery()?;
                    let forgetting = self.application.pictures.forget();
                    self.screen.send(forgetting.as_bytes())?;
                    self.erase_terminal()?;
                    self.clear()?;
                }
                Effect::Announce(run, text) => {
                    if let Some(sequence) = self.attention.announce(run, &text, Instant::now()) {
                        self.screen.send(sequence.as_bytes())?;
                    }
                }
                Effect::Redraw => self.clear()?,
                Effect::Suspend => self.suspend()?,
                Effect::Quit => return Ok(Flow::Quit),
            }
        }
        Ok(Flow::Continue)
    }

    /// Makes the next frame redraw everything.
    fn clear(&mut self) -> Result<(), Error> {
        self.application.pictures.screen_cleared();
        Ok(self.screen.clear()?)
    }

    fn ask_terminal(&self) {
        self.workers.ask_terminal(ProbeOptions {
            choice: self.preview,
            remembered: self.memory.recall(),
            link: Link::of_environment(),
            cells: self.options.cell_size,
        });
    }

    /// Adopts the result of a probe: graphics protocol and colours.
    fn use_terminal(&mut self, probe: Probe) -> Result<(), Error> {
        let Probe { graphics, answers, reason, client, .. } = probe;
        let background = startup::background(&answers);
        if background != Background::Unknown {
            self.application.theme = self.theme_file.theme(&mut self.application.state, background);
        }
        if reason == Reason::Silent {
            self.application.state.messages.info("the terminal reports no graphics: pictures are drawn in half blocks");
        }
        self.pane.advice = match reason {
            Reason::NoPassthrough => Some(PASSTHROUGH_ADVICE),
            Reason::RemoteTmux => Some(REMOTE_TMUX_ADVICE),
            _ => None,
        };
        self.pane.client = client;
        self.pane.is_unasked = matches!(reason, Reason::NoPassthrough | Reason::PaneInactive | Reason::TmuxSilent);
        let forgetting = self.application.pictures.forget();
        self.screen.send(forgetting.as_bytes())?;
        self.application.pictures.use_terminal(graphics);
        self.cells = cells_of_window();
        Ok(())
    }

    /// Handles a new window size, which may come from a new cell size.
    fn follow_font(&mut self) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.cells, cells_of_window());
        if let (Some(before), Some(now), None) = (before, self.cells, self.options.cell_size) {
            let forgetting = self.application.pictures.resize_cells(before, now);
            self.screen.send(forgetting.as_bytes())?;
        }
        Ok(())
    }

    fn cycle_pictures(&mut self) -> Result<(), Error> {
        let forgetting = self.application.pictures.cycle();
        self.screen.send(forgetting.as_bytes())?;
        self.clear()?;
        let name = self.application.pictures.protocol_name();
        let messages = &mut self.application.state.messages;
        match self.application.pictures.choice() {
            None => messages.info("pictures are off"),
            // Not remembered: a flag or a setting decides next time as well.
            Some(_) if self.preview != Choice::Auto => messages.info(format!("pictures drawn by {name}")),
            Some(choice) => match self.memory.remember(choice) {
                Ok(()) => messages.info(format!("pictures drawn by {name} in this terminal from now on")),
                Err(error) => {
                    log::warn!("the graphics protocol was not remembered: {}", error.kind());
                    messages.info(format!("pictures drawn by {name}"));
                }
            },
        }
        Ok(())
    }

    /// Sends the next piece of a delivery. Returns whether more can follow at once.
    fn deliver(&mut self) -> Result<bool, Error> {
        let Some(delivery) = &mut self.delivery else { return Ok(false) };
        if let Some(piece) = delivery.next_piece() {
            self.screen.send(&piece)?;
            return Ok(true);
        }
        let messages = &mut self.application.state.messages;
        match delivery.outcome() {
            None => return Ok(false),
            Some(Ok(photos)) => messages.info(format!("sent {} to the terminal", count(photos, "photo"))),
            Some(Err(reason)) => messages.error(format!("the terminal did not store all photos: {reason}")),
        }
        self.delivery = None;
        self.draw()?;
        Ok(false)
    }

    fn give_up_delivery(&mut self) -> Result<(), Error> {
        if let Some(delivery) = self.delivery.take() {
            self.screen.send(&delivery.cancel())?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn signal(&mut self, signal: i32) -> Result<Flow, Error> {
        use signal_hook::consts::{SIGCONT, SIGTSTP};
        match signal {
            SIGTSTP => self.suspend()?,
            // Continued after SIGSTOP, which cannot be handled: the screen may hold anything.
            SIGCONT => {
                self.application.pictures.screen_cleared();
                self.screen.resume()?;
                self.attention.progress_removed();
                self.panes_moved();
            }
            _ => return Err(Error::Signal(signal)),
        }
        Ok(Flow::Continue)
    }

    #[cfg(not(unix))]
    fn signal(&mut self, signal: i32) -> Result<Flow, Error> {
        Err(Error::Signal(signal))
    }

    /// Restores the terminal and stops until the shell continues the program.
    fn suspend(&mut self) -> Result<(), Error> {
        #[cfg(unix)]
        {
            let forgetting = self.application.pictures.forget();
            self.screen.send(forgetting.as_bytes())?;
            self.screen.release();
            signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
            self.screen.resume()?;
            self.attention.progress_removed();
            self.focus_changed();
        }
        Ok(())
    }
}
