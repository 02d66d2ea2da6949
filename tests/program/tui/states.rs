//! All states of the application, for tests that visit each: tabs, windows, lock screens.

use std::path::PathBuf;

use cipherlens::preview::Graphics;
use cipherlens::services::open_vault::CopyAge;
use cipherlens::services::progress::{Event, Outcome};
use cipherlens::services::search::SearchResult;
use cipherlens::services::session::Presence;
use cipherlens::services::skipped::SkippedCounts;
use cipherlens::services::survey::{Extent, Survey};
use cipherlens::tui::request::{Contents, Ending, IndexingUpdate, Reply};
use cipherlens::tui::state::lock_screen::{FirstRun, LockScreen, MissingVault, Unlock};
use cipherlens::tui::state::overlay::{Overlay, Question};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::vault::Session;

use crate::tui::adding::{running, surveyed, whole};
use crate::tui::stage::{Stage, draw_pictures, found, photos};

/// The results of a search for a photo in the files.
pub(crate) fn searched(columns: u16, rows: u16, result: Result<SearchResult, String>) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("j j j s");
    let query = Query::File(PathBuf::from("/photos/2024/IMG_2.jpg"));
    stage.reply(Reply::Searched { query, result: result.map(Box::new) });
    stage
}

/// The results of a second search, for the first result of the first one.
fn searched_again(columns: u16, rows: u16, keys: &str) -> Stage {
    let mut stage = searched(columns, rows, Ok(found()));
    stage.keys("s");
    let query = Query::Stored(photos()[0].clone());
    stage.reply(Reply::Searched { query, result: Ok(Box::new(found())) });
    if !keys.is_empty() {
        stage.keys(keys);
    }
    stage
}

fn played(mut stage: Stage, keys: &str) -> Stage {
    stage.keys(keys);
    stage
}

fn indexing(columns: u16, rows: u16, ending: Option<Ending>, keys: &str) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("I enter");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 9, skipped: SkippedCounts::default() }));
    if let Some(ending) = ending {
        stage.reply(Reply::Indexing(IndexingUpdate::Ended(ending)));
    }
    played(stage, keys)
}

/// On a folder of which this is known; then keys.
fn with_survey(columns: u16, rows: u16, survey: Survey, keys: &str) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    surveyed(&mut stage, survey);
    if keys.is_empty() { stage } else { played(stage, keys) }
}

/// A plan of which this is known.
fn planned(mut stage: Stage, survey: Survey) -> Stage {
    stage.keys("i");
    surveyed(&mut stage, survey);
    stage
}

/// A run with failures; some other ones wait.
fn with_failures(columns: u16, rows: u16) -> Stage {
    let mut stage = running(columns, rows);
    stage.keys("i enter j i enter");
    for number in 0..30 {
        let path = PathBuf::from(format!("/photos/2024/broken_{number}.jpg"));
        let outcome = Outcome::Failed { reason: "the file is damaged or incomplete".to_owned() };
        stage.reply(Reply::Indexing(IndexingUpdate::Event(Event::Finished { path, outcome })));
    }
    played(stage, "4")
}

fn on_lock_screen(columns: u16, rows: u16, lock_screen: LockScreen, keys: &str) -> Stage {
    let mut stage = Stage::new(columns, rows);
    stage.application.state.lock_screen = Some(lock_screen);
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
        let listing =
            result.map(|count| Contents { photos: photos().into_iter().take(count).collect(), ..Contents::default() });
        stage.reply(Reply::Collection(listing));
    }
    played(stage, "3")
}

/// The photo view on the vault tab: keys before and after its picture was drawn.
fn large(columns: u16, rows: u16, before: &str, after: &str) -> Stage {
    let mut stage = vault_of(columns, rows, Some(Ok(8)));
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    stage.keys("z");
    stage.keys(before);
    draw_pictures(&mut stage);
    if !after.is_empty() {
        stage.keys(after);
    }
    draw_pictures(&mut stage);
    stage
}

/// The photo view of a remote vault.
fn remote(columns: u16, rows: u16, keys: &str) -> Stage {
    let mut stage = vault_of(columns, rows, Some(Ok(8)));
    stage.application.state.session = Session::Open { vault: PathBuf::from("ssh://nas/holiday.vault") };
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    stage.keys("z");
    stage.keys(keys);
    draw_pictures(&mut stage);
    stage
}

/// Makes a stage of this many columns and rows in a state.
pub(crate) type Open = Box<dyn Fn(u16, u16) -> Stage>;

/// A question with its name.
type NamedQuestion = (&'static str, fn() -> Question);

/// Every state with its name.
pub(crate) fn states() -> Vec<(&'static str, Open)> {
    let nothing_found = || SearchResult { query: found().query, compared: 1, ..SearchResult::default() };
    let vault = || PathBuf::from("/vaults/holiday.vault");
    let mut states: Vec<(&'static str, Open)> = vec![
        ("files without a vault", Box::new(Stage::new)),
        ("files, on a folder", Box::new(Stage::with_vault)),
        ("files, on a folder partly in the vault", Box::new(|c, r| with_survey(c, r, whole(169, 12), ""))),
        ("files, on a folder in the vault", Box::new(|c, r| with_survey(c, r, whole(5, 5), ""))),
        (
            "files, on a very large folder",
            Box::new(|c, r| with_survey(c, r, Survey { found: Extent::Partial, ..whole(2000, 0) }, "")),
        ),
        ("planning, looking", Box::new(|c, r| played(Stage::with_vault(c, r), "I"))),
        ("planning", Box::new(|c, r| planned(Stage::with_vault(c, r), whole(169, 12)))),
        ("planning, nothing new", Box::new(|c, r| planned(Stage::with_vault(c, r), whole(9, 9)))),
        ("planning, a run under way", Box::new(|c, r| planned(running(c, r), whole(169, 0)))),
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
        ("vault, by folder", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "t"))),
        ("vault, as a list", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "t t"))),
        ("vault, with information", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "K"))),
        ("vault, by name", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), ", ,"))),
        ("results, with information", Box::new(|c, r| played(searched(c, r, Ok(found())), "K"))),
        ("results of a second search", Box::new(|c, r| searched_again(c, r, ""))),
        ("results of the search before", Box::new(|c, r| searched_again(c, r, "("))),
        ("the palette", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), ":"))),
        ("the palette, a command", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "g d"))),
        ("the palette, no command", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), ": 'zzzz"))),
        ("vault, one photo", Box::new(|c, r| vault_of(c, r, Some(Ok(1))))),
        ("vault, empty", Box::new(|c, r| vault_of(c, r, Some(Ok(0))))),
        ("vault, being listed", Box::new(|c, r| vault_of(c, r, None))),
        ("vault, not listed", Box::new(|c, r| vault_of(c, r, Some(Err("damaged".to_owned()))))),
        ("vault, being checked", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "c"))),
        ("vault, filtered to nothing", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "/ 'zzz enter"))),
        ("vault, exporting", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e enter"))),
        ("vault, stopping an export", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e enter X"))),
        ("indexing nothing", Box::new(|c, r| played(Stage::with_vault(c, r), "4"))),
        ("indexing, looking", Box::new(|c, r| played(Stage::with_vault(c, r), "I enter 4"))),
        ("indexing", Box::new(|c, r| indexing(c, r, None, "4"))),
        ("indexing, paused", Box::new(|c, r| indexing(c, r, None, "4 p"))),
        ("indexing, stopping", Box::new(|c, r| indexing(c, r, None, "4 x"))),
        ("indexing, failures and a queue", Box::new(with_failures)),
        ("indexing, done", Box::new(|c, r| indexing(c, r, Some(Ending::Done), "4"))),
        ("indexing, failed", Box::new(|c, r| indexing(c, r, Some(Ending::Failed("full".to_owned())), "4"))),
        ("indexing in the background", Box::new(|c, r| indexing(c, r, None, "3"))),
        ("indexing behind the lock", Box::new(|c, r| indexing(c, r, None, "L esc 4"))),
        ("a photo large, from the files", Box::new(|c, r| played(Stage::with_vault(c, r), "j j j z"))),
        ("a photo large, from the results", Box::new(|c, r| played(searched(c, r, Ok(found())), "z"))),
        ("a photo large, from the vault", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "j z"))),
        ("a photo large, the last one", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "G z"))),
        ("a photo large, the only one", Box::new(|c, r| played(vault_of(c, r, Some(Ok(1))), "z"))),
        ("a photo large, drawn", Box::new(|c, r| large(c, r, "n", ""))),
        ("a photo large, pixel by pixel", Box::new(|c, r| large(c, r, "n", "z"))),
        ("a photo large, at its edge", Box::new(|c, r| large(c, r, "n", "z l l l l l l l l j j j j j j j j"))),
        ("a photo large, turned and enlarged", Box::new(|c, r| large(c, r, "n", ". > > >"))),
        ("a photo large, with information", Box::new(|c, r| large(c, r, "n", "K"))),
        ("a photo large, in a slideshow", Box::new(|c, r| large(c, r, "n", "S"))),
        ("two photos compared", Box::new(|c, r| large(c, r, "n", "="))),
        ("a photo large, not fetched", Box::new(|c, r| remote(c, r, "n"))),
        ("a photo large, fetched", Box::new(|c, r| remote(c, r, "n enter"))),
        ("help", Box::new(|c, r| played(Stage::with_vault(c, r), "? 'zzz"))),
        ("messages", Box::new(|c, r| played(Stage::with_vault(c, r), "!"))),
        ("where to export to", Box::new(|c, r| played(vault_of(c, r, Some(Ok(8))), "e"))),
        ("unlock", Box::new(move |c, r| on_lock_screen(c, r, LockScreen::Unlock(Unlock::new(vault())), ""))),
        ("unlock, typed", Box::new(move |c, r| on_lock_screen(c, r, LockScreen::Unlock(Unlock::new(vault())), "'abc"))),
        (
            "unlock, opening",
            Box::new(move |c, r| on_lock_screen(c, r, LockScreen::Unlock(Unlock::new(vault())), "'abc enter")),
        ),
        ("first run", Box::new(move |c, r| on_lock_screen(c, r, LockScreen::FirstRun(FirstRun::new(vault())), ""))),
        (
            "first run, passphrase",
            Box::new(move |c, r| on_lock_screen(c, r, LockScreen::FirstRun(FirstRun::new(vault())), "enter 'a")),
        ),
        (
            "first run, creating",
            Box::new(move |c, r| {
                on_lock_screen(c, r, LockScreen::FirstRun(FirstRun::new(vault())), "enter 'a enter 'a enter")
            }),
        ),
        (
            "not there",
            Box::new(move |c, r| {
                on_lock_screen(c, r, LockScreen::MissingVault(MissingVault::new(vault(), Presence::Nothing)), "")
            }),
        ),
        (
            "not there, naming another",
            Box::new(move |c, r| {
                on_lock_screen(
                    c,
                    r,
                    LockScreen::MissingVault(MissingVault::new(vault(), Presence::Nothing)),
                    "down enter",
                )
            }),
        ),
    ];
    let questions: [NamedQuestion; 9] = [
        ("question: an older copy", || Question::UseOlder(CopyAge::Older { found: 2, seen: 3 })),
        ("question: a copy changed separately", || Question::UseOlder(CopyAge::Forked { found: 5, seen: 3 })),
        ("question: a copy that may be newer", || Question::UseOlder(CopyAge::Unproven { found: 5, seen: 3 })),
        ("question: remove", || Question::Remove(vec![photos()[0].id])),
        ("question: open in another program", || Question::OpenOutside(photos()[0].id)),
        ("question: download", || Question::Download(vec![photos()[0].id])),
        ("question: quit", || Question::Quit),
        ("question: quit while exporting", || Question::QuitExporting),
        ("question: go on with indexing", || Question::ResumeIndexing(vec![PathBuf::from("/photos")])),
    ];
    for (name, question) in questions {
        states.push((name, Box::new(move |c, r| asked(c, r, question()))));
    }
    states
}
