//! Every key hint works: each state of each tab, window and lock screen is drawn, and each key on it is pressed.

use std::time::Duration;

use cipherlens::tui::locale::Characters;
use cipherlens::tui::state::messages::Severity;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

use crate::tui::stage::{Stage, found, key};
use crate::tui::states::{searched, states};

const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (60, 20), (40, 12)];

/// The colour of keys, and of nothing else, in this test.
const KEYS: Color = Color::Rgb(1, 2, 3);

/// Texts that are drawn like keys: prompts, marks, and the selected choice.
const NO_KEYS: [&str; 4] = ["›", "try again", "open another vault", "create a new, empty vault at this path"];

/// The keys on the screen, as they are written there.
fn hinted(stage: &mut Stage) -> Vec<String> {
    stage.screen();
    let buffer = stage.backend().buffer();
    let mut runs = Vec::new();
    for y in 0..buffer.area.height {
        let mut run = String::new();
        for x in 0..=buffer.area.width {
            let cell = (x < buffer.area.width).then(|| &buffer[(x, y)]);
            match cell.filter(|cell| cell.fg == KEYS && !cell.modifier.contains(Modifier::REVERSED)) {
                Some(cell) => run.push_str(cell.symbol()),
                None => runs.extend(Some(std::mem::take(&mut run)).filter(|run| !run.trim().is_empty())),
            }
        }
    }
    // Cut off at the edge of a small screen.
    runs.retain(|run| !run.ends_with('…'));
    let keys =
        |run: String| run.split("  ").map(|part| part.trim().trim_start_matches('▸').trim().to_owned()).collect();
    runs.into_iter().flat_map::<Vec<String>, _>(keys).filter(|key| !key.is_empty()).collect()
}

/// The key presses that a hint means; `None` if it is not a key.
fn presses(hint: &str) -> Option<Vec<KeyEvent>> {
    if NO_KEYS.contains(&hint) {
        return None;
    }
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    Some(match hint {
        "↑↓" => vec![plain(KeyCode::Down)],
        "home" => vec![plain(KeyCode::Home)],
        "end" => vec![plain(KeyCode::End)],
        "pageup" => vec![plain(KeyCode::PageUp)],
        "pagedown" => vec![plain(KeyCode::PageDown)],
        "gg" => vec![plain(KeyCode::Char('g')); 2],
        "gd" => vec![plain(KeyCode::Char('g')), plain(KeyCode::Char('d'))],
        "enter" | "esc" | "tab" | "space" | "backspace" | "up" | "down" | "left" | "right" | "f1" => vec![key(hint)],
        _ if hint.starts_with("ctrl-") || hint.chars().count() == 1 => vec![key(hint)],
        _ => return None,
    })
}

fn marked(mut stage: Stage) -> Stage {
    stage.application.theme.accent = stage.application.theme.accent.fg(KEYS);
    stage
}

/// Presses each hinted key on a new stage. Returns the number of hints and those that did nothing.
fn idle_hints(name: &str, (columns, rows): (u16, u16), open: &dyn Fn(u16, u16) -> Stage) -> (usize, Vec<String>) {
    let mut idle = Vec::new();
    let hints = hinted(&mut marked(open(columns, rows)));
    for hint in &hints {
        let mut stage = marked(open(columns, rows));
        let Some(presses) = presses(hint) else {
            assert!(NO_KEYS.contains(&hint.as_str()), "{name}: {hint:?} is not a key");
            continue;
        };
        stage.effects.clear();
        let before = stage.screen();
        presses.into_iter().for_each(|press| stage.press(press));
        let is_refused =
            stage.application.state.messages.unread().is_some_and(|news| news.severity == Severity::Refusal);
        if is_refused || (stage.effects.is_empty() && stage.screen() == before) {
            let news = stage.application.state.messages.unread().map(|news| news.text.clone());
            idle.push(format!("{name} at {columns}x{rows}: {hint} {news:?}"));
        }
    }
    (hints.len(), idle)
}

#[test]
fn every_hinted_key_does_something_in_every_state() {
    let mut idle = Vec::new();
    for size in SIZES {
        // The keys that the palette lists are those of its actions: the next test presses them.
        for (name, open) in states().into_iter().filter(|(name, _)| *name != "the palette") {
            let (hints, without_effect) = idle_hints(name, size, &open);
            assert!(hints > 0 || ["help", "messages"].contains(&name), "{name} at {size:?} has no key hints");
            idle.extend(without_effect);
        }
    }
    assert!(idle.is_empty(), "{} hinted keys do nothing:\n{}", idle.len(), idle.join("\n"));
}

#[test]
fn the_palette_lists_only_keys_that_do_something() {
    for (name, open) in states() {
        let mut stage = marked(open(120, 60));
        if stage.application.state.lock_screen.is_some() || stage.application.state.overlay.is_some() {
            continue;
        }
        if stage.application.state.typed_filter().is_some() {
            continue;
        }
        stage.keys(":");
        let mut hints = hinted(&mut stage);
        // The last three are the palette's own.
        assert_eq!(hints.split_off(hints.len() - 3), ["enter", "↑↓", "esc"], "{name}");
        assert!(hints.len() > 5, "{name}: {hints:?}");
        for hint in hints.iter().filter(|hint| presses(hint).is_some()) {
            let mut stage = open(120, 60);
            presses(hint).into_iter().flatten().for_each(|press| stage.press(press));
            let news = stage.application.state.messages.unread();
            assert!(
                news.is_none_or(|news| news.severity != Severity::Refusal),
                "{name}: {hint}: {:?}",
                news.unwrap().text
            );
        }
    }
}

#[test]
fn a_refused_key_says_why_without_a_check_mark() {
    let mut stage = Stage::with_vault(100, 24);
    for (keys, reason) in [
        ("1 e", "works on photos in the vault"),
        ("3 i", "on the Files tab to index it"),
        ("2 ,", "always sorted by score"),
        ("4 s", "move onto a photo"),
        ("1 g g s", "move onto a photo"),
    ] {
        let screen = stage.keys(keys).screen();
        let line = screen.lines().find(|line| line.contains(reason)).unwrap_or_else(|| panic!("{keys}:\n{screen}"));
        assert!(!line.contains('✓') && line.contains("· "), "{line}");
        assert!(stage.asked().iter().all(|asked| !asked.starts_with("index") && !asked.starts_with("export")));
    }
}

#[test]
fn esc_never_changes_the_tab() {
    for (name, open) in states() {
        let mut stage = open(120, 40);
        let tab = stage.application.state.tab;
        stage.keys("esc esc esc esc");
        assert_eq!(stage.application.state.tab, tab, "{name}");
    }
}

#[test]
fn the_threshold_moves_with_brackets_the_number_with_braces_and_thumbnails_with_angles() {
    let mut stage = searched(120, 40, Ok(found()));
    let state = |stage: &Stage| {
        let results = &stage.application.state.results;
        (results.shown_matches(), results.list.visible().len(), stage.application.state.tiles.narrowest(120))
    };
    assert_eq!(state(&stage), (3, 8, 15));
    stage.keys("[ [");
    assert_eq!(state(&stage), (5, 8, 15), "0.70");
    stage.keys("] ] ]");
    assert_eq!(state(&stage), (3, 8, 15), "0.85");
    stage.keys("{");
    assert_eq!(state(&stage), (3, 5, 15));
    stage.keys("}");
    assert_eq!(state(&stage), (3, 8, 15));
    stage.keys("> >");
    assert_eq!(state(&stage).2, 30);
    stage.keys("< < <");
    assert_eq!(state(&stage).2, 9);
    stage.keys("3");
    assert_eq!(state(&stage).2, 9, "the vault has the same size");
}

#[test]
fn with_reduced_motion_the_screen_changes_only_with_what_happens() {
    for (name, open) in states() {
        let mut stage = open(120, 40);
        let before = stage.screen();
        for _ in 0..5 {
            drop(stage.application.advance(Duration::from_millis(120)));
        }
        assert_eq!(stage.screen(), before, "{name}");
    }
}

#[test]
fn without_a_utf_8_locale_every_cell_is_ascii() {
    for size in SIZES {
        for (name, open) in states() {
            let mut stage = open(size.0, size.1);
            stage.application.state.preferences.characters = Characters::Ascii;
            let screen = stage.screen();
            let is_ascii = stage.backend().buffer().content().iter().all(|cell| cell.symbol().is_ascii());
            assert!(is_ascii, "{name} at {size:?}:\n{screen}");
        }
    }
}
