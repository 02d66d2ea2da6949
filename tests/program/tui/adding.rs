//! Adding photos: what a folder holds, the plan of a run, and runs that wait. Keys and replies in, requests and screens
//! out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cipherlens::services::progress::Stage as Step;
use cipherlens::services::skipped::SkippedCounts;
use cipherlens::services::survey::{Extent, Survey, Thoroughness};
use cipherlens::tui::request::{Contents, Ending, IndexingUpdate, Reply};
use cipherlens::tui::state::messages::Severity;
use cipherlens::tui::state::surveys::SurveyRequest;

use crate::tui::stage::{Stage, committed, entered, photos};

/// A survey that has come to its end.
pub(crate) fn whole(photos: usize, stored: usize) -> Survey {
    Survey {
        photos,
        bytes: 3_000_000 * photos as u64,
        stored,
        stored_bytes: 3_000_000 * stored as u64,
        found: Extent::Whole,
        compared: Extent::Whole,
        is_over: true,
        ..Survey::default()
    }
}

/// Answers the survey that the application asks for.
pub(crate) fn surveyed(stage: &mut Stage, survey: Survey) {
    let request = stage.application.to_survey().expect("no survey is wanted");
    stage.reply(Reply::Surveyed { request, survey });
}

/// A run over a folder is under way, of which nothing is asked any more.
pub(crate) fn running(columns: u16, rows: u16) -> Stage {
    let mut stage = Stage::with_vault(columns, rows);
    stage.keys("I enter");
    stage.reply(Reply::Indexing(IndexingUpdate::Found { total: 9, skipped: SkippedCounts::default() }));
    stage.effects.clear();
    stage
}

#[track_caller]
fn shows(stage: &mut Stage, text: &str) {
    let screen = stage.screen();
    assert!(screen.contains(text), "{text:?} is not in:\n{screen}");
}

#[test]
fn the_folder_under_the_cursor_is_surveyed_once_and_again_when_the_vault_changes() {
    let mut stage = Stage::with_vault(110, 30);
    let wanted = stage.application.to_survey().unwrap();
    assert_eq!(wanted.paths, [PathBuf::from("/photos/2024/beach")]);
    assert_eq!(wanted.thoroughness, Thoroughness::Glance, "nobody asked for it");
    shows(&mut stage, "looking into the folder");
    stage.reply(Reply::Surveyed { request: wanted.clone(), survey: Survey { photos: 40, ..Survey::default() } });
    shows(&mut stage, "40 photos, 0 B so far");
    assert_eq!(stage.application.to_survey(), Some(wanted.clone()), "the same, so it goes on");
    surveyed(&mut stage, Survey { folders: 3, ..whole(169, 12) });
    shows(&mut stage, "169 photos, 3 folders, 507 MB");
    shows(&mut stage, "◐ 12 of 169 in the vault");
    assert_eq!(stage.application.to_survey(), None);
    stage.keys("j");
    assert_eq!(stage.application.to_survey().unwrap().paths, [PathBuf::from("/photos/2024/mountains")]);
    surveyed(&mut stage, whole(5, 5));
    shows(&mut stage, "✓ all in the vault");
    let screen = stage.screen();
    let marks: Vec<bool> = [("beach/", '◐'), ("mountains/", '✓')]
        .map(|(name, sign)| screen.lines().any(|line| line.contains(name) && line.contains(sign)))
        .into();
    assert_eq!(marks, [true, true], "{screen}");
    stage.keys("j");
    assert_eq!(stage.application.to_survey(), None, "a photo");
    stage.keys("k");
    stage.application.state.browser.surveys.outdate();
    assert!(stage.application.to_survey().is_some());
    shows(&mut stage, "✓ all in the vault");
    stage.keys("3");
    assert_eq!(stage.application.to_survey(), None);
}

#[test]
fn a_glance_that_ended_at_its_limit_claims_no_more_than_it_knows() {
    let mut stage = Stage::with_vault(110, 30);
    surveyed(&mut stage, Survey { found: Extent::Partial, ..whole(2000, 7) });
    shows(&mut stage, "more than 2000 photos");
    shows(&mut stage, "◐ at least 7 of 2000 in the vault");
    stage.keys("j");
    surveyed(&mut stage, Survey { compared: Extent::Partial, ..whole(300, 0) });
    shows(&mut stage, "not compared with the vault to the end");
}

#[test]
fn a_run_has_the_folder_surveyed_again_every_half_minute_and_at_its_end() {
    let mut stage = running(110, 30);
    let changed = |stage: &mut Stage| {
        stage.reply(Reply::Collection(Ok(Contents { photos: photos(), ..Contents::default() })));
    };
    changed(&mut stage);
    stage.application.advance(Duration::from_secs(30));
    surveyed(&mut stage, whole(169, 0));
    assert_eq!(stage.application.to_survey(), None);
    for _ in 0..29 {
        changed(&mut stage);
        stage.application.advance(Duration::from_secs(1));
        assert_eq!(stage.application.to_survey(), None);
    }
    stage.application.advance(Duration::from_secs(1));
    surveyed(&mut stage, whole(169, 100));
    changed(&mut stage);
    assert_eq!(stage.application.to_survey(), None);
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    changed(&mut stage);
    surveyed(&mut stage, whole(169, 169));
    changed(&mut stage);
    assert!(stage.application.to_survey().is_some(), "no run is under way");
}

#[test]
fn a_plan_that_was_not_compared_or_may_have_equal_photos_promises_no_number() {
    let mut stage = running(80, 24);
    let uncompared = |stored| Survey { compared: Extent::Partial, ..whole(9, stored) };
    for (survey, text) in [
        (whole(9, 0), "all of them are new"),
        (Survey { possibly_equal: 1, ..whole(9, 0) }, "up to 9 new, 27.0 MB"),
        (Survey { possibly_equal: 1, ..whole(9, 4) }, "up to 5 new, 15.0 MB · 4 already in the vault"),
        (uncompared(0), "up to 9 new, 27.0 MB · not all compared with the vault"),
        (uncompared(4), "up to 5 new, 15.0 MB · 4 in the vault, not all compared"),
    ] {
        stage.keys("i");
        surveyed(&mut stage, survey);
        shows(&mut stage, text);
        stage.keys("esc");
    }
    stage.keys("i");
    surveyed(&mut stage, Survey { possibly_equal: 1, ..whole(9, 4) });
    stage.keys("enter 4");
    shows(&mut stage, "/photos/2024/beach · up to 5 new");
}

#[test]
fn locking_forgets_what_the_vault_holds_of_folders() {
    let mut stage = Stage::with_vault(110, 30);
    let request = stage.application.to_survey().unwrap();
    surveyed(&mut stage, whole(5, 5));
    stage.keys("L esc");
    assert!(!stage.screen().contains("in the vault"), "{}", stage.screen());
    stage.reply(Reply::Surveyed { request, survey: whole(5, 5) });
    // A late answer.
    shows(&mut stage, "looking into the folder");
    surveyed(&mut stage, whole(5, 0));
    shows(&mut stage, "5 photos, 15.0 MB");
}

#[test]
fn a_plan_says_what_would_be_added_before_anything_is() {
    let mut stage = Stage::with_vault(110, 30);
    stage.effects.clear();
    stage.keys("i");
    assert!(stage.asked().is_empty());
    let wanted = stage.application.to_survey().unwrap();
    assert_eq!((wanted.paths, wanted.thoroughness), (vec!["/photos/2024/beach".into()], Thoroughness::Whole));
    surveyed(&mut stage, Survey { photos: 41, bytes: 5_000_000, ..Survey::default() });
    shows(&mut stage, "41 photos, 5.0 MB so far");
    surveyed(&mut stage, Survey { found: Extent::Whole, stored: 3, photos: 169, ..Survey::default() });
    shows(&mut stage, "3 already in the vault so far");
    let skipped = SkippedCounts { unsupported: vec![("HEIC", 3), ("MOV", 1)], other: 2, hidden: 1 };
    surveyed(&mut stage, Survey { skipped, unreadable: 2, ..whole(169, 12) });
    for text in [
        "add to the vault",
        "/photos/2024/beach",
        "169 photos, 507 MB",
        "157 new, 471 MB · 12 already in the vault",
        "passes over 4 files: 3 HEIC, 1 MOV",
        "passes over 2 other files and 1 hidden file or folder",
        "2 paths cannot be used",
        "enter add",
        "esc cancel",
    ] {
        shows(&mut stage, text);
    }
    assert_eq!(stage.application.to_survey(), None);
    stage.keys("esc");
    assert!(stage.asked().is_empty());
    shows(&mut stage, "◐ 12 of 169 in the vault");
    stage.keys("i enter");
    assert_eq!(stage.asked(), ["index [\"/photos/2024/beach\"]"], "at any time, also before the end");
}

#[test]
fn a_plan_with_nothing_new_says_so_and_enter_closes_it() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    for (found, text) in [(whole(9, 9), "nothing new: the vault holds all"), (whole(0, 0), "nothing to add: no photo")]
    {
        stage.keys("I");
        surveyed(&mut stage, found);
        shows(&mut stage, text);
        shows(&mut stage, "enter close");
        stage.keys("enter");
        assert!(stage.application.state.overlay.is_none() && stage.asked().is_empty());
    }
}

#[test]
fn a_single_photo_is_added_at_once_and_several_are_planned() {
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("j j j i");
    assert_eq!(stage.asked(), ["index [\"/photos/2024/IMG_2.jpg\"]"]);
    let mut stage = Stage::with_vault(80, 24);
    stage.effects.clear();
    stage.keys("j j j space space i");
    assert!(stage.asked().is_empty());
    shows(&mut stage, "IMG_10.jpg and 1 more");
    assert!(stage.application.state.browser.list.selected().len() == 2, "selected until they are added");
    stage.keys("enter");
    assert!(stage.application.state.browser.list.selected().is_empty());
}

#[test]
fn the_pace_of_an_earlier_run_tells_how_long_the_next_one_takes() {
    let mut stage = running(100, 30);
    for number in 0..9 {
        stage.reply(Reply::Indexing(entered(Step::Sealing, format!("/photos/{number}.jpg"))));
    }
    stage.application.advance(Duration::from_secs(3));
    stage.reply(Reply::Indexing(committed(9)));
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    stage.keys("i");
    surveyed(&mut stage, whole(180, 0));
    shows(&mut stage, "all of them are new");
    shows(&mut stage, "about 1 min 00 s at 3.0 photos/s, as before");
}

#[test]
fn runs_wait_for_the_one_under_way_and_begin_one_after_the_other() {
    let mut stage = running(110, 40);
    stage.keys("i");
    surveyed(&mut stage, whole(20, 4));
    shows(&mut stage, "begins when the run under way has ended");
    stage.keys("enter");
    assert_eq!(stage.asked(), ["queue [\"/photos/2024/beach\"]"]);
    stage.keys("j i");
    shows(&mut stage, "begins after the run under way and 1 of the queue");
    stage.keys("enter");
    assert_eq!(stage.asked(), ["queue [\"/photos/2024/mountains\"]"]);
    stage.keys("i enter");
    assert!(stage.asked().is_empty(), "it waits already");
    shows(&mut stage, "waiting already");
    stage.keys("4");
    for text in ["next      /photos/2024/beach · 16 new", "then      /photos/2024/mountains"] {
        shows(&mut stage, text);
    }
    stage.keys("3");
    shows(&mut stage, "2 waiting");
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    assert_eq!(stage.asked(), ["collection", "index [\"/photos/2024/beach\"]"]);
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Stopped)));
    assert_eq!(stage.asked(), ["collection", "index [\"/photos/2024/mountains\"]"]);
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    assert_eq!(stage.asked(), ["collection"]);
}

#[test]
fn stopping_takes_what_waits_off_the_queue_and_says_so() {
    let mut stage = running(110, 40);
    stage.keys("i enter j i enter");
    stage.asked();
    stage.keys("x");
    assert_eq!(stage.asked(), ["stop", "drop [\"/photos/2024/beach\", \"/photos/2024/mountains\"]"]);
    shows(&mut stage, "stopping; 2 waiting runs taken off the queue");
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Stopped)));
    assert_eq!(stage.asked(), ["collection"]);
}

#[test]
fn a_failed_run_starts_no_other_one() {
    let mut stage = running(110, 40);
    stage.keys("i enter");
    stage.asked();
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Failed("the disk is full".to_owned()))));
    assert_eq!(stage.asked(), ["collection"]);
    shows(&mut stage, "1 waiting run not started; the next start offers them");
}

#[test]
fn quitting_names_what_waits_and_locking_drops_it_from_memory() {
    let mut stage = running(110, 40);
    stage.keys("i enter q");
    shows(&mut stage, "9 to go; 1 waiting run to begin; the next start offers");
    stage.keys("n L");
    assert!(stage.application.state.queue.is_empty());
    stage.asked();
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    assert!(stage.asked().is_empty(), "a locked vault gets no new run");
}

#[test]
fn failures_are_scrolled_through() {
    let mut stage = running(100, 24);
    for number in 0..40 {
        let path = PathBuf::from(format!("/photos/broken_{number}.jpg"));
        let outcome = cipherlens::services::progress::Outcome::Failed { reason: "the file is damaged".to_owned() };
        let event = cipherlens::services::progress::Event::Finished { path, outcome };
        stage.reply(Reply::Indexing(IndexingUpdate::Event(event)));
    }
    stage.keys("4");
    shows(&mut stage, "✗ 40 photos could not be used   1 of 40");
    shows(&mut stage, "broken_39.jpg  the file is damaged");
    stage.keys("G");
    shows(&mut stage, "40 of 40");
    shows(&mut stage, "broken_0.jpg");
    stage.keys("down");
    assert!(stage.application.state.messages.unread().is_none_or(|news| news.severity != Severity::Refusal));
    stage.keys("up");
    shows(&mut stage, "39 of 40");
}

#[test]
fn what_is_added_is_told_apart_from_what_is_saved() {
    let mut stage = running(100, 30);
    stage.keys("4");
    for number in 0..8 {
        stage.reply(Reply::Indexing(entered(Step::Sealing, format!("/photos/{number}.jpg"))));
    }
    shows(&mut stage, "8 added, to be saved in a few seconds");
    stage.reply(Reply::Indexing(committed(5)));
    shows(&mut stage, "8 added, 5 of them saved");
    stage.reply(Reply::Indexing(committed(8)));
    stage.reply(Reply::Indexing(IndexingUpdate::Ended(Ending::Done)));
    shows(&mut stage, "8 added, all of them saved");
    shows(&mut stage, "press 3 to see the photos in the vault");
}

#[test]
fn a_survey_of_other_paths_changes_no_plan() {
    let mut stage = Stage::with_vault(100, 30);
    stage.keys("I");
    let request = SurveyRequest { paths: vec![Path::new("/else").into()], ..stage.application.to_survey().unwrap() };
    stage.reply(Reply::Surveyed { request, survey: whole(77, 0) });
    assert!(!stage.screen().contains("77"), "{}", stage.screen());
}
