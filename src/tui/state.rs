//! What the application knows, as plain data: no terminal, no thread, no file, no key.
//!
//! Screens are drawn from it, actions change it. Locking drops everything that names a stored photo.

pub mod browser;
pub mod checking;
pub mod cursor;
pub mod exporting;
pub mod grid_layout;
pub mod history;
pub mod indexing;
pub mod intake;
pub mod list;
pub mod lock_screen;
pub mod messages;
pub mod overlay;
pub mod pointer;
pub mod rate;
pub mod results;
pub mod sections;
pub mod surveys;
pub mod text_field;
pub mod tiles;
pub mod vault;
pub mod viewer;

use std::collections::VecDeque;
use std::path::PathBuf;

use browser::Browser;
use exporting::Exporting;
use history::History;
use indexing::Indexing;
use intake::QueuedRun;
use list::{Filter, List};
use lock_screen::{LockScreen, Look, Unlock, Untrusted};
use messages::Messages;
use overlay::Overlay;
use results::Results;
use tiles::Tiles;
use vault::{Collection, Session};
use viewer::Viewer;

use super::locale::Characters;

use crate::services::library::PhotoId;
use crate::services::settings::{Motion, OnLock};

/// The tabs along the top.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tab {
    /// Folders and photos of the file system.
    Files,
    /// Matches of the last search.
    Results,
    /// The photos of the vault.
    Vault,
    /// The indexing run.
    Indexing,
}

impl Tab {
    /// All tabs, left to right.
    pub const ALL: [Self; 4] = [Self::Files, Self::Results, Self::Vault, Self::Indexing];

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Results => "Results",
            Self::Vault => "Vault",
            Self::Indexing => "Indexing",
        }
    }
}

/// The half of a tab that is shown if there is room for only one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pane {
    /// The list.
    List,
    /// The picture of the photo under the cursor, and its details.
    Preview,
}

/// Settings, flags and environment that shape the application.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    /// Similarity (cosine) from which a photo is a match.
    pub threshold: f32,
    /// How many results a search lists.
    pub top: usize,
    /// The characters that the terminal shows.
    pub characters: Characters,
    /// Whether spinners turn.
    pub motion: Motion,
    /// The folder that the export prompt proposes.
    pub export_folder: PathBuf,
    /// The vault to open, if one is known.
    pub vault: Option<PathBuf>,
    /// What locking does to an indexing run.
    pub on_lock: OnLock,
    /// Whether the terminal is known to store files that are sent through it.
    pub stores_files: bool,
}

/// Everything the application knows.
pub struct State {
    /// The tab that is shown.
    pub tab: Tab,
    /// The half of it that is shown if there is room for only one.
    pub pane: Pane,
    /// The screen that asks for a vault; covers everything else.
    pub lock_screen: Option<LockScreen>,
    /// A vault that the user is asked to trust.
    pub untrusted: Option<Untrusted>,
    /// The photo view; covers the tab.
    pub viewer: Option<Viewer>,
    /// A window over the tab or the photo view.
    pub overlay: Option<Overlay>,
    /// Folders and photos.
    pub browser: Browser,
    /// The last search.
    pub results: Results,
    /// The searches before and after it.
    pub history: History,
    /// The photos of the vault.
    pub collection: Collection,
    /// The layout of results and vault.
    pub tiles: Tiles,
    /// Whether the information pane is shown: beside results and vault, and in the photo view.
    pub shows_information: bool,
    /// The photo whose camera data were asked for last.
    pub informed_of: Option<PhotoId>,
    /// The vault, open or not.
    pub session: Session,
    /// The indexing run, or the last one.
    pub indexing: Option<Indexing>,
    /// Runs that wait for it, the next one first.
    pub queue: VecDeque<QueuedRun>,
    /// The running export.
    pub exporting: Option<Exporting>,
    /// Messages.
    pub messages: Messages,
    /// The commands that were run in the palette, newest last.
    pub palette_history: Vec<String>,
    /// Another vault that is to be opened, if it is there.
    pub wanted_vault: Option<PathBuf>,
    /// The addresses of vaults that this machine knows.
    pub known_vaults: Vec<String>,
    /// The tab to show once a vault that is not empty has been listed, unless the user does something before.
    pub first_tab: Option<Tab>,
    /// Settings, flags and environment that shape the application.
    pub preferences: Preferences,
    /// The frame of the spinners.
    pub tick: usize,
    /// The size of the list in the last frame: how far a page moves.
    pub viewport: Viewport,
    /// The name of the graphics protocol, for the title of the test picture.
    pub pictures_by: &'static str,
}

/// The size of the list in the last frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Viewport {
    /// Items side by side.
    pub columns: usize,
    /// Lines of items that fit.
    pub lines: usize,
    /// The first of these lines.
    pub top: usize,
    /// Lines of a list in a window over it.
    pub window_lines: usize,
    /// Whether there is room for only one of list and picture.
    pub is_one_pane: bool,
}

impl State {
    /// The state at startup, showing `folder`.
    #[must_use]
    pub fn new(folder: PathBuf, preferences: Preferences) -> Self {
        Self {
            tab: Tab::Files,
            pane: Pane::List,
            lock_screen: None,
            untrusted: None,
            viewer: None,
            overlay: None,
            browser: Browser::new(folder),
            results: Results::new(preferences.threshold, preferences.top),
            history: History::default(),
            collection: Collection::default(),
            tiles: Tiles::default(),
            shows_information: false,
            informed_of: None,
            session: Session::Closed,
            indexing: None,
            queue: VecDeque::new(),
            exporting: None,
            messages: Messages::default(),
            palette_history: Vec::new(),
            wanted_vault: None,
            known_vaults: Vec::new(),
            first_tab: None,
            preferences,
            tick: 0,
            viewport: Viewport { columns: 1, lines: 1, top: 0, window_lines: 0, is_one_pane: false },
            pictures_by: "",
        }
    }

    /// Whether anything is in progress, so that spinners must turn.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.browser.is_loading
            || self.results.is_searching
            || matches!(self.session, Session::Opening { .. })
            || matches!(self.lock_screen, Some(LockScreen::Unlock(Unlock { look: Look::Asked, .. })))
            || self.indexing.as_ref().is_some_and(Indexing::is_running)
            || self.exporting.is_some()
            || self.collection.task.is_some()
            || matches!(&self.overlay, Some(Overlay::Plan(plan)) if !plan.survey.is_over)
            || self.viewer.as_ref().is_some_and(|viewer| viewer.slideshow.is_some())
    }

    /// The list of the shown tab; `None` on the indexing tab.
    #[must_use]
    pub fn list(&self) -> Option<&dyn List> {
        match self.tab {
            Tab::Files => Some(&self.browser.list),
            Tab::Results => Some(&self.results.list),
            Tab::Vault => Some(&self.collection.list),
            Tab::Indexing => None,
        }
    }

    /// The list of the shown tab, to change it.
    pub fn list_mut(&mut self) -> Option<&mut dyn List> {
        match self.tab {
            Tab::Files => Some(&mut self.browser.list),
            Tab::Results => Some(&mut self.results.list),
            Tab::Vault => Some(&mut self.collection.list),
            Tab::Indexing => None,
        }
    }

    /// The filter of the shown tab, if it is being typed.
    #[must_use]
    pub fn typed_filter(&self) -> Option<&Filter> {
        self.list().map(List::filter).filter(|filter| filter.is_typing)
    }

    /// Applies the filter of the shown tab.
    pub fn arrange(&mut self) {
        match self.tab {
            Tab::Files => self.browser.arrange(),
            Tab::Results => self.results.arrange(),
            Tab::Vault => self.collection.arrange(),
            Tab::Indexing => {}
        }
    }

    /// Drops everything that names or shows a stored photo, and the runs that wait, which are in a record of the vault.
    /// The numbers of a running indexing run stay.
    pub fn forget_vault(&mut self) {
        self.results = Results::new(self.results.threshold(), self.results.top());
        self.history = History::default();
        self.collection = Collection::default();
        self.palette_history.clear();
        self.informed_of = None;
        self.wanted_vault = None;
        self.browser.forget_vault();
        self.indexing = self.indexing.take().filter(Indexing::is_running);
        if let Some(run) = &mut self.indexing {
            run.forget_names();
        }
        self.queue.clear();
        self.viewer = None;
        self.overlay = None;
        self.untrusted = None;
        self.messages.clear();
    }
}
