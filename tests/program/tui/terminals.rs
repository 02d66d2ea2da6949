//! The real binary in terminals of several kinds: what it draws, and how much it sends.

use std::time::Duration;

use crate::support::pseudo_terminal::{Kind, PseudoTerminal};
use crate::tui::user::User;

fn browsing(kind: Kind, environment: &[(&str, &str)], arguments: &[&str]) -> PseudoTerminal {
    let user = User::new();
    let folder = user.take_photos();
    user.browse(kind, &folder, "photo_0.jpg", arguments, environment)
}

#[test]
fn a_silent_terminal_gets_half_blocks_and_its_keys_work() {
    let mut terminal = browsing(Kind::Silent, &[], &[]);
    terminal.until("half blocks", |terminal| terminal.screen().contains('▀'));
    terminal.keys("j");
    terminal.until_screen("╭ photo_1.jpg");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

#[test]
fn the_title_names_the_open_vault_and_is_given_back_at_the_end() {
    let user = User::with_vault();
    let folder = user.path("");
    let mut terminal = user.start_unlocked(Kind::Silent, &folder, &[]);
    assert!(terminal.has_written(0, b"\x1b[22;2t"), "the terminal keeps its title");
    terminal.until("the title", |terminal| terminal.has_written(0, b"\x1b]2;photos.vault - cipherlens\x1b\\"));
    terminal.until_screen("● photos.vault");
    let before = terminal.written.len();
    terminal.keys("L");
    terminal.until("a title", |terminal| terminal.has_written(before, b"\x1b]2;cipherlens\x1b\\"));
    terminal.keys("\x03");
    assert!(terminal.wait().success());
    assert!(terminal.has_written(before, b"\x1b]2;\x1b\\\x1b[23;2t"), "it gets its title back");

    // A title of GNU screen cannot be given back, and the Linux console has none.
    for environment in [("STY", "1.pts"), ("TERM", "linux")] {
        let mut terminal = User::new().start(Kind::Silent, &[], &[environment]);
        terminal.until_screen("a new vault");
        terminal.keys("\x03");
        assert!(terminal.wait().success());
        assert!(!terminal.has_written(0, b"\x1b]2;") && !terminal.has_written(0, b";2t"), "{environment:?}");
    }
}

#[test]
fn terminals_that_draw_pixels_are_sent_pixels() {
    for (kind, mark) in [(Kind::Sixel, &b"\x1bP"[..]), (Kind::Kitty, b"\x1b_Gq=2,i=")] {
        let mut terminal = browsing(kind, &[], &[]);
        terminal.until("a picture", |terminal| terminal.has_written(0, mark));
        terminal.settle(Duration::from_millis(300));
        let before = terminal.written.len();
        terminal.keys("j");
        terminal.until("the next picture", |terminal| terminal.has_written(before, mark));
        terminal.keys("q");
        assert!(terminal.wait().success());
    }
}

#[test]
fn a_forced_choice_and_a_key_change_how_pictures_are_drawn() {
    let mut terminal = browsing(Kind::Sixel, &[], &["--preview", "halfblocks"]);
    terminal.until("half blocks", |terminal| terminal.screen().contains('▀'));
    assert!(!terminal.has_written(0, b"\x1bP"));
    terminal.keys("P");
    terminal.until("Sixels", |terminal| terminal.has_written(0, b"\x1bP"));
    terminal.keys("q");
    assert!(terminal.wait().success());
    let mut terminal = browsing(Kind::Sixel, &[], &["--preview", "off"]);
    terminal.settle(Duration::from_millis(300));
    assert!(!terminal.screen().contains('▀') && !terminal.has_written(0, b"\x1bP"));
}

#[test]
fn no_color_removes_colour_from_text_but_not_from_pictures() {
    let mut terminal = browsing(Kind::Silent, &[("NO_COLOR", "1")], &[]);
    terminal.until("a picture in colours", |terminal| terminal.has_written(0, b"\x1b[38;2;"));
    let mut terminal = browsing(Kind::Silent, &[("NO_COLOR", "1")], &["--preview", "off"]);
    terminal.settle(Duration::from_millis(200));
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    for sequence in text.split("\x1b[").skip(1) {
        let parameters: String = sequence.chars().take_while(|c| c.is_ascii_digit() || *c == ';').collect();
        let is_style = sequence[parameters.len()..].starts_with('m');
        // 39 and 49 reset colours.
        let is_colour = |code: u8| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107);
        let colours = parameters.split(';').filter_map(|code| code.parse().ok()).any(is_colour);
        assert!(!(is_style && colours), "{parameters}m");
    }
}

/// The number of bytes sent between a key press and the frame that shows the next photo.
fn bytes_of_a_preview(kind: Kind, mark: &[u8], environment: &[(&str, &str)], arguments: &[&str]) -> usize {
    let mut terminal = browsing(kind, environment, arguments);
    terminal.until("a picture", |terminal| terminal.has_drawn(0, mark));
    terminal.settle(Duration::from_millis(100));
    let before = terminal.written.len();
    terminal.keys("j");
    terminal.until_screen("╭ photo_1.jpg");
    terminal.until("the next picture", |terminal| terminal.has_drawn(before, mark));
    terminal.settle(Duration::from_millis(100));
    terminal.written.len() - before
}

#[test]
fn over_a_network_link_a_preview_costs_less() {
    let remote = [("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")];
    for (name, kind, mark, arguments, most_remote) in [
        ("kitty", Kind::Kitty, "\x1b_Gq=2,i=", &[][..], 700_000),
        ("Sixel", Kind::Sixel, "\x1bP", &[], 250_000),
        ("iTerm2", Kind::Sixel, "\x1b]1337;File=inline=1", &["--preview", "iterm2"], 70_000),
        ("half blocks", Kind::Sixel, "▀", &["--preview", "halfblocks"], 80_000),
    ] {
        let local = bytes_of_a_preview(kind, mark.as_bytes(), &[], arguments);
        let far = bytes_of_a_preview(kind, mark.as_bytes(), &remote, arguments);
        println!("{name}: {local} bytes a preview here, {far} over a network link");
        assert!(far < most_remote, "{name}: {far}");
        assert!(name == "half blocks" || far < local, "{name}: {far} is not less than {local}");
    }
}
