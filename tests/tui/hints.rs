//! Every key that a screen hints does something there: each state of each tab, window and gate is drawn, the keys are read
//! off the screen, and each is pressed.

use std::path::PathBuf;

use cipherlens::services::session::Presence;
use cipherlens::tui::request::{Ending, Progress, Reply};
use cipherlens::tui::state::gate::{FirstRun, Gate, NotThere, Unlock};
use cipherlens::tui::state::journal::Weight;
use cipherlens::tui::state::overlay::{Overlay, Question};
use cipherlens::tui::state::results::{Found, Query, Timing};
use cipherlens::tui::state::vault::{Session, Statistics};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

use crate::stage::{Stage, found, key, photos};

const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (60, 20), (40, 12)];

/// The colour that keys have in this test, and nothing else.
const KEYS: Color = Color::Rgb(1, 2, 3);

/// What is drawn like a key and is none: prompts, marks, and the choice that is made.
const NO_KEYS: [&str; 4] = ["›", "try again", "open another vault", "create a new, empty vault at this path"];

/// Keys on the screen, as they are written there.
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
    // A key that the edge of a small screen cuts off.
    runs.retain(|run| !run.ends_with('…'));
    let keys =
        |run: String| run.split("  ").map(|part| part.trim().trim_start_matches('▸').trim().to_owned()).collect();
    runs.into_iter().flat_map::<Vec<String>, _>(keys).filter(|key| !key.is_empty()).collect()
}

/// The key presses that a hint stands for; none for what is no key.
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
        "enter" | "esc" | "tab" | "space" | "backspace" | "up" | "down" | "left" | "right" | "f1" => vec![key(hint)],
        _ if hint.starts_with("ctrl-") || hint.chars().count() == 1 => vec![key(hint)],
        _ => return None,
    })
}

fn marked(mut stage: Stage) -> Stage {
    stage.application.theme.accent = stage.application.theme.accent.fg(KEYS);
    stage
}

/// Presses every key that the screen hints, each on a stage of its own, and says which ones did nothing.
fn idle_hints(name: &str, (columns, rows): (u16, u16), open: &dyn Fn(u16, u16) -> Stage) -> (usize, Vec<String>) {
    let mut idle = Vec::new();
    let hints = hinted(&mut marked(open(columns, rows)));
    for hint in &hints {
        let mut stage = marked(open(columns, rows));
        let Some(presses) = presses(hint) else {
            assert!(NO_KEYS.contains(&hint.as_str()), "{name}: {hint:?} is no key");
            continue;
        };
        stage.effects.clear();
        let before = stage.screen();
        presses.into_iter().for_each(|press| stage.press(press));
        let is_refused = stage.application.state.journal.news().is_some_and(|news| news.weight == Weight::Refusal);
        if is_refused || (stage.effects.is_empty() && stage.screen() == before) {
            let news = stage.application.state.journal.news().map(|news| news.text.clone());
            idle.push(format!("{name} at {columns}x{rows}: {hint} {news:?}"));
        }
    }
    (hints.len(), idle)
}

fn searched(columns: u16, rows: u16, result: Result<Found, String>) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("j j j s");
    let query = Query::File(PathBuf::from("/photos/2024/IMG_2.jpg"));
    stage.reply(Reply::Searched { query, result });
    stage
}

fn played(mut stage: Stage, keys: &str) -> Stage {
    stage.keys(keys);
    stage
}

fn indexing(columns: u16, rows: u16, ending: Option<Ending>, keys: &str) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("I");
    stage.reply(Reply::Indexing(Progress::Started { total: 9 }));
    if let Some(ending) = ending {
        stage.reply(Reply::Indexing(Progress::Ended(ending)));
    }
    played(stage, keys)
}

fn gated(columns: u16, rows: u16, gate: Gate, keys: &str) -> Stage {
    let mut stage = Stage::new(columns, rows);
    stage.application.show_gate(gate);
    if !keys.is_empty() {
        stage.keys(keys);
    }
    stage
}

fn asked(columns: u16, rows: u16, question: Question) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.application.state.overlay = Some(Overlay::Confirm(question));
    stage
}

fn listed(columns: u16, rows: u16, listing: Result<(), String>) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("enter");
    let folder = PathBuf::from("/photos/2024/beach");
    stage.reply(Reply::Listed { folder, listing: listing.map(|()| (Vec::new(), 3)) });
    stage
}

fn topmost(columns: u16, rows: u16) -> Stage {
    let mut stage = Stage::new(columns, rows);
    stage.keys("h");
    stage.reply(Reply::Listed { folder: PathBuf::from("/photos"), listing: Ok((Vec::new(), 0)) });
    stage.keys("h");
    stage.reply(Reply::Listed { folder: PathBuf::from("/"), listing: Ok((Vec::new(), 0)) });
    stage
}

fn vault_of(columns: u16, rows: u16, result: Option<Result<usize, String>>) -> Stage {
    let mut stage = Stage::new(columns, rows);
    stage.application.state.session = Session::Open { vault: PathBuf::from("/vaults/holiday.vault") };
    if let Some(result) = result {
        let listing = result.map(|count| (photos().into_iter().take(count).collect(), Statistics::default()));
        stage.reply(Reply::Collection(listing));
    }
    played(stage, "3")
}

type Open = Box<dyn Fn(u16, u16) -> Stage>;

fn states() -> Vec<(&'static str, Open)> {
    let nothing_found = || Found { ranked: Vec::new(), query_is_stored: true, compared: 1, timing: Timing::default() };
    let vault = || PathBuf::from("/vaults/holiday.vault");
    let mut states: Vec<(&'static str, Open)> = vec![
        ("files without a vault", Box::new(Stage::new)),
        ("files, on a folder", Box::new(Stage::with_vault)),
        ("files, on a photo", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j"))),
        ("files, with a selection", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j space g g"))),
        ("files, typing a filter", Box::new(|c, r| played(Stage::with_vault(c, r), "/ 'cat"))),
        ("files, filtered to nothing", Box::new(|c, r| played(Stage::with_vault(c, r), "/ 'zzz enter"))),
        ("files, an empty folder", Box::new(|c, r| listed(c, r, Ok(())))),
        ("files, a folder that cannot be read", Box::new(|c, r| listed(c, r, Err("denied".to_owned())))),
        ("files, the topmost folder", Box::new(topmost)),
        ("files, a picture on a narrow screen", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j tab"))),
        ("results before a search", Box::new(|c, r| played(Stage::with_vault(c, r), "2"))),
        ("results, searching", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j s"))),
        ("results", Box::new(|c, r| searched(c, r, Ok(found())))),
        ("results as a list", Box::new(|c, r| played(searched(c, r, Ok(found())), "t"))),
        ("results, the threshold at its end", Box::new(|c, r| played(searched(c, r, Ok(found())), "] ] ] ]"))),
        ("results, filtered to nothing", Box::new(|c, r| played(searched(c, r, Ok(found())), "/ 'zzz enter"))),
        ("results, no other photo", Box::new(move |c, r| searched(c, r, Ok(nothing_found())))),
        ("results, failed", Box::new(|c, r| searched(c, r, Err("damaged".to_owned())))),
        ("vault, none open", Box::new(|c, r| played(Stage::new(c, r), "3"))),
        ("vault", Box::new(|c, r| vault_of(c, r, Some(Ok(8))))),
        ("vault, one photo", Box::new(|c, r| vault_of(c, r, Some(Ok(1))))),
        ("vault, empty", Box::new(|c, r| vault_of(c, r, Some(Ok(0))))),
        ("vault, being listed", Box::new(|c, r| vault_of(c, r, None))),
        ("vault, not listed", Box::new(|c, r| vault_of(c, r, Some(Err("damaged".to_owned()))))),
        ("vault, being checked", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "c"))),
        ("vault, filtered to nothing", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "/ 'zzz enter"))),
        ("vault, exporting", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e enter"))),
        ("vault, stopping an export", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e enter X"))),
        ("indexing nothing", Box::new(|c, r| played(Stage::with_vault(c, r), "4"))),
        ("indexing, looking", Box::new(|c, r| played(Stage::with_vault(c, r), "I 4"))),
        ("indexing", Box::new(|c, r| indexing(c, r, None, "4"))),
        ("indexing, paused", Box::new(|c, r| indexing(c, r, None, "4 p"))),
        ("indexing, stopping", Box::new(|c, r| indexing(c, r, None, "4 x"))),
        ("indexing, done", Box::new(|c, r| indexing(c, r, Some(Ending::Done), "4"))),
        ("indexing, failed", Box::new(|c, r| indexing(c, r, Some(Ending::Failed("full".to_owned())), "4"))),
        ("indexing in the background", Box::new(|c, r| indexing(c, r, None, "3"))),
        ("indexing behind the lock", Box::new(|c, r| indexing(c, r, None, "L esc 4"))),
        ("a photo large, from the files", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j z"))),
        ("a photo large, from the results", Box::new(|c, r| played(searched(c, r, Ok(found())), "z"))),
        ("a photo large, from the vault", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "j z"))),
        ("help", Box::new(|c, r| played(Stage::with_vault(c, r), "? 'zzz"))),
        ("messages", Box::new(|c, r| played(Stage::with_vault(c, r), "!"))),
        ("where to export to", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e"))),
        ("unlock", Box::new(move |c, r| gated(c, r, Gate::Unlock(Unlock::new(vault())), ""))),
        ("unlock, typed", Box::new(move |c, r| gated(c, r, Gate::Unlock(Unlock::new(vault())), "'abc"))),
        ("unlock, opening", Box::new(move |c, r| gated(c, r, Gate::Unlock(Unlock::new(vault())), "'abc enter"))),
        ("first run", Box::new(move |c, r| gated(c, r, Gate::FirstRun(FirstRun::new(vault())), ""))),
        (
            "first run, passphrase",
            Box::new(move |c, r| gated(c, r, Gate::FirstRun(FirstRun::new(vault())), "enter 'a")),
        ),
        (
            "first run, creating",
            Box::new(move |c, r| gated(c, r, Gate::FirstRun(FirstRun::new(vault())), "enter 'a enter 'a enter")),
        ),
        ("not there", Box::new(move |c, r| gated(c, r, Gate::NotThere(NotThere::new(vault(), Presence::Nothing)), ""))),
        (
            "not there, naming another",
            Box::new(move |c, r| gated(c, r, Gate::NotThere(NotThere::new(vault(), Presence::Nothing)), "down enter")),
        ),
    ];
    let questions: [fn() -> Question; 6] = [
        || Question::Remove(vec![photos()[0].id]),
        || Question::OpenOutside(photos()[0].id),
        || Question::Download(vec![photos()[0].id]),
        || Question::Quit,
        || Question::QuitExporting,
        || Question::GoOn(vec![PathBuf::from("/photos")]),
    ];
    for question in questions {
        states.push(("a question", Box::new(move |c, r| asked(c, r, question()))));
    }
    states
}

#[test]
fn every_hinted_key_does_something_in_every_state() {
    let mut idle = Vec::new();
    for size in SIZES {
        for (name, open) in states() {
            let (hints, without_effect) = idle_hints(name, size, &open);
            assert!(hints > 0 || ["help", "messages"].contains(&name), "{name} at {size:?} hints nothing");
            idle.extend(without_effect);
        }
    }
    assert!(idle.is_empty(), "{} hinted keys do nothing:\n{}", idle.len(), idle.join("\n"));
}

#[test]
fn the_palette_offers_what_does_something_with_keys_that_do_the_same() {
    for (name, open) in states() {
        let mut stage = marked(open(120, 60));
        if stage.application.state.gate.is_some() || stage.application.state.overlay.is_some() {
            continue;
        }
        if stage.application.state.filter().is_some_and(|filter| filter.is_typing) {
            continue;
        }
        stage.keys(":");
        let mut hints = hinted(&mut stage);
        // The last three are those of the palette itself.
        assert_eq!(hints.split_off(hints.len() - 3), ["enter", "↑↓", "esc"], "{name}");
        assert!(hints.len() > 5, "{name}: {hints:?}");
        for hint in hints.iter().filter(|hint| presses(hint).is_some()) {
            let mut stage = open(120, 60);
            presses(hint).into_iter().flatten().for_each(|press| stage.press(press));
            let news = stage.application.state.journal.news();
            assert!(news.is_none_or(|news| news.weight != Weight::Refusal), "{name}: {hint}: {:?}", news.unwrap().text);
        }
    }
}

#[test]
fn a_refused_key_says_why_without_a_tick() {
    let mut stage = Stage::with_vault(100, 24);
    for (keys, reason) in [
        ("1 e", "works on photos of the vault"),
        ("3 i", "in the files to index it"),
        ("3 ,", "order of its dates"),
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
        (results.shown_matches(), results.visible().len(), stage.application.state.tiles.narrowest())
    };
    assert_eq!(state(&stage), (3, 8, 20));
    stage.keys("[ [");
    assert_eq!(state(&stage), (5, 8, 20), "0.70");
    stage.keys("] ] ]");
    assert_eq!(state(&stage), (3, 8, 20), "0.85");
    stage.keys("{");
    assert_eq!(state(&stage), (3, 5, 20));
    stage.keys("}");
    assert_eq!(state(&stage), (3, 8, 20));
    stage.keys("> >");
    assert_eq!(state(&stage).2, 40);
    stage.keys("< < <");
    assert_eq!(state(&stage).2, 14);
    stage.keys("3");
    assert_eq!(state(&stage).2, 14, "the vault has the same size");
}
