//! The terminal: taken over at startup and restored however the program ends.
//!
//! On return, panic and signals, raw mode, alternate screen, title, progress, mouse, paste and focus reports are
//! undone, and pictures that the terminal keeps are deleted. tmux does not track the pixels it passed through: the
//! whole screen is erased, and tmux repaints it.

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
use super::attention::REMOVE_PROGRESS;
use super::preview::SentPictures;
use crate::preview::tmux::{AFTER_ERASE, ERASE_SCREEN, Multiplexer, Tmux};
use crate::services::settings::Mouse;

/// Whether the terminal is taken over: drop and panic hook restore it once, whichever comes first.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the terminal shows progress, which must not outlive the program.
static SHOWS_PROGRESS: AtomicBool = AtomicBool::new(false);

/// Has the terminal keep its title (XTWINOPS 22, which tmux knows too).
const KEEP_TITLE: &str = "\x1b[22;2t";
/// Restores it. A terminal that keeps none is left without a title instead of with the name of a vault.
const RESTORE_TITLE: &str = "\x1b]2;\x1b\\\x1b[23;2t";

/// Large enough for most frames without pictures.
const BUFFER_BYTES: usize = 1 << 16;

/// The terminal while it is taken over.
pub struct Screen {
    /// Never dropped: its drop panics if standard error is closed, and [`restore`] shows the cursor too.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    mouse: Mouse,
    sent: SentPictures,
    /// The title that was sent last.
    title: String,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard output is not a terminal.
    pub fn take(mouse: Mouse, sent: SentPictures) -> io::Result<Self> {
        // The theme honours NO_COLOR; crossterm would remove the colours of pictures too.
        crossterm::style::force_color_output(true);
        let for_hook = sent.clone();
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |information| {
            restore(&for_hook);
            previous(information);
        }));
        enter(mouse)?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())))?;
        Ok(Self { terminal: ManuallyDrop::new(terminal), mouse, sent, title: String::new() })
    }

    /// Draws a frame as a synchronised update, where the terminal supports that.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw(&mut self, application: &mut Application) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| application.draw(frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Makes the next frame redraw everything.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        // Not `Terminal::clear`: it queries the cursor position, and the event thread would receive the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Sends bytes that change no cell.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.backend_mut().write_all(bytes)?;
        Write::flush(self.terminal.backend_mut())
    }

    /// Shows a title for the window, in tmux for the pane (OSC 2). It must not hold control characters.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn show_title(&mut self, title: &str) -> io::Result<()> {
        if self.title == title || !has_title() {
            return Ok(());
        }
        title.clone_into(&mut self.title);
        self.send(format!("\x1b]2;{title}\x1b\\").as_bytes())
    }

    /// Sends the sequence that shows progress.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn show_progress(&mut self, sequence: &str) -> io::Result<()> {
        SHOWS_PROGRESS.store(sequence != REMOVE_PROGRESS, Ordering::SeqCst);
        self.send(sequence.as_bytes())
    }

    /// Has the title sent again with the next frame, because something else may have replaced it.
    pub fn forget_title(&mut self) {
        self.title.clear();
    }

    /// Puts text on the clipboard of the machine in front of the user (OSC 52).
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Restores the terminal until [`Self::resume`].
    pub fn release(&mut self) {
        restore(&self.sent);
    }

    /// Takes the terminal over again.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn resume(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.forget_title();
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore(&self.sent);
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
    if has_title() {
        out.write_all(KEEP_TITLE.as_bytes()).and_then(|()| out.flush())?;
    }
    Ok(())
}

/// Whether the terminal has a title that can be given back. Titles of GNU screen cannot, and neither the Linux console
/// nor a terminal that interprets nothing has one.
fn has_title() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    std::env::var_os("STY").is_none() && !matches!(term.as_str(), "" | "linux" | "dumb")
}

/// Restores the terminal, once. Write errors are ignored: nothing can be reported any more.
fn restore(sent: &SentPictures) {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    if has_title() {
        let _ = out.write_all(RESTORE_TITLE.as_bytes());
    }
    if SHOWS_PROGRESS.swap(false, Ordering::SeqCst) {
        let _ = out.write_all(REMOVE_PROGRESS.as_bytes());
    }
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
        // Clears pictures too; the alternate screen may outlive the program.
        Clear(ClearType::All),
        LeaveAlternateScreen,
        cursor::Show
    );
    if let Some(tmux) = tmux {
        // Whether a terminal shows the pane makes no difference any more.
        let _ = tmux.repaint_after_erasing();
        let _ = out.write_all(AFTER_ERASE.as_bytes()).and_then(|()| out.flush());
    }
    // Late answers of the terminal would be typed into the shell.
    #[cfg(unix)]
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    let _ = disable_raw_mode();
}
