//! Snapshots of every screen at every size, and tests of what snapshots of text cannot show.

use std::path::PathBuf;
use std::time::Duration;

use cipherlens::preview::Graphics;
use cipherlens::services::check;
use cipherlens::services::progress::{Event, Outcome, Stage as Step};
use cipherlens::services::search::SearchResult;
use cipherlens::services::session::Presence;
use cipherlens::services::skipped::SkippedCounts;
use cipherlens::tui::request::{Contents, Effect, Ending, IndexingUpdate, Reply, Request};
use cipherlens::tui::state::lock_screen::{FirstRun, LockScreen, MissingVault, Unlock};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::vault::Session;
use cipherlens::tui::theme::{Background, Colours, Theme};
use ratatui::style::{Color, Modifier};

use crate::tui::stage::{Stage, already_present, committed, draw_pictures, entered, found};

const SIZES: [(u16, u16); 5] = [(120, 40), (80, 24), (60, 20), (40, 12), (20, 5)];

/// Snapshots of a scene at every size.
fn at_every_size(name: &str, open: fn(u16, u16) -> Stage, play: fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = open(columns, rows);
        play(&mut stage);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), stage.screen());
    }
}

#[test]
fn first_run() {
    at_every_size("first_run", Stage::new, |stage| {
        let lock_screen = LockScreen::FirstRun(FirstRun::new(PathBuf::from("/home/me/photos.vault")));
        stage.application.state.lock_screen = Some(lock_screen);
        stage.keys("enter 'correct enter 'correcr enter");
    });
}

#[test]
fn unlock() {
    at_every_size("unlock", Stage::new, |stage| {
        stage.application.state.preferences.vault = Some(PathBuf::from("/vaults/holiday.vault"));
        stage.application.state.lock_screen =
            Some(LockScreen::Unlock(Unlock::new(PathBuf::from("/vaults/holiday.vault"))));
        stage.keys("'wrong enter");
        let vault = PathBuf::from("/vaults/holiday.vault");
        stage.reply(Reply::Looked { vault, found: Ok(Presence::Vault) });
        let result = Err("the passphrase is wrong, or the vault's header was altered".to_owned());
        stage.reply(Reply::Opened { vault: PathBuf::from("/vaults/holiday.vault"), result });
    });
}

#[test]
fn not_there() {
    at_every_size("not_there", Stage::new, |stage| {
        let vault = PathBuf::from("/media/ann/disk/photos.vault");
        stage.application.state.lock_screen =
            Some(LockScreen::MissingVault(MissingVault::new(vault.clone(), Presence::Nothing)));
        stage.keys("enter");
        stage.reply(Reply::Looked { vault, found: Ok(Presence::Folder) });
    });
}

#[test]
fn not_there_and_another_one_named() {
    at_every_size("not_there_another", Stage::new, |stage| {
        let vault = PathBuf::from("/media/ann/disk/photos.vault");
        stage.application.state.lock_screen =
            Some(LockScreen::MissingVault(MissingVault::new(vault, Presence::Nothing)));
        stage.keys("down enter '~/copies/photos.vault");
    });
}

#[test]
fn browser() {
    at_every_size("browser", Stage::with_vault, |stage| {
        stage.keys("j j j space");
    });
}

#[test]
fn browser_filtered() {
    at_every_size("browser_filtered", Stage::new, |stage| {
        stage.keys("/ 'cat");
    });
}

#[test]
fn browser_of_an_unreadable_folder() {
    let mut stage = Stage::new(80, 24);
    stage.keys("enter");
    stage.reply(Reply::Listed {
        folder: PathBuf::from("/photos/2024/beach"),
        listing: Err("Permission denied (os error 13)".to_owned()),
    });
    insta::assert_snapshot!(stage.screen());
}

fn start_indexing(stage: &mut Stage) {
    stage.keys("I enter");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 1200, skipped: SkippedCounts::default() }));
    stage.reply(Reply::Indexing(entered(Step::Features, "/photos/2024/IMG_0001.jpg")));
    for number in 0..420 {
        stage.application.receive(Reply::Indexing(entered(Step::Sealing, format!("{number}.jpg"))));
        stage.application.advance(Duration::from_millis(80));
    }
    for progress in [
        already_present(),
        entered(Step::Reading, "/photos/2024/IMG_0431.jpg"),
        entered(Step::Features, "/photos/2024/IMG_0428.jpg"),
        entered(Step::Sealing, "/photos/2024/IMG_0423.jpg"),
        committed(256),
        IndexingUpdate::Event(Event::Finished {
            path: PathBuf::from("/photos/2024/broken.jpg"),
            outcome: Outcome::Failed { reason: "the file is damaged or incomplete".to_owned() },
        }),
    ] {
        stage.reply(Reply::Indexing(progress));
    }
}

#[test]
fn indexing() {
    at_every_size("indexing", Stage::with_vault, |stage| {
        start_indexing(stage);
        stage.keys("4");
    });
}

#[test]
fn indexing_in_the_background() {
    at_every_size("indexing_in_the_background", Stage::with_vault, |stage| {
        start_indexing(stage);
        stage.keys("p");
    });
}

#[test]
fn indexing_when_it_is_stopped() {
    at_every_size("indexing_stopped", Stage::with_vault, |stage| {
        start_indexing(stage);
        stage.reply(Reply::Indexing(committed(421)));
        stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Stopped)));
        stage.keys("4");
    });
}

#[test]
fn indexing_that_passes_files_over_and_fails() {
    at_every_size("indexing_failed", Stage::with_vault, |stage| {
        stage.keys("I enter");
        let unsupported = vec![("HEIC", 3), ("DNG", 1), ("MOV", 1)];
        let skipped = SkippedCounts { unsupported, other: 12, hidden: 1 };
        stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 1200, skipped }));
        for number in 0..420 {
            stage.application.receive(Reply::Indexing(entered(Step::Sealing, format!("{number}.jpg"))));
        }
        stage.reply(Reply::Indexing(committed(256)));
        let reason = "encrypted_images/0f.jpg.aes: No space left on device (os error 28)".to_owned();
        stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Failed(reason))));
        stage.keys("4");
    });
}

fn search(stage: &mut Stage, found: SearchResult) {
    stage.keys("j j j s");
    let query = Query::File(PathBuf::from("/photos/2024/IMG_2.jpg"));
    stage.reply(Reply::Searched { query, result: Ok(Box::new(found)) });
}

#[test]
fn results_as_grid() {
    at_every_size("results_as_grid", Stage::with_vault, |stage| {
        search(stage, found());
        stage.keys("l");
    });
}

#[test]
fn results_as_list() {
    at_every_size("results_as_list", Stage::with_vault, |stage| {
        search(stage, found());
        stage.keys("[ [ t j space");
    });
}

#[test]
fn results_without_a_match() {
    at_every_size("results_without_a_match", Stage::with_vault, |stage| {
        search(stage, found());
        stage.keys("] ] ] ]");
    });
}

#[test]
fn nothing_to_show_yet() {
    at_every_size("results_before_a_search", Stage::with_vault, |stage| {
        stage.keys("2");
    });
    at_every_size("vault_empty", Stage::new, |stage| {
        stage.application.state.session = Session::Open { vault: PathBuf::from("/vaults/holiday.vault") };
        stage.reply(Reply::Collection(Ok(Contents::default())));
        stage.keys("3");
    });
    at_every_size("indexing_nothing", Stage::with_vault, |stage| {
        stage.keys("4");
    });
}

#[test]
fn zoom() {
    at_every_size("zoom", Stage::with_vault, |stage| {
        stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
        search(stage, found());
        stage.keys("l z");
        draw_pictures(stage);
    });
}

#[test]
fn results_of_an_empty_vault_and_before_a_search() {
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("2");
    let before = stage.screen();
    stage.keys("1");
    search(&mut stage, SearchResult::default());
    insta::assert_snapshot!(format!("{before}\n{}", stage.screen()));
}

#[test]
fn vault() {
    at_every_size("vault", Stage::with_vault, |stage| {
        stage.keys("3 l space c");
        stage.reply(Reply::Checked(Ok(check::Report { photos: 31, ..check::Report::default() })));
        stage.keys("k");
    });
}

#[test]
fn vault_with_camera_details() {
    let mut stage = Stage::with_vault(120, 40);
    stage.keys("3 K");
    let fields = vec![("camera".to_owned(), "X\u{1b}]0;title\u{7}100".to_owned())];
    let photo = stage.application.state.collection.list.current().unwrap().id;
    stage.reply(Reply::Exif { photo, fields: Ok(fields) });
    insta::assert_snapshot!(stage.screen());
}

#[test]
fn help() {
    at_every_size("help", Stage::with_vault, |stage| {
        stage.keys("? 'thr");
    });
    let mut stage = Stage::new(120, 110);
    insta::assert_snapshot!(stage.keys("f1").screen());
}

#[test]
fn palette() {
    at_every_size("palette", Stage::with_vault, |stage| {
        stage.keys(": 'ind down");
    });
}

#[test]
fn log() {
    at_every_size("log", Stage::with_vault, |stage| {
        start_indexing(stage);
        stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Stopped)));
        stage.keys(", !");
    });
}

#[test]
fn questions() {
    at_every_size("remove", Stage::with_vault, |stage| {
        stage.keys("3 D");
    });
    at_every_size("export", Stage::with_vault, |stage| {
        stage.keys("3 ctrl-a e");
    });
}

#[test]
fn below_20_by_5_there_is_a_notice() {
    for (columns, rows) in [(19, 5), (20, 4), (1, 1)] {
        let screen = Stage::with_vault(columns, rows).screen();
        assert!(rows < 4 || screen.contains("too small"), "{screen}");
    }
}

#[test]
fn no_size_makes_drawing_fail() {
    for columns in 1..140 {
        for rows in [1, 2, 3, 4, 5, 6, 7, 9, 11, 16, 17, 19, 50] {
            let mut stage = Stage::with_vault(columns, rows);
            search(&mut stage, found());
            for keys in ["t", "esc 3", "z", "esc 4", "?", "esc :", "esc !", "esc 1 L", "f1"] {
                stage.keys(keys);
            }
        }
    }
}

#[test]
fn names_that_hold_escape_sequences_are_shown_inert() {
    let mut stage = Stage::with_vault(120, 40);
    stage.keys("/ 'red");
    let screen = stage.screen();
    assert!(!screen.contains('\u{1b}') && screen.contains("red\u{fffd}[31m.webp"), "{screen}");
}

#[test]
fn the_cursor_is_reversed_and_no_state_is_shown_by_colour_alone() {
    let mut stage = Stage::with_vault(120, 40);
    stage.keys("j j j space");
    let buffer = stage.backend().buffer();
    let row = |wanted: &str| {
        (0..40).find(|y| (0..50).map(|x| buffer[(x, *y)].symbol()).collect::<String>().contains(wanted)).unwrap()
    };
    let (selected, current) = (row("IMG_2.jpg"), row("IMG_10.jpg"));
    assert!(buffer[(4, current)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(4, selected)].modifier.contains(Modifier::REVERSED));
    assert_eq!(buffer[(1, selected)].symbol(), "●");
    let stored: String = (0..52).map(|x| buffer[(x, selected)].symbol()).collect();
    assert!(stored.contains('✓'), "{stored}");
}

#[test]
fn without_colour_every_cell_is_plain_except_in_pictures() {
    let mut stage = Stage::with_vault(100, 30);
    (stage.application.theme, _) = Theme::new(Background::Dark, Colours::PicturesOnly, "");
    stage.keys("j j");
    let coloured =
        |stage: &Stage| stage.backend().buffer().content().iter().filter(|cell| cell.fg != Color::Reset).count();
    assert_eq!(coloured(&stage), 0);
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    draw_pictures(&mut stage);
    assert!(coloured(&stage) > 100);
}

#[test]
fn a_new_photo_never_shows_the_old_picture() {
    let mut stage = Stage::with_vault(100, 30);
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    stage.keys("j j");
    draw_pictures(&mut stage);
    assert!(stage.screen().contains('▀'));
    stage.keys("j");
    let screen = stage.screen();
    assert!(screen.contains("loading") && !screen.contains('▀'), "{screen}");
    stage.keys("k");
    assert!(stage.screen().contains('▀'), "pictures shown before are still in memory");
}

#[test]
fn locking_removes_names_pictures_and_keys() {
    let mut stage = Stage::with_vault(100, 30);
    search(&mut stage, found());
    stage.effects.clear();
    stage.keys("L");
    assert!(matches!(stage.effects[..], [Effect::Ask(Request::Close), Effect::ForgetPictures]));
    let screen = stage.screen();
    assert!(!screen.contains("boat.jpg"), "{screen}");
    stage.keys("esc 2");
    assert!(!stage.screen().contains("boat.jpg"));
    stage.reply(Reply::Searched {
        query: Query::File(PathBuf::from("/photos/2024/IMG_2.jpg")),
        result: Ok(Box::new(found())),
    });
    assert!(!stage.screen().contains("boat.jpg"), "an answer after the lock is dropped");
}
