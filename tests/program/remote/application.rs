//! The terminal application on a vault with a slow connection.

use std::time::{Duration, Instant};

use crate::remote::host::serving;
use crate::remote::relay::relayed;
use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Scene, samples};

/// The title of the picture pane on the right.
fn title(terminal: &PseudoTerminal) -> String {
    let screen = terminal.screen();
    let frames = screen.lines().nth(1).unwrap_or_default();
    frames.rsplit("╭ ").next().unwrap_or_default().split(" ─").next().unwrap_or_default().to_owned()
}

/// The median time from a key press to its effect on the screen.
fn key_to_screen(terminal: &mut PseudoTerminal) -> Duration {
    let mut times = Vec::new();
    for key in ["l", "l", "h", "h", "\x1b[F", "\x1b[H"].repeat(3) {
        let before = title(terminal);
        let pressed = Instant::now();
        terminal.keys(key);
        terminal.until("another photo", |terminal| title(terminal) != before);
        times.push(pressed.elapsed());
        terminal.settle(Duration::from_millis(10));
    }
    times.sort();
    times[times.len() / 2]
}

#[test]
fn keys_are_answered_at_once_over_a_slow_connection() {
    let photos = samples(8);
    let scene = Scene::with_photos(&photos);
    // 50 ms each way: an application that waited for the host would take twice the allowed time.
    let via = relayed(&serving(&scene.vault()), "delay 50", &scene.path("count"));
    let passphrase = scene.passphrase_file().display().to_string();
    let search_path = std::env::var("PATH").unwrap();
    let start = Start {
        kind: Kind::Sixel,
        columns: 120,
        rows: 36,
        arguments: &["--via", &via, "--passphrase-file", &passphrase],
        environment: &[("PATH", &search_path)],
    };
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_answered();
    terminal.until_screen("8 photos");
    terminal.keys("3");
    let is_photo = |name: &str| photos.iter().any(|photo| photo.file_name().is_some_and(|known| known == name));
    terminal.until("the vault's photos", |terminal| is_photo(&title(terminal)));
    terminal.keys("\x1b[H");
    terminal.settle(Duration::from_millis(100));
    // While pictures are being fetched, and again afterwards. A busy machine may be slow in some rounds; an application
    // that waits for the connection is slow in all of them.
    let rounds: Vec<Duration> = (0..4).map(|_| key_to_screen(&mut terminal)).collect();
    println!("key to screen with 100 ms to the vault and back, medians of each round: {rounds:?}");
    assert!(rounds.iter().min().unwrap() < &Duration::from_millis(50), "{rounds:?}");
    terminal.keys("s");
    terminal.until_screen(" of 7 like ");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
