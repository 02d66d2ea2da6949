//! Response times: the first frame, keys while both cores are busy, and a large vault. They need a machine with nothing
//! else to do: `.ci/long/pace` runs them.

mod collection;
mod large_vault;
#[cfg(unix)]
mod slow_link;

use std::time::{Duration, Instant};

use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::tui::user::{User, sample};

/// The median and the maximum of `times`.
fn median_and_worst(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

/// Presses a key and waits until `text` is on the screen.
fn time_to(terminal: &mut PseudoTerminal, key: &str, text: &str) -> Duration {
    let pressed = Instant::now();
    terminal.keys(key);
    terminal.until_screen(text);
    pressed.elapsed()
}

#[test]
#[ignore = "a timing: .ci/long/pace runs it"]
fn the_first_frame_comes_at_once_even_in_a_terminal_that_answers_nothing() {
    let start = Start { kind: Kind::Silent, columns: 80, rows: 24, arguments: &[], environment: &[] };
    let times = (0..5).map(|_| {
        let started = Instant::now();
        let mut terminal = PseudoTerminal::start(&start);
        terminal.until_screen("passphrase");
        started.elapsed()
    });
    let (median, worst) = median_and_worst(times.collect());
    println!("first frame: median {median:?}, worst {worst:?}");
    // An application that waited for the terminal, or loaded the network first, would take longer.
    assert!(median < Duration::from_secs(1), "{median:?}");
}

#[test]
#[ignore = "a timing: .ci/long/pace runs it"]
fn a_key_is_answered_at_once_while_pictures_are_being_made() {
    let user = User::new();
    let folder = user.take_photos();
    let mut terminal = user.browse(Kind::Sixel, &folder, "photo_0.jpg", &[], &[]);
    let mut times = Vec::new();
    for (key, name) in [("j", "photo_1"), ("j", "photo_2"), ("k", "photo_1"), ("k", "photo_0")].repeat(3) {
        times.push(time_to(&mut terminal, key, &format!("╭ {name}.jpg")));
        terminal.settle(Duration::from_millis(40));
    }
    let (median, worst) = median_and_worst(times);
    println!("key to screen while pictures are made: median {median:?}, worst {worst:?}");
    // An application that waited for pictures would take longer.
    assert!(median < Duration::from_millis(500), "{median:?}");
}

#[test]
#[ignore = "a timing: .ci/long/pace runs it"]
fn a_key_is_answered_at_once_while_indexing_runs() {
    let user = User::with_vault();
    let file = |name: &str| user.path(name).to_string_lossy().into_owned();
    let (vault, passphrase) = (file("photos.vault"), file("passphrase"));
    let folder = sample("").to_string_lossy().into_owned();
    let arguments = ["--vault", &vault, "--passphrase-file", &passphrase, "--folder", &folder];
    let mut terminal = user.start(Kind::Sixel, &arguments, &[]);
    terminal.until_screen("altered/");
    terminal.keys("I\r");
    terminal.until_screen("indexing");
    terminal.keys("jl/dolphin\r");
    terminal.until_screen("╭ dolphin/");
    terminal.keys("l");
    terminal.until_screen("╭ image_0001.jpg");

    let mut times = Vec::new();
    let down = (2..=10).map(|number| ("j", number));
    let up = (1..10).rev().map(|number| ("k", number));
    for (key, number) in down.chain(up).cycle().take(54) {
        times.push(time_to(&mut terminal, key, &format!("╭ image_{number:04}.jpg")));
        terminal.settle(Duration::from_millis(10));
    }
    assert!(terminal.screen().contains("indexing"), "the run ended before the last key:\n{}", terminal.screen());
    let (median, worst) = median_and_worst(times);
    println!("key to screen while indexing runs: median {median:?}, worst {worst:?}");
    assert!(median < Duration::from_millis(50), "{median:?}");
}
