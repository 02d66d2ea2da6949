//! The photo view: keys in, screens and requests out; and the real program, zooming, panning, turning and locking.

use std::path::PathBuf;
use std::time::Duration;

use cipherlens::preview::Graphics;
use cipherlens::services::library::Place;
use cipherlens::tui::action::Action;
use cipherlens::tui::preview::{PictureRequest, PictureResponse, Rotation, Subject};
use cipherlens::tui::request::{Contents, Reply};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::vault::Session;
use cipherlens::tui::update::refusal;
use crossterm::event::{KeyModifiers, MouseEvent, MouseEventKind};

use crate::support::pseudo_terminal::Kind;
use crate::tui::stage::{Stage, draw_pictures, found, photos};
use crate::tui::states::searched;
use crate::tui::user::User;

/// Pictures are drawn in half blocks: at 100 %, 120 columns show 120 pixels of a photo.
fn drawing(mut stage: Stage) -> Stage {
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    stage.effects.clear();
    stage
}

/// The vault tab with the photo view open on its first photo, which was drawn.
fn in_vault() -> Stage {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("3 z");
    draw_pictures(&mut stage);
    stage
}

fn in_results() -> Stage {
    let mut stage = drawing(searched(120, 30, Ok(found())));
    stage.keys("z");
    draw_pictures(&mut stage);
    stage
}

fn remote() -> Stage {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.application.state.session = Session::Open { vault: PathBuf::from("ssh://nas/holiday.vault") };
    stage.keys("3 z");
    draw_pictures(&mut stage);
    stage
}

/// The line at the bottom.
fn line(stage: &mut Stage) -> String {
    stage.screen().lines().last().unwrap().to_owned()
}

fn cursor(stage: &Stage) -> usize {
    stage.application.state.list().unwrap().cursor().at
}

fn is_open(stage: &Stage) -> bool {
    stage.application.state.viewer.is_some()
}

/// The pictures that the screen lacks once the last key was pressed.
fn wanted(stage: &mut Stage) -> Vec<PictureRequest> {
    stage.screen();
    stage.application.pictures.requests().to_vec()
}

#[test]
fn a_photo_is_shown_with_its_name_place_date_and_keys() {
    let mut stage = in_vault();
    let line = line(&mut stage);
    for text in ["IMG_2.jpg", "1 of 8", "2024-05-28 10:20", "esc back", "n next"] {
        assert!(line.contains(text), "{text}: {line}");
    }
    assert!(!stage.screen().contains("Vault"), "it covers the tab");
}

#[test]
fn on_the_results_the_score_is_shown_and_one_goes_on_across_the_divider() {
    let mut stage = in_results();
    assert!(line(&mut stage).contains("0.97"));
    stage.keys("n n n");
    let line = line(&mut stage);
    assert!(line.contains("dog.jpg") && line.contains("4 of 8") && line.contains("0.79"), "{line}");
}

#[test]
fn each_of_the_keys_closes_it_and_the_cursor_is_on_the_photo_last_shown() {
    for key in ["esc", "q", "enter"] {
        let mut stage = in_vault();
        stage.keys("n n");
        stage.keys(key);
        assert!(!is_open(&stage) && stage.application.state.overlay.is_none(), "{key}");
        assert_eq!(cursor(&stage), 2, "{key}");
    }
}

#[test]
fn arrows_and_letters_go_on_and_back_one_photo_each() {
    let mut stage = in_vault();
    for (key, place) in [("l", 1), ("j", 2), ("right", 3), ("down", 4), ("n", 5), ("h", 4), ("k", 3), ("N", 2)] {
        stage.keys(key);
        assert_eq!(cursor(&stage), place, "{key}");
    }
    stage.keys("G");
    assert!(line(&mut stage).contains("8 of 8"));
    stage.keys("n");
    assert!(line(&mut stage).contains("this is the last photo"));
    stage.keys("g g");
    assert!(line(&mut stage).contains("1 of 8"));
}

#[test]
fn in_the_files_folders_are_passed_over() {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("j j z N");
    assert!(is_open(&stage) && cursor(&stage) == 2, "there are only folders before");
    stage.keys("g g");
    assert!(line(&mut stage).contains("1 of 6"));
    stage.keys("G");
    assert!(line(&mut stage).contains("6 of 6"));
}

#[test]
fn z_shows_the_pixels_and_arrows_then_move_within_the_photo() {
    let mut stage = in_vault();
    stage.keys("z");
    assert!(line(&mut stage).contains("100 %"), "{}", line(&mut stage));
    let part = wanted(&mut stage)[0].view.enlarged.unwrap();
    // The test picture has 240 x 240 pixels; 120 x 29 cells have room for 120 x 58 of them.
    assert_eq!((part.part.width, part.part.height, part.width, part.height), (120, 58, 1200, 580));
    assert!(line(&mut stage).contains("50 % across, 50 % down"));
    stage.keys("right down");
    assert_eq!(cursor(&stage), 0);
    let moved = wanted(&mut stage)[0].view.enlarged.unwrap();
    assert!(moved.part.x > part.part.x && moved.part.y > part.part.y);
    stage.keys("l l l l l j j j j j j j j");
    assert!(line(&mut stage).contains("100 % across, 100 % down"), "{}", line(&mut stage));
    stage.keys("n");
    assert_eq!((cursor(&stage), stage.application.state.viewer.as_ref().unwrap().percent()), (1, None));
    stage.keys("N z z");
    assert!(wanted(&mut stage).iter().all(|request| request.view.enlarged.is_none()));
}

#[test]
fn angles_zoom_in_and_out() {
    let mut stage = in_vault();
    let percent = |stage: &Stage| stage.application.state.viewer.as_ref().unwrap().percent().unwrap();
    let fitting = percent(&stage);
    stage.keys("> >");
    assert!(percent(&stage) > fitting * 1.3, "{}", percent(&stage));
    stage.keys("< <");
    assert_eq!(percent(&stage), fitting);
    stage.keys("<");
    assert!(line(&mut stage).contains("this is as far as it goes"));
}

#[test]
fn nothing_is_zoomed_before_it_is_drawn() {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("3 z z");
    assert!(line(&mut stage).contains("not drawn yet"), "{}", line(&mut stage));
}

#[test]
fn the_former_view_stays_until_the_next_is_there_but_never_another_photo() {
    let mut stage = in_vault();
    stage.keys("z");
    let screen = stage.screen();
    assert!(screen.contains('▀') && !screen.contains("loading"), "{screen}");
    draw_pictures(&mut stage);
    stage.application.pictures.use_terminal(Some(Graphics::halfblocks()));
    stage.keys("n");
    let screen = stage.screen();
    assert!(screen.contains("loading") && !screen.contains('▀'), "{screen}");
}

#[test]
fn a_dot_turns_the_view_only_until_another_photo_is_shown() {
    let mut stage = in_vault();
    stage.keys(". .");
    assert!(line(&mut stage).contains("turned 180°"));
    assert_eq!(wanted(&mut stage)[0].view.rotation, Rotation::Half);
    stage.keys("n");
    assert!(!line(&mut stage).contains("turned"));
    assert!(stage.asked().is_empty(), "the stored photo stays as it is");
}

#[test]
fn information_stays_while_moving_on() {
    let mut stage = in_vault();
    stage.keys("K");
    assert_eq!(stage.asked(), ["exif"]);
    let fields = vec![("camera".to_owned(), "X100".to_owned())];
    stage.reply(Reply::Exif { photo: photos()[0].id, fields: Ok(fields) });
    let screen = stage.screen();
    for text in ["information", "4000 × 3000", "X100", "2024-05-28"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    stage.keys("n");
    assert_eq!(stage.asked(), ["exif"]);
    assert!(!stage.screen().contains("X100"));
    stage.reply(Reply::Exif { photo: photos()[1].id, fields: Ok(Vec::new()) });
    assert!(stage.screen().contains("nothing recorded"));
    stage.keys("K n");
    assert!(stage.asked().is_empty() && !stage.screen().contains("information"));
}

#[test]
fn the_query_and_a_result_are_compared_side_by_side_and_the_right_one_moves() {
    let mut stage = in_results();
    stage.keys("=");
    draw_pictures(&mut stage);
    let screen = stage.screen();
    assert!(screen.contains("the query") && screen.contains("IMG_2.jpg") && screen.contains("0.97"), "{screen}");
    stage.keys("n");
    let screen = stage.screen();
    assert!(screen.contains("boat.jpg") && screen.contains("0.91") && screen.contains("the query"), "{screen}");
    draw_pictures(&mut stage);
    stage.keys("z .");
    let requests = wanted(&mut stage);
    let views: Vec<_> = requests.iter().map(|request| request.view).collect();
    assert_eq!(requests.len(), 2);
    assert!(views[0] == views[1] && views[0].rotation == Rotation::Quarter && views[0].enlarged.is_some());
    stage.keys("=");
    assert!(is_open(&stage) && !stage.screen().contains("the query"));
}

#[test]
fn in_the_vault_the_selected_photos_or_the_one_before_are_compared() {
    let compared = |keys: &str| {
        let mut stage = drawing(Stage::with_vault(120, 30));
        stage.keys("3");
        stage.keys(keys);
        let viewer = stage.application.state.viewer.as_ref()?;
        let name = |photo: &Query| match photo {
            Query::Stored(photo) => photo.name.clone(),
            Query::File(path) => path.display().to_string(),
        };
        Some((name(viewer.compared.as_ref()?), name(viewer.photo())))
    };
    let pair = |left: &str, right: &str| Some((left.to_owned(), right.to_owned()));
    assert_eq!(compared("l l ="), pair("boat.jpg", "cat asleep.png"));
    assert_eq!(compared("l space l l ="), pair("boat.jpg", "elephant.jpg"));
    assert_eq!(compared("l space l space g g ="), pair("boat.jpg", "dog.jpg"));
    assert_eq!(compared("="), None);
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("3 =");
    assert!(stage.screen().contains("there is no photo before this one"));
}

#[test]
fn a_slideshow_goes_on_every_four_seconds_and_stops_at_the_end_or_by_a_key() {
    let mut stage = in_vault();
    stage.keys("S");
    assert!(line(&mut stage).contains("▸") && stage.application.state.is_working());
    let wait = |stage: &mut Stage, milliseconds: u64| {
        draw_pictures(stage);
        assert!(stage.application.advance(Duration::from_millis(milliseconds)).is_empty());
    };
    wait(&mut stage, 3900);
    assert_eq!(cursor(&stage), 0);
    wait(&mut stage, 200);
    assert_eq!(cursor(&stage), 1);
    stage.keys("n");
    wait(&mut stage, 3900);
    assert_eq!(cursor(&stage), 2, "each photo is shown for four seconds");
    stage.keys("K");
    assert!(!stage.application.state.is_working());
    stage.keys("K G h S");
    for _ in 0..2 {
        wait(&mut stage, 4000);
    }
    assert_eq!(cursor(&stage), 7);
    assert!(!stage.application.state.is_working() && is_open(&stage));
}

#[test]
fn the_time_of_a_slideshow_runs_only_while_the_photo_is_seen_or_said_to_have_failed() {
    let mut stage = in_vault();
    stage.keys("S");
    let wait = |stage: &mut Stage| {
        stage.application.advance(Duration::from_secs(5));
        stage.screen();
        cursor(stage)
    };
    assert_eq!(wait(&mut stage), 1);
    assert_eq!((wait(&mut stage), wait(&mut stage)), (1, 1), "it takes long to decode");
    draw_pictures(&mut stage);
    assert_eq!((wait(&mut stage), wait(&mut stage)), (2, 2));
    for request in stage.application.pictures.requests().to_vec() {
        let result = Err("the file is damaged".to_owned());
        let _ = stage.application.pictures.receive(PictureResponse { request, result });
    }
    assert!(stage.screen().contains("the file is damaged"));
    assert_eq!(wait(&mut stage), 3);
    // Without pictures it goes on as well.
    stage.application.pictures.use_terminal(None);
    stage.screen();
    assert_eq!(wait(&mut stage), 4);
}

#[test]
fn information_is_shown_in_the_list_and_in_the_view_or_in_neither() {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("3 K");
    assert_eq!(stage.asked(), ["exif"]);
    stage.keys("z");
    assert!(is_open(&stage) && stage.screen().contains("╭ information"));
    assert_eq!(stage.asked(), ["exif"], "the view shows the fields of the photo itself");
    stage.keys("n K");
    assert_eq!(stage.asked(), ["exif"]);
    assert!(!stage.screen().contains("╭ information"));
    stage.keys("esc");
    assert!(!is_open(&stage) && !stage.screen().contains("╭ information"));
    stage.keys("K =");
    assert_eq!(stage.asked(), ["exif", "exif"]);
    assert!(is_open(&stage) && stage.screen().contains("╭ information"));
}

#[test]
fn the_score_has_two_decimals_in_the_line_and_three_in_the_information() {
    let mut stage = in_results();
    assert!(!stage.screen().contains("0.970"));
    stage.keys("K");
    assert!(stage.screen().contains("similarity    0.970"), "{}", stage.screen());
    assert!(line(&mut stage).contains("0.97 "), "{}", line(&mut stage));
}

#[test]
fn the_folder_is_the_one_that_the_vault_tab_names() {
    let mut photo = photos().remove(0);
    photo.places =
        vec![Place { source: Some(b"/home/ada/holiday".to_vec()), path: b"may/IMG_2.jpg".to_vec(), modified: None }];
    let folder = photo.folder().unwrap();
    let mut stage = drawing(Stage::with_vault(160, 30));
    stage.reply(Reply::Collection(Ok(Contents { photos: vec![photo], ..Contents::default() })));
    stage.keys("3 z K");
    assert_eq!(folder, "holiday/may");
    assert!(line(&mut stage).contains(&format!("  {folder}")), "{}", line(&mut stage));
    assert!(stage.screen().contains(&format!("folder        {folder}")), "{}", stage.screen());
    assert!(!stage.screen().contains("/home/ada"));
}

#[test]
fn of_several_selected_photos_the_first_other_one_is_compared_with_the_one_under_the_cursor() {
    let mut stage = drawing(Stage::with_vault(120, 30));
    // Three are selected; the cursor is on the first of them, and no photo is before it.
    stage.keys("3 space space space g g =");
    let viewer = stage.application.state.viewer.as_ref().unwrap();
    let name = |photo: &Query| match photo {
        Query::Stored(photo) => photo.name.clone(),
        Query::File(path) => path.display().to_string(),
    };
    assert_eq!(
        (viewer.compared.as_ref().map(name), name(viewer.photo())),
        (Some("boat.jpg".to_owned()), "IMG_2.jpg".to_owned())
    );
}

#[test]
fn the_hint_to_compare_agrees_with_the_key_whatever_is_selected() {
    for tab in ["1", "3"] {
        for keys in ["", "space", "space g g", "space space g g", "l space g g", "G space", "space / 'boat enter"] {
            let mut stage = drawing(Stage::with_vault(120, 30));
            let start = if tab == "1" { "1 j j j" } else { "3" };
            stage.keys(start);
            if !keys.is_empty() {
                stage.keys(keys);
            }
            let is_refused = refusal(&stage.application.state, Action::Compare).is_some();
            stage.keys("=");
            assert_eq!(is_refused, !is_open(&stage), "{start} {keys}");
        }
    }
}

#[test]
fn a_slideshow_starts_from_the_list_too() {
    let mut stage = drawing(Stage::with_vault(120, 30));
    stage.keys("3 S");
    assert!(is_open(&stage) && stage.application.state.is_working());
}

#[test]
fn of_a_remote_vault_only_what_a_key_was_pressed_for_is_fetched() {
    let mut stage = remote();
    let id = |place: usize| photos()[place].id;
    let subjects =
        |stage: &mut Stage| -> Vec<Subject> { wanted(stage).into_iter().map(|request| request.subject).collect() };
    assert!(!line(&mut stage).contains("fetch"), "the key that opened it counts");
    assert_eq!(stage.application.pictures.viewed(), [Subject::Photo(id(0))]);
    assert!(subjects(&mut stage).is_empty(), "the next photo is not prepared");
    stage.keys("n");
    assert_eq!(subjects(&mut stage), [Subject::Thumbnail(id(1))]);
    assert!(line(&mut stage).contains("enter fetch the photo itself"), "{}", line(&mut stage));
    draw_pictures(&mut stage);
    stage.keys("z");
    assert!(line(&mut stage).contains("fetch the photo itself first"));
    stage.keys("K");
    assert_eq!(stage.asked(), ["recorded exif"]);
    stage.keys("enter");
    assert_eq!(stage.asked(), ["exif"]);
    assert_eq!(subjects(&mut stage), [Subject::Photo(id(1))]);
    stage.keys("N");
    assert_eq!(stage.asked(), ["recorded exif"], "it is not shown any more");
    assert_eq!(stage.application.pictures.viewed(), [Subject::Thumbnail(id(0))]);
    stage.keys("enter enter");
    assert!(!is_open(&stage));
}

#[test]
fn actions_are_those_of_the_list_and_questions_return_to_the_photo() {
    let mut stage = in_vault();
    stage.keys("space");
    assert_eq!((cursor(&stage), stage.application.state.collection.list.selected().len()), (1, 1));
    for (keys, text) in [("e", "export 1 photo"), ("D", "from the vault?"), ("o", "another program"), ("d", "Send 1")] {
        let screen = stage.keys(keys).screen();
        assert!(screen.contains(text), "{keys}:\n{screen}");
        stage.keys("esc");
        assert!(is_open(&stage), "{keys}");
    }
    for (keys, text) in [(":", "actions"), ("?", "type to find a key"), ("!", "messages")] {
        assert!(stage.keys(keys).screen().contains(text), "{keys}");
        stage.keys("esc");
        assert!(is_open(&stage), "{keys}");
    }
    stage.asked();
    stage.keys("y");
    assert_eq!(stage.asked(), ["copy \"IMG_2.jpg\""]);
    stage.keys("s");
    assert_eq!(stage.asked(), ["search boat.jpg"]);
    assert!(!is_open(&stage));
}

#[test]
fn a_removed_photo_makes_room_for_the_next_and_an_empty_list_closes_the_view() {
    let mut stage = in_vault();
    stage.keys("n D y");
    stage.reply(Reply::Removed(Ok(1)));
    let left = photos().into_iter().filter(|photo| photo.name != "boat.jpg").collect();
    stage.reply(Reply::Collection(Ok(Contents { photos: left, ..Contents::default() })));
    stage.keys("! esc");
    assert!(line(&mut stage).contains("cat asleep.png"), "{}", line(&mut stage));
    stage.reply(Reply::Collection(Ok(Contents::default())));
    assert!(!is_open(&stage));
}

#[test]
fn locking_closes_the_view_and_forgets_its_pictures() {
    let mut stage = in_results();
    stage.keys("= L");
    assert!(!is_open(&stage));
    assert_eq!(stage.asked()[..2], ["close", "forget pictures"]);
    stage.screen();
    assert!(stage.application.pictures.viewed().is_empty());
    let requests = stage.application.pictures.requests();
    assert!(requests.iter().all(|request| request.subject == Subject::Test), "no photo is drawn");
}

#[test]
fn the_wheel_goes_on_or_pans() {
    let mut stage = in_vault();
    let wheel = |stage: &mut Stage, kind| {
        stage.application.mouse(MouseEvent { kind, column: 10, row: 10, modifiers: KeyModifiers::NONE });
        stage.screen();
    };
    wheel(&mut stage, MouseEventKind::ScrollDown);
    assert_eq!(cursor(&stage), 1);
    wheel(&mut stage, MouseEventKind::ScrollUp);
    assert_eq!(cursor(&stage), 0);
    stage.keys("z");
    wheel(&mut stage, MouseEventKind::ScrollDown);
    assert!(cursor(&stage) == 0 && !line(&mut stage).contains("50 % down"));
}

#[test]
fn the_real_program_zooms_pans_turns_and_locks() {
    let mark = b"\x1bP";
    let user = User::with_vault();
    let folder = user.take_photos();
    let mut terminal = user.start_unlocked(Kind::Sixel, &folder, &[]);
    terminal.until_screen("photo_0.jpg");
    terminal.until_screen("● photos.vault");
    for (key, text) in [
        ("z", "1 of 3"),
        ("z", "100 %"),
        ("l", "100 % across"),
        ("j", "97 % down"),
        (".", "turned 90°"),
        ("z", "turned 90°"),
        ("n", "2 of 3"),
        ("=", "photo_0.jpg"),
    ] {
        let before = terminal.written.len();
        terminal.keys(key);
        terminal.until_screen(text);
        terminal.until("a picture", |terminal| terminal.has_drawn(before, mark));
        terminal.settle(Duration::from_millis(300));
    }
    let before = terminal.written.len();
    terminal.keys("L");
    terminal.until_screen("passphrase");
    terminal.settle(Duration::from_millis(300));
    assert!(!terminal.has_written(before, mark) && !terminal.screen().contains("photo_0"));
    terminal.keys("\x03");
    assert!(terminal.wait().success());
}
