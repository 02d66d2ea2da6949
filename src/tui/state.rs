//! What the application knows, as plain data: no terminal, no thread, no file, no key.
//!
//! Screens are drawn from it and actions change it. Everything that names a stored photo is forgotten on lock.

pub mod browser;
pub mod cursor;
pub mod exporting;
pub mod gate;
pub mod indexing;
pub mod journal;
pub mod line;
pub mod list;
pub mod overlay;
pub mod rate;
pub mod results;
pub mod tiles;
pub mod vault;

use std::path::PathBuf;

use browser::Browser;
use exporting::Exporting;
use gate::Gate;
use indexing::Indexing;
use journal::Journal;
use list::{Filter, List};
use overlay::Overlay;
use results::Results;
use tiles::Tiles;
use vault::{Collection, Session};

use super::locale::Characters;

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
    /// All tabs, from the left.
    pub const ALL: [Self; 4] = [Self::Files, Self::Results, Self::Vault, Self::Indexing];

    /// The word on the tab.
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

/// Which half of a tab is shown when there is room for one only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pane {
    /// The list.
    List,
    /// The picture of the photo under the cursor, and its details.
    Preview,
}

/// What of the user's environment shapes the application.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    /// Similarity from which a photo matches.
    pub threshold: f32,
    /// So many photos does a search list.
    pub top: usize,
    /// The characters that the terminal shows.
    pub characters: Characters,
    /// Whether anything may move that the user did not move.
    pub motion: Motion,
    /// Where exported photos go unless the user says otherwise.
    pub export_folder: PathBuf,
    /// The vault to open, if one is known.
    pub vault: Option<PathBuf>,
    /// What locking does to an indexing run.
    pub on_lock: OnLock,
}

/// Everything the application knows.
pub struct State {
    /// The tab that is shown.
    pub tab: Tab,
    /// The half of it that is shown when there is room for one.
    pub pane: Pane,
    /// First run or unlocking; covers everything else.
    pub gate: Option<Gate>,
    /// A window over the tab.
    pub overlay: Option<Overlay>,
    /// Folders and photos.
    pub browser: Browser,
    /// The last search.
    pub results: Results,
    /// The photos of the vault.
    pub collection: Collection,
    /// How results and the vault are laid out.
    pub tiles: Tiles,
    /// The vault, open or not.
    pub session: Session,
    /// The indexing run, or the last one.
    pub indexing: Option<Indexing>,
    /// The export under way.
    pub exporting: Option<Exporting>,
    /// Messages.
    pub journal: Journal,
    /// What of the user's environment shapes the application.
    pub preferences: Preferences,
    /// Turns working marks; advanced by the clock.
    pub tick: usize,
    /// How many columns the grid or list had when it was last drawn, and how many rows fit: what movement steps by.
    pub shown: Shown,
    /// What the preview shows in its title: the way pictures are drawn.
    pub pictures_by: &'static str,
}

/// The shape of the list that was last drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shown {
    /// Items side by side.
    pub columns: usize,
    /// Lines of items that fit.
    pub lines: usize,
    /// Whether list and picture take turns.
    pub is_one_pane: bool,
}

impl State {
    /// The state at start, in `folder`.
    #[must_use]
    pub fn new(folder: PathBuf, preferences: Preferences) -> Self {
        Self {
            tab: Tab::Files,
            pane: Pane::List,
            gate: None,
            overlay: None,
            browser: Browser::new(folder),
            results: Results::new(preferences.threshold, preferences.top),
            collection: Collection::default(),
            tiles: Tiles::default(),
            session: Session::Closed,
            indexing: None,
            exporting: None,
            journal: Journal::default(),
            preferences,
            tick: 0,
            shown: Shown { columns: 1, lines: 1, is_one_pane: false },
            pictures_by: "",
        }
    }

    /// Whether something is under way that a working mark should show.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.browser.is_loading
            || self.results.is_searching
            || matches!(self.session, Session::Opening { .. })
            || self.indexing.as_ref().is_some_and(Indexing::is_running)
            || self.exporting.is_some()
            || self.collection.task.is_some()
    }

    /// The list of the shown tab; none where there is no list.
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

    /// Forgets everything that names or shows a stored photo. Of an indexing run that goes on, numbers stay.
    pub fn forget_vault(&mut self) {
        self.results = Results::new(self.results.threshold(), self.results.top());
        self.collection = Collection::default();
        self.browser.forget_vault();
        self.indexing = self.indexing.take().filter(Indexing::is_running);
        if let Some(run) = &mut self.indexing {
            run.stages = Default::default();
        }
        self.overlay = None;
        self.journal.forget();
    }
}
