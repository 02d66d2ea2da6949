//! The application without terminal and workers: the test plays both.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use cipherlens::preview::Link;
use cipherlens::services::library::Statistics;
use cipherlens::services::library::{PhotoId, StoredPhoto};
use cipherlens::services::progress::{self, Event, Outcome};
use cipherlens::services::search::{Match, SearchResult, Timing};
use cipherlens::services::settings::{Motion, OnLock};
use cipherlens::tui::application::Application;
use cipherlens::tui::keymap::Keymap;
use cipherlens::tui::locale::Characters;
use cipherlens::tui::preview::{PictureResponse, Pictures, SentPictures};
use cipherlens::tui::request::{Contents, Effect, IndexingUpdate, Reply, Request};
use cipherlens::tui::state::browser::{Entry, Kind};
use cipherlens::tui::state::results::Query;
use cipherlens::tui::state::vault::Session;
use cipherlens::tui::state::{Preferences, State};
use cipherlens::tui::theme::{Background, Colours, Theme};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

pub(crate) struct Stage {
    pub application: Application,
    pub effects: Vec<Effect>,
    terminal: Terminal<TestBackend>,
}

impl Stage {
    /// A folder is listed, no vault is open, and no picture can be drawn.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let preferences = Preferences {
            threshold: 0.8,
            top: 50,
            characters: Characters::Unicode,
            motion: Motion::Reduced,
            export_folder: PathBuf::from("/exported"),
            vault: None,
            on_lock: OnLock::Continue,
            stores_files: true,
        };
        let state = State::new(PathBuf::from("/photos/2024"), preferences);
        let (theme, _) = Theme::new(Background::Dark, Colours::Text, "");
        let pictures = Pictures::new(Link::Local, SentPictures::default());
        let application = Application::new(state, Keymap::default(), theme, pictures);
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut stage = Self { application, effects: Vec::new(), terminal };
        stage.reply(Reply::Listed { folder: PathBuf::from("/photos/2024"), listing: Ok((files(), 2)) });
        stage.draw();
        stage
    }

    /// Like [`Self::new`], but with an open vault of eight photos.
    pub(crate) fn with_vault(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.application.state.session = Session::Open { vault: PathBuf::from("/vaults/holiday.vault") };
        let statistics = Statistics {
            photos: 8,
            original_bytes: 24_300_000,
            sealed_photo_bytes: 25_900_000,
            ..Statistics::default()
        };
        stage.reply(Reply::Collection(Ok(Contents { photos: photos(), statistics, ..Contents::default() })));
        stage.reply(Reply::Recognised { path: PathBuf::from("/photos/2024/IMG_2.jpg"), is_stored: true });
        stage.draw();
        stage
    }

    /// Presses keys, named as in the keymap file; a word in quotes is typed letter by letter.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for word in keys.split(' ') {
            if let Some(text) = word.strip_prefix('\'') {
                text.chars().for_each(|letter| self.press(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
            } else {
                self.press(key(word));
            }
        }
        self
    }

    pub(crate) fn press(&mut self, event: KeyEvent) {
        let effects = self.application.key(event);
        self.effects.extend(effects);
        self.draw();
    }

    pub(crate) fn reply(&mut self, reply: Reply) -> &mut Self {
        let effects = self.application.receive(reply);
        self.effects.extend(effects);
        self.draw();
        self
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| self.application.draw(frame)).unwrap();
    }

    /// The text on the screen, redrawn: the backend keeps what wide characters have covered.
    pub(crate) fn screen(&mut self) -> String {
        self.terminal.clear().unwrap();
        self.draw();
        self.terminal.backend().to_string()
    }

    pub(crate) fn backend(&self) -> &TestBackend {
        self.terminal.backend()
    }

    /// The effects since the last call, in words, without announcements, which ask for nothing.
    pub(crate) fn asked(&mut self) -> Vec<String> {
        let asked = self.effects.drain(..).filter(|effect| !matches!(effect, Effect::Announce(..)));
        asked.map(|effect| in_words(&effect)).collect()
    }
}

/// Draws every picture that the screen lacks; each shows the test picture.
pub(crate) fn draw_pictures(stage: &mut Stage) {
    stage.screen();
    let encoder = stage.application.pictures.encoder().unwrap().clone();
    for request in stage.application.pictures.requests().to_vec() {
        let picture = cipherlens::preview::test_picture().into_rgb8();
        let result = encoder.encode(picture, (240, 240), request.cells).map_err(|error| error.to_string());
        let _ = stage.application.pictures.receive(PictureResponse { request, result });
    }
    stage.screen();
}

fn in_words(effect: &Effect) -> String {
    match effect {
        Effect::Ask(Request::List(folder)) => format!("list {}", folder.display()),
        Effect::Ask(Request::Look { vault, .. }) => format!("look at {}", vault.display()),
        Effect::Ask(Request::Open { vault, trusted: None, .. }) => format!("open {}", vault.display()),
        Effect::Ask(Request::Open { vault, trusted: Some(_), .. }) => format!("open {}, trusting it", vault.display()),
        Effect::Ask(Request::OpenTrusted { vault, .. }) => {
            format!("open {}, trusting it, with what was given", vault.display())
        }
        Effect::Ask(Request::Create { vault, .. }) => format!("create {}", vault.display()),
        Effect::Ask(Request::KnownVaults) => "known vaults".to_owned(),
        Effect::Ask(Request::AcceptOlder) => "accept the older copy".to_owned(),
        Effect::Ask(Request::Close) => "close".to_owned(),
        Effect::Ask(Request::Collection) => "collection".to_owned(),
        Effect::Ask(Request::Index(paths)) => format!("index {paths:?}"),
        Effect::Ask(Request::Queue(paths)) => format!("queue {paths:?}"),
        Effect::Ask(Request::Dequeue(paths)) => format!("drop {paths:?}"),
        Effect::Ask(Request::PauseIndexing) => "pause".to_owned(),
        Effect::Ask(Request::ResumeIndexing) => "resume".to_owned(),
        Effect::Ask(Request::StopIndexing) => "stop".to_owned(),
        Effect::Ask(Request::ForgetUnfinished) => "forget the unfinished run".to_owned(),
        Effect::Ask(Request::Search(Query::File(path))) => format!("search {}", path.display()),
        Effect::Ask(Request::Search(Query::Stored(photo))) => format!("search {}", photo.name),
        Effect::Ask(Request::Export { photos, folder }) => format!("export {} to {}", photos.len(), folder.display()),
        Effect::Ask(Request::StopExport) => "stop export".to_owned(),
        Effect::Ask(Request::Remove(photos)) => format!("remove {}", photos.len()),
        Effect::Ask(Request::Check) => "check".to_owned(),
        Effect::Ask(Request::OpenOutside(_)) => "open outside".to_owned(),
        Effect::Ask(Request::Download(photos)) => format!("download {}", photos.len()),
        Effect::Ask(Request::Exif(_)) => "exif".to_owned(),
        Effect::Ask(Request::RecordedExif(_)) => "recorded exif".to_owned(),
        Effect::Copy(text) => format!("copy {text:?}"),
        Effect::Ask(Request::Recognise(paths)) => format!("recognise {}", paths.len()),
        Effect::Deliver(_) => "deliver".to_owned(),
        Effect::AskTerminal => "ask the terminal".to_owned(),
        Effect::CyclePictures => "cycle pictures".to_owned(),
        Effect::ForgetPictures => "forget pictures".to_owned(),
        Effect::Announce(run, text) => format!("announce {run:?}: {text}"),
        Effect::Redraw => "redraw".to_owned(),
        Effect::Suspend => "suspend".to_owned(),
        Effect::Quit => "quit".to_owned(),
    }
}

/// The key that a word of [`Stage::keys`] names.
pub(crate) fn key(word: &str) -> KeyEvent {
    let (word, modifiers) = match word.strip_prefix("ctrl-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => (word, KeyModifiers::NONE),
    };
    let code = match word {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "f1" => KeyCode::F(1),
        letter => KeyCode::Char(letter.chars().next().filter(|_| letter.chars().count() == 1).unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

fn files() -> Vec<Entry> {
    let entry = |name: &str, kind: Kind, bytes: u64, day: u64| Entry {
        path: PathBuf::from("/photos/2024").join(name),
        name: name.to_owned(),
        kind,
        bytes,
        modified: Some(UNIX_EPOCH + Duration::from_secs(86_400 * (19_700 + day))),
    };
    vec![
        entry("beach", Kind::Folder, 0, 0),
        entry("mountains", Kind::Folder, 0, 9),
        entry("IMG_2.jpg", Kind::Photo, 2_412_000, 3),
        entry("IMG_10.jpg", Kind::Photo, 3_104_000, 1),
        entry("cat asleep.png", Kind::Photo, 912_000, 7),
        entry("panorama over the whole valley in the evening.jpg", Kind::Photo, 12_400_000, 5),
        entry("red\u{1b}[31m.webp", Kind::Photo, 48_000, 2),
        entry("猫と犬.jpg", Kind::Photo, 1_048_576, 4),
    ]
}

/// A photo enters a stage of the indexing run.
pub(crate) fn entered(stage: progress::Stage, path: impl Into<PathBuf>) -> IndexingUpdate {
    IndexingUpdate::Event(Event::Entered { path: path.into(), stage })
}

/// A photo of the indexing run is already in the vault.
pub(crate) fn already_present() -> IndexingUpdate {
    IndexingUpdate::Event(Event::Finished { path: PathBuf::new(), outcome: Outcome::AlreadyPresent })
}

/// The indexing run has committed this many photos.
pub(crate) fn committed(photos: usize) -> IndexingUpdate {
    IndexingUpdate::Event(Event::Committed { photos })
}

/// Eight stored photos; the first is in the listed folder too.
pub(crate) fn photos() -> Vec<StoredPhoto> {
    let names =
        ["IMG_2.jpg", "boat.jpg", "cat asleep.png", "dog.jpg", "elephant.jpg", "fog.jpg", "gate.jpg", "hill.jpg"];
    let photo = |(number, name): (usize, &&str)| StoredPhoto {
        id: PhotoId::from([number as u8; 16]),
        name: (*name).to_owned(),
        bytes: if number == 0 { 2_412_000 } else { 3_000_000 + number as u64 },
        width: 4000,
        height: 3000,
        modified: None,
        captured: Some(format!("2024-05-{:02}T10:20:30", 28 - number)),
        places: Vec::new(),
        media_type: None,
    };
    names.iter().enumerate().map(photo).collect()
}

/// The photos above with scores from 0.97 downwards in steps of 0.06: three reach 0.80. The query is in the vault.
pub(crate) fn found() -> SearchResult {
    let ranked: Vec<_> = photos()
        .into_iter()
        .enumerate()
        .map(|(rank, photo)| Match { photo, score: 0.97 - 0.06 * rank as f32 })
        .collect();
    let timing = Timing {
        features: Duration::from_micros(21_400),
        encrypt: Duration::from_micros(9_200),
        scan: Duration::from_micros(38_700),
        decrypt: Duration::from_micros(2_100),
    };
    let query = ranked.first().cloned();
    SearchResult { ranked, query, compared: 9, timing, ..SearchResult::default() }
}
