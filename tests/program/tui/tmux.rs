//! The real binary in tmux: when it sends pixels, what it erases, and that it changes no state of tmux.
//!
//! tmux is a script that records its calls and answers as tmux 3.3a does. `.ci/long/tmux-pixels` drives the real one in
//! a real terminal.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::{PASSPHRASE, User};

/// The start of a Sixel picture that is wrapped for tmux.
const WRAPPED_SIXEL: &[u8] = b"\x1b\x1bP";
/// Erases the whole terminal behind tmux.
const ERASE: &[u8] = b"\x1bPtmux;\x1b\x1b[2J\x1b\\";
const HALF_BLOCK: char = '▀';

/// Records the command and its first arguments. The file `view` holds the answers about the pane: whether it is active,
/// how many terminals show it, whether it is in a mode, whether it allows passthrough.
const SCRIPT: &str = r#"#!/bin/sh
echo "$1 $2 $3 $4" >>"$HOME/calls"
case "$5" in
*pane_active*) cat "$HOME/view"; echo "/dev/pts/9 1795967523"; echo "40,5,,on,top"; echo "3210,160x42 160 43" ;;
*wrap_flag*) echo 0 ;;
*window_active_clients_list*) echo /dev/pts/9 ;;
esac
"#;
const IN_FRONT: &str = "1\n1\n0\n1\n";
const BEHIND: &str = "0\n1\n0\n1\n";
const NO_PASSTHROUGH: &str = "1\n1\n0\n0\n";

/// The tmux of a test.
struct FakeTmux {
    home: PathBuf,
    path: String,
}

impl FakeTmux {
    fn new(user: &User, view: &str) -> Self {
        let folder = user.path("bin");
        std::fs::create_dir(&folder).unwrap();
        let program = folder.join("tmux");
        std::fs::write(&program, SCRIPT).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let tmux = Self { home: user.path(""), path: format!("{}:/usr/bin:/bin", folder.display()) };
        tmux.answer(view);
        tmux
    }

    /// Sets the answers about the pane.
    fn answer(&self, view: &str) {
        let (new, current) = (self.home.join("view.new"), self.home.join("view"));
        std::fs::write(&new, view).unwrap();
        std::fs::rename(new, current).unwrap();
    }

    fn environment(&self) -> [(&str, &str); 5] {
        [
            ("PATH", &self.path),
            ("TERM", "tmux-256color"),
            ("TERM_PROGRAM", "tmux"),
            ("TMUX", "/tmp/tmux-0/default,1,0"),
            ("TMUX_PANE", "%7"),
        ]
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home.join("calls")).unwrap_or_default();
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Asserts that the program only queried tmux and had it repaint: it did not turn `allow-passthrough` on.
    fn assert_nothing_was_changed(&self) {
        for call in self.calls() {
            let is_harmless = ["display-message -p -t %7", "refresh-client -t /dev/pts/9"].contains(&call.as_str());
            assert!(is_harmless, "{call}");
        }
    }

    fn has_repainted(&self) -> bool {
        self.calls().iter().any(|call| call == "refresh-client -t /dev/pts/9")
    }
}

/// Row and column of the sequence `ESC [ row ; column H` at the end of a text.
fn position(text: &str) -> (u16, u16) {
    let (_, numbers) = text.rsplit_once("\x1b[").unwrap();
    let (row, column) = numbers.strip_suffix('H').unwrap().split_once(';').unwrap();
    (row.parse().unwrap(), column.parse().unwrap())
}

fn until_half_blocks(terminal: &mut PseudoTerminal) {
    terminal.until("half blocks", |terminal| terminal.screen().contains(HALF_BLOCK));
}

#[test]
fn pixels_are_drawn_while_the_own_pane_is_active_and_half_blocks_otherwise() {
    let user = User::new();
    let tmux = FakeTmux::new(&user, IN_FRONT);
    let folder = user.take_photos();
    let mut terminal = user.browse(Kind::Sixel, &folder, "photo_0.jpg", &[], &tmux.environment());
    terminal.until("a picture", |terminal| terminal.has_drawn(0, WRAPPED_SIXEL));
    let before = terminal.written.len();
    tmux.answer(BEHIND);
    until_half_blocks(&mut terminal);
    assert!(terminal.has_written(before, ERASE), "pixels may lie in another pane");
    let before = terminal.written.len();
    terminal.keys("j");
    terminal.until_screen("╭ photo_1.jpg");
    until_half_blocks(&mut terminal);
    assert!(!terminal.has_written(before, WRAPPED_SIXEL));
    tmux.answer(IN_FRONT);
    terminal.keys("k");
    terminal.until("a picture", |terminal| terminal.has_drawn(before, WRAPPED_SIXEL));
    let before = terminal.written.len();
    terminal.keys("q");
    assert!(terminal.wait().success());
    assert!(terminal.has_written(before, ERASE), "at the end");
    assert!(tmux.has_repainted());
    tmux.assert_nothing_was_changed();
}

/// tmux moves the terminal's cursor only now and then: a picture that relied on it would land on the previous one.
#[test]
fn a_picture_carries_its_position_on_the_terminal() {
    let user = User::new();
    let tmux = FakeTmux::new(&user, IN_FRONT);
    let folder = user.take_photos();
    let mut terminal = user.browse(Kind::Sixel, &folder, "photo_0.jpg", &[], &tmux.environment());
    terminal.until("a picture", |terminal| terminal.has_drawn(0, WRAPPED_SIXEL));
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    let (before, picture) = text.split_once("\x1bPtmux;\x1b\x1b[").unwrap();
    // The program's cursor position and the terminal's differ by the origin of the pane: six rows down (five lines and
    // a status line), forty columns to the right.
    let end_of_move = before.rfind('H').unwrap();
    let (row, column) = position(&before[..=end_of_move]);
    let end_of_move = picture.find('H').unwrap();
    assert_eq!(position(&format!("\x1b[{}", &picture[..=end_of_move])), (row + 6, column + 40));
}

#[test]
fn no_pixel_is_sent_once_another_pane_is_active() {
    let user = User::new();
    let tmux = FakeTmux::new(&user, IN_FRONT);
    let folder = user.take_photos().to_string_lossy().into_owned();
    let mut terminal = user.start(Kind::Sixel, &["--folder", &folder], &tmux.environment());
    // The terminal has answered that it draws Sixel; only then does another pane become active.
    tmux.answer(BEHIND);
    terminal.keys("\x1b");
    terminal.until_screen("photo_0.jpg");
    until_half_blocks(&mut terminal);
    assert!(!terminal.has_written(0, WRAPPED_SIXEL));
    terminal.keys("q");
    assert!(terminal.wait().success());
    tmux.assert_nothing_was_changed();
}

#[test]
fn locking_erases_the_terminal_and_has_tmux_repaint_it() {
    let user = User::with_vault();
    let tmux = FakeTmux::new(&user, IN_FRONT);
    let folder = user.take_photos();
    let mut terminal = user.start_unlocked(Kind::Sixel, &folder, &tmux.environment());
    terminal.until("a picture", |terminal| terminal.has_drawn(0, WRAPPED_SIXEL));
    let before = terminal.written.len();
    assert!(!tmux.has_repainted());
    terminal.keys("L");
    terminal.until_screen("passphrase");
    terminal.until("the end of the erasing", |terminal| terminal.has_drawn(before, b"\x1b[?7h"));
    assert!(terminal.has_written(before, ERASE) && tmux.has_repainted());
    assert!(!terminal.has_written(before, WRAPPED_SIXEL));
    terminal.keys(PASSPHRASE);
    terminal.keys("\r");
    terminal.until("the picture again", |terminal| terminal.has_drawn(before, WRAPPED_SIXEL));
    tmux.assert_nothing_was_changed();
}

#[test]
fn without_passthrough_half_blocks_are_drawn_and_a_line_says_why() {
    let user = User::new();
    let tmux = FakeTmux::new(&user, NO_PASSTHROUGH);
    let folder = user.take_photos();
    let arguments = ["--preview", "sixel"];
    let mut terminal = user.browse(Kind::Sixel, &folder, "photo_0.jpg", &arguments, &tmux.environment());
    until_half_blocks(&mut terminal);
    terminal.until_screen("tmux set -g allow-passthrough on");
    assert!(!terminal.has_written(0, b"\x1bPtmux;"));
    terminal.keys("q");
    assert!(terminal.wait().success());
    tmux.assert_nothing_was_changed();

    let user = User::new();
    let tmux = FakeTmux::new(&user, NO_PASSTHROUGH);
    let environment = tmux.environment();
    let start = Start { kind: Kind::Sixel, columns: 120, rows: 36, arguments: &["doctor"], environment: &environment };
    let home = user.into_home();
    let mut terminal = PseudoTerminal::start_in(home, &start);
    terminal.until_screen("tmux set -g allow-passthrough on");
    assert!(terminal.screen().contains("half blocks"), "{}", terminal.screen());
    assert!(!terminal.has_written(0, b"\x1bPtmux;"));
    tmux.assert_nothing_was_changed();
}

#[test]
fn a_remote_tmux_gets_pixels_only_if_the_user_chooses_a_protocol() {
    for (arguments, has_pixels) in [(&[][..], false), (&["--preview", "sixel"], true)] {
        let user = User::new();
        let tmux = FakeTmux::new(&user, IN_FRONT);
        let folder = user.take_photos();
        let environment = [("PATH", tmux.path.as_str()), ("TERM", "tmux-256color")];
        let mut terminal = user.browse(Kind::Sixel, &folder, "photo_0.jpg", arguments, &environment);
        let is_drawn = |terminal: &PseudoTerminal| match has_pixels {
            true => terminal.has_drawn(0, WRAPPED_SIXEL),
            false => terminal.screen().contains(HALF_BLOCK),
        };
        terminal.until("a picture", is_drawn);
        assert_eq!(terminal.has_written(0, b"\x1bPtmux;"), has_pixels);
        terminal.keys("q");
        assert!(terminal.wait().success());
        assert_eq!(tmux.calls(), [""; 0], "there is no tmux on this machine to ask");
    }
}
