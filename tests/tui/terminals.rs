//! The real binary in terminals of several kinds: what it draws, how fast it answers, how much it sends.

use std::path::Path;
use std::time::{Duration, Instant};

use image::{DynamicImage, Rgb, RgbImage};

use crate::pseudo_terminal::{Kind, PseudoTerminal, Start};

/// A folder of three photos as cameras make them: smooth areas, edges and noise.
fn photos(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for number in 0..3_u32 {
        let mut noise = number + 1;
        let photo = RgbImage::from_fn(1600, 1200, |x, y| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 27) as u8;
            let edge = if (x / 200 + y / 150 + number) % 2 == 0 { 60 } else { 0 };
            Rgb([(x * 140 / 1600) as u8 + grain + edge, (y * 140 / 1200) as u8 + grain, 90 + grain + edge])
        });
        DynamicImage::ImageRgb8(photo).save(folder.join(format!("photo_{number}.jpg"))).unwrap();
    }
}

fn browsing(kind: Kind, environment: &[(&str, &str)], arguments: &[&str]) -> PseudoTerminal {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("photos");
    photos(&folder);
    let folder = folder.to_string_lossy().into_owned();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--folder", folder.as_str()]).collect();
    let start = Start { kind, columns: 120, rows: 36, arguments: &arguments, environment };
    let mut terminal = PseudoTerminal::start_in(home, &start);
    // Keys typed before the terminal has answered would be taken for a part of its answers; without pictures it is not
    // asked.
    let is_off = arguments.contains(&"off");
    terminal.until("the answers", |terminal| {
        terminal.screen().contains("test picture: ") && (is_off || !terminal.screen().contains("no pictures"))
    });
    terminal.keys("\x1b");
    terminal.until_screen("photo_0.jpg");
    terminal
}

#[test]
fn the_first_frame_comes_at_once_even_in_a_terminal_that_answers_nothing() {
    let start = Start { kind: Kind::Silent, columns: 80, rows: 24, arguments: &[], environment: &[] };
    let times: Vec<Duration> = (0..3)
        .map(|_| {
            let started = Instant::now();
            let mut terminal = PseudoTerminal::start(&start);
            terminal.until_screen("passphrase");
            started.elapsed()
        })
        .collect();
    // The bound leaves room for a machine that tests and compiles at the same time.
    println!("first frame after {times:?}");
    let fastest = times.iter().min().unwrap();
    assert!(*fastest < Duration::from_secs(1), "{times:?}");
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
fn no_color_takes_the_colour_from_text_and_leaves_pictures_theirs() {
    let mut terminal = browsing(Kind::Silent, &[("NO_COLOR", "1")], &[]);
    terminal.until("a picture in colours", |terminal| terminal.has_written(0, b"\x1b[38;2;"));
    let mut terminal = browsing(Kind::Silent, &[("NO_COLOR", "1")], &["--preview", "off"]);
    terminal.settle(Duration::from_millis(200));
    let text = String::from_utf8_lossy(&terminal.written).into_owned();
    for sequence in text.split("\x1b[").skip(1) {
        let parameters: String = sequence.chars().take_while(|c| c.is_ascii_digit() || *c == ';').collect();
        let is_style = sequence[parameters.len()..].starts_with('m');
        // 39 and 49 are no colours but their absence.
        let is_colour = |code: u8| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107);
        let colours = parameters.split(';').filter_map(|code| code.parse().ok()).any(is_colour);
        assert!(!(is_style && colours), "{parameters}m");
    }
}

/// Bytes that one new photo costs, from the key to quiet.
fn bytes_of_a_preview(kind: Kind, environment: &[(&str, &str)], arguments: &[&str]) -> usize {
    let mut terminal = browsing(kind, environment, arguments);
    terminal.settle(Duration::from_millis(1500));
    let before = terminal.written.len();
    terminal.keys("j");
    terminal.until_screen("╭ photo_1.jpg");
    terminal.settle(Duration::from_millis(1500));
    terminal.written.len() - before
}

#[test]
fn over_a_network_link_a_preview_costs_less() {
    let remote = [("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")];
    for (name, kind, arguments, most_remote) in [
        ("kitty", Kind::Kitty, &[][..], 700_000),
        ("Sixel", Kind::Sixel, &[], 250_000),
        ("iTerm2", Kind::Sixel, &["--preview", "iterm2"], 70_000),
        ("half blocks", Kind::Sixel, &["--preview", "halfblocks"], 80_000),
    ] {
        let local = bytes_of_a_preview(kind, &[], arguments);
        let far = bytes_of_a_preview(kind, &remote, arguments);
        println!("{name}: {local} bytes a preview here, {far} over a network link");
        assert!(far < most_remote, "{name}: {far}");
        assert!(name == "half blocks" || far < local, "{name}: {far} is not less than {local}");
    }
}

#[test]
fn a_key_is_answered_at_once_while_pictures_are_being_made() {
    let mut terminal = browsing(Kind::Sixel, &[], &[]);
    let mut times = Vec::new();
    for (key, name) in [("j", "photo_1"), ("j", "photo_2"), ("k", "photo_1"), ("k", "photo_0")].repeat(3) {
        let started = Instant::now();
        terminal.keys(key);
        terminal.until_screen(&format!("╭ {name}.jpg"));
        times.push(started.elapsed());
        terminal.settle(Duration::from_millis(40));
    }
    times.sort();
    let median = times[times.len() / 2];
    // The bound tells a loop that waits for pictures from one that does not, also on a machine that is busy with others.
    println!("key to screen: median {median:?}, slowest {:?}", times[times.len() - 1]);
    assert!(median < Duration::from_millis(500), "{times:?}");
}
