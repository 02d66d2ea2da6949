//! Searches that follow each other, commands of the palette, going to a date, and opening another vault.

use std::path::PathBuf;

use cipherlens::services::library::{Place, StoredPhoto};
use cipherlens::services::open_vault::CopyAge;
use cipherlens::services::session::Presence;
use cipherlens::tui::request::{Contents, Reply};
use cipherlens::tui::state::Tab;
use cipherlens::tui::state::lock_screen::{LockScreen, Unlock};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::vault::Session;

use crate::tui::stage::{Stage, found, photos};
use crate::tui::states::searched;

fn searched_twice() -> Stage {
    let mut stage = searched(110, 32, Ok(found()));
    stage.keys("l s");
    let query = Query::Stored(photos()[1].clone());
    stage.reply(Reply::Searched { query, result: Ok(Box::new(found())) });
    stage.asked();
    stage
}

/// The vault of the stage with photos in two folders.
fn in_folders() -> Stage {
    let mut stage = Stage::with_vault(110, 32);
    let photo = |(number, mut photo): (usize, StoredPhoto)| {
        let folder = if number < 4 { "sea" } else { "attic" };
        let path = format!("{folder}/{}", photo.name).into_bytes();
        photo.places = vec![Place { source: Some(b"/home/me/Pictures".to_vec()), path, modified: None }];
        photo
    };
    let photos = photos().into_iter().enumerate().map(photo).collect();
    stage.reply(Reply::Collection(Ok(Contents { photos, ..Contents::default() })));
    stage.keys("3");
    stage
}

fn current(stage: &Stage) -> String {
    stage.application.state.collection.list.current().unwrap().name.clone()
}

#[test]
fn one_goes_back_to_earlier_searches_with_their_results_and_cursor() {
    let mut stage = searched_twice();
    assert!(stage.screen().contains("like boat.jpg"), "{}", stage.screen());
    stage.keys("(");
    assert!(stage.screen().contains("like IMG_2.jpg"), "{}", stage.screen());
    assert_eq!(stage.application.state.results.list.cursor.at, 1, "where it was");
    stage.keys(")");
    assert!(stage.screen().contains("like boat.jpg"), "{}", stage.screen());
    assert_eq!(stage.asked(), [""; 0], "nothing is searched again");
}

#[test]
fn repeating_a_search_adds_nothing_to_the_history() {
    let mut stage = searched_twice();
    stage.keys("(");
    stage.keys("r");
    assert_eq!(stage.asked(), ["search /photos/2024/IMG_2.jpg"]);
    assert!(stage.application.state.history.has_next(), "the way forward stays");
    assert!(!stage.application.state.history.has_previous());
}

#[test]
fn removed_photos_do_not_come_back_with_an_earlier_search() {
    let mut stage = searched_twice();
    stage.keys("3");
    stage.reply(Reply::Removed(Ok(1)));
    assert_eq!(stage.asked(), ["collection", "search boat.jpg"], "what is shown on the other tab is searched again");
    assert!(!stage.application.state.history.has_previous());
}

#[test]
fn all_matches_are_exported_by_one_key() {
    let mut stage = searched(110, 32, Ok(found()));
    stage.keys("E");
    assert!(stage.screen().contains("export 3 photos to"), "{}", stage.screen());
    stage.keys("enter");
    assert_eq!(stage.asked().last().unwrap(), "export 3 to /exported");
}

#[test]
fn a_date_is_found_in_the_timeline_and_in_folders_and_a_missing_one_is_refused_there() {
    let mut stage = in_folders();
    stage.keys("g d '2024-05-25 enter");
    assert_eq!(current(&stage), "dog.jpg");
    stage.keys("g d '2023 enter");
    assert_eq!(current(&stage), "hill.jpg", "the nearest one in a timeline");
    stage.keys("t g d '2024-5-28 enter");
    assert_eq!(current(&stage), "IMG_2.jpg", "though the other folder comes first");
    stage.keys("g d '2023 enter");
    assert_eq!(current(&stage), "IMG_2.jpg");
    assert!(stage.screen().contains("there is nothing like “2023” in this list"), "{}", stage.screen());
    stage.keys("g d 'attic enter");
    assert_eq!(current(&stage), "elephant.jpg", "the first photo of a folder");
}

#[test]
fn the_headings_are_months_or_folders_with_counts() {
    let mut stage = in_folders();
    assert!(stage.screen().contains(" May 2024 · 8 photos"), "{}", stage.screen());
    let screen = stage.keys("t").screen();
    assert!(screen.contains(" Pictures/attic · 4 photos") && screen.contains(" Pictures/sea · 4 photos"), "{screen}");
    assert!(!stage.keys("t").screen().contains("Pictures/attic ·"), "a list is by month again");
}

#[test]
fn the_information_pane_follows_the_cursor_however_it_moves() {
    let mut stage = in_folders();
    stage.keys("K");
    assert_eq!(stage.asked(), ["exif"], "a key was pressed for it");
    stage.keys("l");
    assert_eq!(stage.asked(), ["recorded exif"], "no original is fetched for a photo that is only passed");
    stage.keys("g d '2023 enter");
    assert_eq!(stage.asked(), ["known vaults", "recorded exif"]);
    stage.keys("/ 'fog");
    assert_eq!(stage.asked(), ["recorded exif"]);
    stage.keys("K enter");
    assert_eq!(stage.asked(), [""; 0]);
}

#[test]
fn commands_take_paths_below_the_folder_that_is_shown() {
    let mut stage = Stage::with_vault(110, 32);
    stage.asked();
    stage.keys(": 'search space 'cat.jpg enter");
    assert_eq!(stage.asked(), ["known vaults", "search /photos/2024/cat.jpg"]);
    stage.keys("1 : 'folder space 'beach enter");
    assert_eq!(stage.asked(), ["known vaults", "list /photos/2024/beach"]);
    stage.keys(": 'open space './v.vault enter");
    assert_eq!(stage.asked(), ["known vaults", "look at /photos/2024/beach/./v.vault"]);
    stage.keys(": 'sort space 'upwards enter");
    assert!(stage.screen().contains("actions"), "there is nothing to run: {}", stage.screen());
}

#[test]
fn an_empty_palette_offers_what_was_run_before_and_a_lock_forgets_it() {
    let mut stage = in_folders();
    stage.keys(": 'sort space 'oldest enter");
    assert_eq!(current(&stage), "IMG_2.jpg", "the cursor stays on its photo");
    stage.keys(": enter");
    assert!(stage.screen().contains("sorted oldest first"), "{}", stage.screen());
    stage.keys("L");
    assert!(stage.application.state.palette_history.is_empty());
}

#[test]
fn a_mistyped_vault_leaves_the_open_one_open() {
    let mut stage = searched(110, 32, Ok(found()));
    stage.asked();
    stage.keys(": 'open space '/typo enter");
    assert_eq!(stage.asked(), ["known vaults", "look at /typo"]);
    stage.reply(Reply::Looked { vault: PathBuf::from("/typo"), found: Ok(Presence::Nothing) });
    assert!(stage.screen().contains("/typo was not opened: there is no vault"), "{}", stage.screen());
    assert!(stage.application.state.session.open().is_some() && !stage.application.state.results.listed().is_empty());

    stage.keys(": 'open space '/other enter");
    stage.asked();
    stage.reply(Reply::Looked { vault: PathBuf::from("/other"), found: Ok(Presence::Vault) });
    assert_eq!(stage.asked(), ["close", "forget pictures", "look at /other"]);
    assert!(stage.application.state.results.listed().is_empty(), "nothing of the other vault stays");
}

#[test]
fn behind_the_lock_screen_only_another_vault_can_be_opened() {
    let mut stage = Stage::new(110, 32);
    let vault = PathBuf::from("/vaults/holiday.vault");
    stage.application.state.lock_screen = Some(LockScreen::Unlock(Unlock::new(vault)));
    stage.reply(Reply::KnownVaults(vec!["/secret/place.vault".to_owned()]));
    stage.keys("ctrl-o");
    assert!(!stage.screen().contains("/secret/place.vault"), "not before something is typed: {}", stage.screen());
    stage.keys("ctrl-u 'go space 'IMG_2 enter");
    assert_eq!(stage.application.state.browser.list.cursor.at, 0);
    stage.keys("ctrl-u 'open space 'place enter");
    assert!(stage.asked().contains(&"look at /secret/place.vault".to_owned()));
}

#[test]
fn a_vault_with_photos_is_shown_first_unless_the_user_did_something_before() {
    let opened = |keys: &str| {
        let mut stage = Stage::new(110, 32);
        let vault = PathBuf::from("/vaults/holiday.vault");
        stage.application.state.first_tab = Some(Tab::Vault);
        stage.application.state.session = Session::Opening { vault: vault.clone() };
        stage.reply(Reply::Opened { vault, result: Ok(CopyAge::Newest) });
        if !keys.is_empty() {
            stage.keys(keys);
        }
        stage.reply(Reply::Collection(Ok(Contents { photos: photos(), ..Contents::default() })));
        stage.application.state.tab
    };
    assert_eq!([opened(""), opened("j")], [Tab::Vault, Tab::Files]);
}
