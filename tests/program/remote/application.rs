//! The terminal application on a vault behind a connection.

use std::path::Path;
use std::process::Command;

use crate::remote::host::serving;
use crate::remote::relay::{go_on, relayed, stand_still};
use crate::support::pseudo_terminal::{Kind, PseudoTerminal, Start};
use crate::support::scene::{Scene, samples};

/// The application on a vault of eight photos, behind a relay with the plan `pass`.
pub(super) fn opened(kind: Kind, scene: &Scene, count: &Path) -> PseudoTerminal {
    let via = relayed(&serving(&scene.vault()), "pass", count);
    let (passphrase, search_path) = (scene.passphrase_file().display().to_string(), std::env::var("PATH").unwrap());
    let start = Start {
        kind,
        columns: 120,
        rows: 36,
        arguments: &["--via", &via, "--passphrase-file", &passphrase],
        environment: &[("PATH", &search_path)],
    };
    let mut terminal = PseudoTerminal::start(&start);
    terminal.until_answered();
    terminal.until_screen("8 photos");
    terminal
}

/// The name of the photo under the cursor, with which the status line begins.
fn title(terminal: &PseudoTerminal) -> String {
    let screen = terminal.screen();
    let status = screen.lines().rev().nth(1).unwrap_or_default();
    status.split_whitespace().next().unwrap_or_default().to_owned()
}

#[test]
fn keys_are_answered_while_the_host_does_not_answer() {
    let photos = samples(8);
    let scene = Scene::with_photos(&photos);
    let count = scene.path("count");
    let mut terminal = opened(Kind::Sixel, &scene, &count);
    terminal.keys("3");
    let is_photo = |name: &str| photos.iter().any(|photo| photo.file_name().is_some_and(|known| known == name));
    terminal.until("the vault's photos", |terminal| is_photo(&title(terminal)));
    // Thumbnails are being fetched. From here on the host seems to have fallen silent in the middle of an answer: an
    // application that waited for it would never show the next photo.
    stand_still(&count);
    for key in ["l", "l", "h", "h", "\x1b[F", "\x1b[H"].repeat(3) {
        let before = title(&terminal);
        terminal.keys(key);
        terminal.until("another photo", |terminal| title(terminal) != before);
    }
    go_on(&count);
    terminal.keys("s");
    terminal.until_screen("among 8 photos");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

/// The processes that a process has started, and those that these have started.
fn descendants(process: u32) -> Vec<String> {
    let found = Command::new("pgrep").args(["-P", &process.to_string()]).output().unwrap();
    let children = String::from_utf8(found.stdout).unwrap();
    let children = children.lines().flat_map(|child| {
        let further = descendants(child.parse().unwrap());
        std::iter::once(child.to_owned()).chain(further).collect::<Vec<_>>()
    });
    children.collect()
}

#[test]
fn a_lost_connection_is_said_and_the_next_request_brings_it_back() {
    let scene = Scene::with_photos(&samples(8));
    let count = scene.path("count");
    let mut terminal = opened(Kind::Silent, &scene, &count);
    terminal.until_screen("1 of 8");
    // The host falls silent in the middle of a search. Then the cable is pulled: what connects this end dies, and for a
    // while the vault cannot be reached again either.
    stand_still(&count);
    terminal.keys("s");
    terminal.until_screen("searching among encrypted photos");
    let connection = descendants(terminal.process());
    assert!(!connection.is_empty());
    let away = scene.path("away");
    std::fs::rename(scene.vault(), &away).unwrap();
    let killed = Command::new("kill").arg("-KILL").args(connection).status().unwrap();
    assert!(killed.success());
    go_on(&count);
    terminal.until_screen("the search failed");
    terminal.until_screen("to try again");
    std::fs::rename(&away, scene.vault()).unwrap();
    terminal.keys("r");
    terminal.until_screen("among 8 photos");
    terminal.keys("q");
    assert!(terminal.wait().success());
}
