//! Keys and clicks, and the requests they cause.

use std::path::PathBuf;
use std::time::Duration;

use cipherlens::services::export;
use cipherlens::services::open_vault::CopyAge;
use cipherlens::services::progress::Stage as Step;
use cipherlens::services::skipped::SkippedCounts;
use cipherlens::tui::delivery::{Delivery, Route};
use cipherlens::tui::request::{Contents, Download, Exported, IndexingUpdate, Reply};
use cipherlens::tui::state::lock_screen::{FirstRun, LockScreen};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::{Pane, Tab};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::stage::{Stage, already_present, entered, found, photos};

fn open_search(stage: &mut Stage) {
    stage.keys("j j j s");
    let query = Query::File(PathBuf::from("/photos/2024/IMG_2.jpg"));
    stage.reply(Reply::Searched { query, result: Ok(Box::new(found())) });
    stage.effects.clear();
}

#[test]
fn vim_and_arrow_keys_move_alike() {
    for (keys, expected) in [("j j", 2), ("down down", 2), ("G", 7), ("G g g", 0), ("j j k up", 0), ("ctrl-d", 7)] {
        let mut stage = Stage::new(80, 24);
        stage.keys(keys);
        assert_eq!(stage.application.state.browser.list.cursor.at, expected, "{keys}");
    }
}

#[test]
fn folders_are_entered_and_left() {
    let mut stage = Stage::new(80, 24);
    stage.keys("l");
    assert_eq!(stage.asked(), ["list /photos/2024/beach"]);
    stage.keys("h");
    assert_eq!(stage.asked(), ["list /photos/2024"]);
    stage.keys("left");
    assert_eq!(stage.asked(), ["list /photos"]);
}

#[test]
fn a_filter_can_be_typed_before_the_folder_is_listed() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("l / 'dip");
    assert_eq!(stage.asked(), ["list /photos/2024/beach"], "no letter acts as a key");
    assert_eq!(stage.application.state.browser.list.filter.field.text(), "dip");
}

#[test]
fn a_late_listing_of_another_folder_is_not_shown() {
    let mut stage = Stage::new(80, 24);
    stage.keys("l h");
    stage.reply(Reply::Listed { folder: PathBuf::from("/photos/2024/beach"), listing: Ok((Vec::new(), 0)) });
    assert!(stage.application.state.browser.is_loading);
}

#[test]
fn one_key_searches_for_the_photo_under_the_cursor() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("j j j s");
    assert_eq!(stage.asked(), ["search /photos/2024/IMG_2.jpg"]);
    assert!(stage.screen().contains("searching"));
    open_search(&mut stage);
    stage.keys("2 l s");
    assert_eq!(stage.asked(), ["search boat.jpg"]);
}

#[test]
fn a_search_without_a_vault_asks_for_one() {
    let mut stage = Stage::new(80, 24);
    stage.keys("j j j s");
    assert!(stage.asked().is_empty());
    assert!(matches!(stage.application.state.lock_screen, Some(LockScreen::FirstRun(_))));
}

#[test]
fn indexing_starts_pauses_and_stops_with_one_key_each() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("j j j space space i enter");
    assert_eq!(stage.asked(), ["index [\"/photos/2024/IMG_10.jpg\", \"/photos/2024/IMG_2.jpg\"]"]);
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 2, skipped: SkippedCounts::default() }));
    stage.keys("p p x x");
    assert_eq!(stage.asked(), ["pause", "resume", "stop"]);
}

#[test]
fn quitting_while_indexing_asks_first() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("I enter q");
    assert_eq!(stage.asked(), ["index [\"/photos/2024\"]"]);
    stage.keys("n");
    assert!(stage.asked().is_empty());
    stage.keys("q y");
    assert_eq!(stage.asked(), ["quit"]);
}

#[test]
fn the_first_run_creates_a_vault_once_both_passphrases_agree() {
    let mut stage = Stage::new(80, 24);
    stage.application.state.lock_screen =
        Some(LockScreen::FirstRun(FirstRun::new(PathBuf::from("/nowhere/photos.vault"))));
    stage.keys("enter 'one enter 'two enter");
    assert!(stage.asked().is_empty());
    stage.keys("'one enter");
    assert_eq!(stage.asked(), ["create /nowhere/photos.vault"]);
    stage.reply(Reply::Opened { vault: PathBuf::from("/nowhere/photos.vault"), result: Ok(CopyAge::Newest) });
    assert_eq!(stage.asked(), ["collection"]);
    assert!(stage.application.state.lock_screen.is_none());
}

#[test]
fn a_passphrase_is_never_on_the_screen() {
    let mut stage = Stage::new(80, 24);
    stage.application.state.lock_screen =
        Some(LockScreen::FirstRun(FirstRun::new(PathBuf::from("/nowhere/photos.vault"))));
    stage.keys("enter 'hunter2");
    let longer = stage.screen();
    assert!(!longer.contains("hunter2"));
    stage.keys("backspace");
    let field = |screen: &str| screen.lines().find(|line| line.contains("typed, not shown")).unwrap().to_owned();
    assert_eq!(field(&stage.screen()), field(&longer), "its length is not shown either");
}

#[test]
fn export_and_remove_take_the_selection_and_ask() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("3 space space e");
    stage.keys("ctrl-u '/tmp/out enter");
    assert_eq!(stage.asked(), ["export 2 to /tmp/out"]);
    let outcome = Exported { exported: 2, ..Exported::default() };
    stage.reply(Reply::Exported { folder: PathBuf::from("/tmp/out"), outcome });
    assert!(stage.screen().contains("exported 2 photos to /tmp/out"));
    stage.keys("D n D y");
    assert_eq!(stage.asked(), ["remove 2"]);
}

#[test]
fn an_export_shows_how_far_and_how_fast_it_is_and_one_key_stops_it() {
    let mut stage = Stage::with_vault(120, 24);
    stage.effects.clear();
    stage.keys("3 ctrl-a e ctrl-u '/tmp/out enter");
    assert_eq!(stage.asked(), ["export 8 to /tmp/out"]);
    for done in [0, 2, 4] {
        stage.reply(Reply::Exporting(export::Progress { total: 8, done, failed: 1 }));
        stage.application.advance(Duration::from_secs(1));
    }
    let screen = stage.screen();
    assert!(screen.contains("4 of 8 · 2.0 photos/s · 2 s left · ✗ 1 failed  X stop"), "{screen}");
    stage.keys("1 X X");
    assert_eq!(stage.asked(), ["stop export"]);
    assert!(stage.screen().contains("stopping the export"), "on every tab: {}", stage.screen());
    stage.keys("3 e");
    assert!(stage.asked().is_empty());
    assert!(stage.screen().contains("an export is already running"), "{}", stage.screen());
    let outcome = Exported { exported: 3, already_there: 1, failed: vec!["damaged".to_owned()], left: 3, error: None };
    stage.reply(Reply::Exported { folder: PathBuf::from("/tmp/out"), outcome });
    let said = "exported 3 photos to /tmp/out, 1 already there, 1 failed, 3 left: export again to continue";
    assert!(stage.screen().contains(said), "{}", stage.screen());
    stage.keys("!");
    assert!(stage.screen().contains("not exported: damaged"), "{}", stage.screen());
}

#[test]
fn quitting_during_an_export_asks_first_and_then_about_an_indexing_run() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("3 e enter q");
    assert_eq!(stage.asked(), ["export 1 to /exported"]);
    assert!(stage.screen().contains("Stop the export and quit?"), "{}", stage.screen());
    stage.keys("n");
    assert!(stage.asked().is_empty());
    stage.keys("1 I enter");
    stage.asked();
    stage.keys("q y");
    assert!(stage.asked().is_empty());
    assert!(stage.screen().contains("Indexing"), "{}", stage.screen());
    stage.keys("y");
    assert_eq!(stage.asked(), ["quit"]);
}

#[test]
fn an_export_stopped_by_a_lock_is_reported_without_names_of_photos() {
    let mut stage = Stage::with_vault(100, 24);
    stage.keys("3 e enter");
    stage.effects.clear();
    stage.keys("L");
    assert_eq!(stage.asked(), ["stop export", "close", "forget pictures"]);
    let failed = vec!["the photo of last summer is damaged".to_owned()];
    let outcome = Exported { exported: 5, left: 2, failed, ..Exported::default() };
    stage.reply(Reply::Exported { folder: PathBuf::from("/exported"), outcome });
    stage.keys("esc !");
    let screen = stage.screen();
    assert!(screen.contains("exported 5 photos to /exported, 1 failed, 2 left: export again to continue"), "{screen}");
    assert!(!screen.contains("summer"), "{screen}");
}

#[test]
fn an_export_that_cannot_begin_says_why_and_what_to_do() {
    let mut stage = Stage::with_vault(120, 24);
    stage.keys("3 e enter");
    let error =
        Some("cannot export to /v: it is in the vault /v; export to a folder outside of every vault".to_owned());
    let outcome = Exported { left: 1, error, ..Exported::default() };
    stage.reply(Reply::Exported { folder: PathBuf::from("/v"), outcome });
    assert!(stage.screen().contains("outside of every vault"), "{}", stage.screen());
    assert!(!stage.screen().contains("exported 0"), "{}", stage.screen());
}

#[test]
fn opening_and_downloading_ask_before_a_photo_leaves_the_vault() {
    let mut stage = Stage::with_vault(80, 24);
    open_search(&mut stage);
    stage.keys("o");
    assert!(stage.asked().is_empty());
    stage.keys("y");
    assert_eq!(stage.asked(), ["open outside"]);
    stage.reply(Reply::OpenedOutside(Ok(())));
    stage.keys("d y");
    assert_eq!(stage.asked(), ["download 1"]);
}

#[test]
fn names_are_copied() {
    let mut stage = Stage::with_vault(80, 24);
    open_search(&mut stage);
    stage.keys("space space y");
    assert_eq!(stage.asked(), ["copy \"IMG_2.jpg\\nboat.jpg\""]);
}

#[test]
fn results_and_vault_are_filtered_by_name_and_selected_by_range() {
    let mut stage = Stage::with_vault(80, 24);
    open_search(&mut stage);
    stage.keys("[ [ [ [ [ [ [ / 'o enter");
    let shown = |stage: &Stage| -> Vec<String> {
        stage.application.state.results.list.visible().map(|found| found.photo.name.clone()).collect()
    };
    assert_eq!(shown(&stage), ["boat.jpg", "dog.jpg", "fog.jpg"]);
    assert!(stage.screen().contains("filter “o”"), "{}", stage.screen());
    stage.keys("j v j v");
    assert_eq!(stage.application.state.results.list.selected().len(), 1, "a grid of two columns: from dog to dog");
    stage.keys("g g v G v y");
    assert_eq!(stage.asked(), ["copy \"boat.jpg\\ndog.jpg\\nfog.jpg\""]);
    stage.keys("/ 'zzz enter");
    assert!(stage.screen().contains("no name matches the filter"), "{}", stage.screen());
    stage.keys("esc");
    assert_eq!(shown(&stage).len(), 8);

    stage.keys("3 / 'og");
    assert!(stage.asked().is_empty(), "letters go into the filter");
    stage.keys("enter v G v D y");
    assert_eq!(stage.asked(), ["remove 3"]);
}

#[test]
fn only_files_on_the_screen_with_the_size_of_a_stored_photo_are_compared() {
    let mut stage = Stage::with_vault(80, 24);
    assert!(stage.application.to_recognise().is_empty(), "all requests are answered");
    stage.reply(Reply::Collection(Ok(Contents { photos: photos(), ..Contents::default() })));
    assert_eq!(stage.application.to_recognise(), [PathBuf::from("/photos/2024/IMG_2.jpg")]);
    assert!(stage.screen().contains("✓"), "the mark stays meanwhile: {}", stage.screen());
    stage.reply(Reply::Recognised { path: PathBuf::from("/photos/2024/IMG_2.jpg"), is_stored: false });
    assert!(!stage.screen().contains("✓"), "{}", stage.screen());
    stage.keys("3");
    assert!(stage.application.to_recognise().is_empty());
}

#[test]
fn a_resumed_run_says_where_it_resumed() {
    let mut stage = Stage::with_vault(120, 40);
    stage.keys("I enter 4");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 1200, skipped: SkippedCounts::default() }));
    for _ in 0..256 {
        stage.application.receive(Reply::Indexing(already_present()));
    }
    assert!(!stage.screen().contains("resumed"), "no new photo yet");
    stage.reply(Reply::Indexing(entered(Step::Features, "/photos/257.jpg")));
    assert!(stage.screen().contains("the first 256 were in the vault"), "{}", stage.screen());
}

#[test]
fn stopping_and_pausing_show_at_once_without_waiting_for_the_run() {
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("I enter");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 1200, skipped: SkippedCounts::default() }));
    stage.keys("p");
    assert!(stage.screen().contains("paused"), "{}", stage.screen());
    stage.keys("x");
    assert!(stage.screen().contains("stopping"), "{}", stage.screen());
}

#[test]
fn a_terminal_that_cannot_store_files_gets_a_command_on_the_clipboard() {
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("3 d y");
    stage.asked();
    let command = "cipherlens export --to FOLDER 00000000".to_owned();
    stage.reply(Reply::Downloaded(Ok(Download::ByHand { command })));
    assert_eq!(stage.asked(), ["copy \"cipherlens export --to FOLDER 00000000\""]);
    let delivery = Delivery::new(Route::Kitty, "7c".to_owned(), Vec::new());
    stage.reply(Reply::Downloaded(Ok(Download::Through(delivery))));
    assert_eq!(stage.asked(), ["deliver"]);
}

#[test]
fn the_palette_does_what_is_chosen() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys(": 'check");
    stage.keys("esc 3 : 'checkevery enter");
    assert_eq!(stage.asked(), ["known vaults", "known vaults", "check"]);
}

#[test]
fn esc_ends_the_innermost_thing_first() {
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("space / 'cat enter");
    assert_eq!(stage.application.state.browser.list.visible().len(), 1);
    stage.keys("esc");
    assert_eq!(stage.application.state.browser.list.visible().len(), 8);
    assert_eq!(stage.application.state.browser.list.selected().len(), 1);
    stage.keys("esc");
    assert!(stage.application.state.browser.list.selected().is_empty());
}

#[test]
fn on_a_narrow_screen_tab_changes_between_list_and_picture() {
    let mut stage = Stage::with_vault(40, 12);
    stage.keys("tab");
    assert_eq!((stage.application.state.tab, stage.application.state.pane), (Tab::Files, Pane::Preview));
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("tab");
    assert_eq!(stage.application.state.tab, Tab::Results);
}

#[test]
fn clicks_and_the_wheel_do_what_keys_do() {
    let mouse = |kind, column, row| MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    // The list begins below the tabs and the border.
    stage.application.mouse(mouse(click, 10, 4));
    assert_eq!(stage.application.state.browser.list.cursor.at, 2);
    stage.application.mouse(mouse(MouseEventKind::ScrollDown, 10, 4));
    assert_eq!(stage.application.state.browser.list.cursor.at, 5);
    let release = MouseEventKind::Up(MouseButton::Left);
    for kind in [click, release, click, release] {
        let effects = stage.application.mouse(mouse(kind, 10, 2));
        stage.effects.extend(effects);
    }
    assert_eq!(stage.asked(), ["list /photos/2024/beach"]);
    stage.application.mouse(mouse(click, 15, 0));
    assert_eq!(stage.application.state.tab, Tab::Results);
}

#[test]
fn a_drag_selects_from_where_it_began_and_the_right_button_selects_one() {
    let mouse = |kind, column, row| MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let mut stage = Stage::with_vault(80, 24);
    let selected = |stage: &Stage| stage.application.state.browser.list.selected().len();
    stage.application.mouse(mouse(MouseEventKind::Down(MouseButton::Left), 10, 4));
    stage.application.mouse(mouse(MouseEventKind::Drag(MouseButton::Left), 10, 5));
    stage.application.mouse(mouse(MouseEventKind::Drag(MouseButton::Left), 10, 7));
    assert_eq!(selected(&stage), 0, "while the button is down the range is only marked");
    let effects = stage.application.mouse(mouse(MouseEventKind::Up(MouseButton::Left), 10, 7));
    assert!(effects.is_empty(), "the end of a drag opens nothing");
    assert_eq!(selected(&stage), 4);
    stage.application.mouse(mouse(MouseEventKind::Down(MouseButton::Right), 10, 5));
    assert_eq!(selected(&stage), 3);
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does_and_one_on_the_scrollbar_moves_there() {
    let mouse = |column, row| MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    let mut stage = Stage::with_vault(40, 8);
    let screen = stage.screen();
    let hints = screen.lines().last().unwrap();
    let column = hints.find("help").unwrap() as u16 - 1;
    stage.application.mouse(mouse(39, 4));
    assert_eq!(stage.application.state.browser.list.cursor.at, 7, "{screen}");
    stage.application.mouse(mouse(column, 7));
    assert!(stage.screen().contains("type to find a key"), "{}", stage.screen());
}

#[test]
fn a_user_s_keymap_shows_in_help_and_hints() {
    let mut stage = Stage::with_vault(120, 40);
    stage.application.keymap.merge("[everywhere]\n\"s\" = \"none\"\n\"ctrl-s\" = \"similar\"\n");
    stage.keys("j j");
    let screen = stage.screen();
    assert!(screen.contains("ctrl-s similar"), "{screen}");
    stage.keys("? 'like");
    assert!(stage.screen().contains("ctrl-s"));
}

#[test]
fn pasted_text_goes_into_fields_and_its_line_breaks_do_nothing() {
    let mut stage = Stage::new(80, 24);
    stage.application.state.lock_screen = Some(LockScreen::FirstRun(FirstRun::new(PathBuf::from("/x"))));
    stage.keys("ctrl-u");
    stage.application.paste("/nowhere/v\nq");
    assert!(stage.asked().is_empty());
    assert!(stage.screen().contains("/nowhere/vq"));
    let mut stage = Stage::new(80, 24);
    stage.application.paste("q");
    assert!(stage.asked().is_empty(), "pasted letters are not commands");
}

#[test]
fn a_user_s_keymap_changes_the_keys_of_windows_and_fields_and_shows_there() {
    let mut stage = Stage::with_vault(120, 110);
    let keymap = "[confirm]\n\"y\" = \"none\"\n\"Y\" = \"none\"\n\"ctrl-y\" = \"yes\"\n\
                  [palette]\n\"ctrl-j\" = \"submit\"\n\
                  [input]\n\"ctrl-k\" = \"clear-line\"\n[unlock]\n\"ctrl-n\" = \"skip\"\n\"esc\" = \"none\"\n";
    assert_eq!(stage.application.keymap.merge(keymap), []);
    stage.effects.clear();
    stage.keys("3 D");
    assert!(stage.screen().contains("ctrl-y remove"), "{}", stage.screen());
    stage.keys("y");
    assert!(stage.asked().is_empty());
    stage.keys("ctrl-y");
    assert_eq!(stage.asked(), ["remove 1"]);
    stage.keys("esc : 'zzz ctrl-k 'files ctrl-j");
    assert_eq!(stage.application.state.tab, Tab::Files, "the palette's text was cleared and its choice accepted");
    stage.application.state.lock_screen = Some(LockScreen::FirstRun(FirstRun::new(PathBuf::from("/x"))));
    assert!(stage.screen().contains("ctrl-n skip"), "{}", stage.screen());
    stage.keys("esc");
    assert!(stage.application.state.lock_screen.is_some());
    stage.keys("ctrl-n ?");
    assert!(stage.application.state.lock_screen.is_none());
    assert!(stage.screen().contains("ctrl-y"), "{}", stage.screen());
}

#[test]
fn the_wheel_scrolls_windows_and_answers_no_question() {
    let scroll = MouseEvent { kind: MouseEventKind::ScrollDown, column: 9, row: 9, modifiers: KeyModifiers::NONE };
    let mut stage = Stage::with_vault(80, 24);
    stage.keys("?");
    let before = stage.screen();
    stage.application.mouse(scroll);
    assert_ne!(stage.screen(), before);
    stage.keys("esc 3 D");
    let before = stage.screen();
    stage.application.mouse(scroll);
    assert_eq!(stage.screen(), before);
}
