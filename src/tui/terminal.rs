//! The terminal: taken over at start, and given back as it was however the program ends.
//!
//! Raw mode, alternate screen, mouse, paste and focus reports are undone, and the pictures that the terminal keeps are
//! deleted, on return, on panic and on signals. tmux knows nothing of the pixels that it passed on: the whole screen is
//! erased, and tmux paints it again.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};

use super::application::Application;
use super::preview::SentPictures;
use crate::preview::tmux::{AFTER_ERASE, ERASE_SCREEN, Multiplexer, Tmux};
use crate::services::settings::Mouse;

/// Whether the terminal is taken over now: it is given back once, whoever comes first.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Most of a frame without pictures fits.
const BUFFER_BYTES: usize = 1 << 16;

/// The terminal while the application has it.
pub struct Screen {
    /// Never dropped: its drop shows the cursor, which [`give_back`] does too, and panics where standard error is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    mouse: Mouse,
    sent: SentPictures,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard output is no terminal.
    pub fn take(mouse: Mouse, sent: SentPictures) -> io::Result<Self> {
        // NO_COLOR is for text and heeded by the theme; crossterm would take the colours out of the pictures too.
        crossterm::style::force_color_output(true);
        let for_hook = sent.clone();
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |information| {
            give_back(&for_hook);
            previous(information);
        }));
        enter(mouse)?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())))?;
        Ok(Self { terminal: ManuallyDrop::new(terminal), mouse, sent })
    }

    /// Draws a frame, whole or not at all where the terminal can (synchronised updates).
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self, application: &mut Application) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| application.draw(frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        // Not `Terminal::clear`: it asks where the cursor is, and whoever reads the events takes the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Sends bytes that draw nothing.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.backend_mut().write_all(bytes)?;
        Write::flush(self.terminal.backend_mut())
    }

    /// Puts text on the clipboard of the machine in front of the user (OSC 52).
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives the terminal back until [`Self::resume`].
    pub fn release(&mut self) {
        give_back(&self.sent);
    }

    /// Takes the terminal over again.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn resume(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.sent);
    }
}

fn enter(mouse: Mouse) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, Clear(ClearType::All), cursor::Hide, EnableBracketedPaste, EnableFocusChange)?;
    if mouse == Mouse::Taken {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back, once. What cannot be written any more is passed over: there is nobody left to tell.
fn give_back(sent: &SentPictures) {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(sent.delete_all(Multiplexer::of_environment()).as_bytes());
    let tmux = Tmux::of_environment().filter(|_| sent.has_passed_tmux());
    if tmux.is_some() {
        let _ = out.write_all(ERASE_SCREEN.as_bytes());
    }
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        // Pictures drawn over the text are gone with it; the alternate screen may outlive the program.
        Clear(ClearType::All),
        LeaveAlternateScreen,
        cursor::Show
    );
    if let Some(tmux) = tmux {
        tmux.repaint_after_erasing();
        let _ = out.write_all(AFTER_ERASE.as_bytes()).and_then(|()| out.flush());
    }
    // What the terminal still answers would be typed into the shell.
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    let _ = disable_raw_mode();
}
