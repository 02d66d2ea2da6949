//! The vault: open or not, and the photos in it.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::browser::natural_key;
use super::checking::Checking;
use super::grid_layout::GridLayout;
use super::list::{Item, List, ListState};
use super::sections::{Grouping, Order, Sections, folder, month};
use crate::services::check;
use crate::services::copies::{Advice, KnownCopy};
use crate::services::library::Statistics;
use crate::services::library::{PhotoId, StoredPhoto};
use crate::services::session::Address;
use crate::tui::fuzzy;

/// Whether a vault is open.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Session {
    /// No vault is open.
    #[default]
    Closed,
    /// A key is being derived.
    Opening {
        /// The vault.
        vault: PathBuf,
    },
    /// A vault is open.
    Open {
        /// The vault.
        vault: PathBuf,
    },
}

impl Session {
    /// Whether the open vault is on another machine.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.open().is_some_and(|vault| Address::is_remote(vault))
    }

    /// The vault that is open.
    #[must_use]
    pub fn open(&self) -> Option<&PathBuf> {
        match self {
            Self::Open { vault } => Some(vault),
            Self::Closed | Self::Opening { .. } => None,
        }
    }
}

/// A long operation on the vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// An older copy is being accepted as current.
    Accepting,
    /// Photos are being removed.
    Removing,
    /// Every byte is being checked.
    Checking,
    /// A photo is being opened in another program.
    Opening,
    /// Photos are being sent through the terminal.
    Downloading,
}

impl Item for StoredPhoto {
    type Key = PhotoId;

    fn key(&self) -> &PhotoId {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The photos of the vault.
#[derive(Clone, Default)]
pub struct Collection {
    /// All of them.
    pub list: ListState<StoredPhoto>,
    /// The sections of the photos that are shown.
    pub sections: Sections,
    /// How they are divided.
    grouping: Grouping,
    /// Their order.
    order: Order,
    /// Whether they have been listed.
    pub is_listed: bool,
    /// Why they cannot be read.
    pub error: Option<String>,
    /// Whether this copy of the vault is not the newest and so read-only.
    pub is_read_only: bool,
    /// The operation in progress.
    pub task: Option<Task>,
    /// How far a check is.
    pub checking: Checking,
    /// Size of the vault.
    pub statistics: Option<Statistics>,
    /// The known copies of the vault.
    pub copies: Vec<KnownCopy>,
    /// What to do if this copy is not the newest, and another one is known.
    pub advice: Option<Advice>,
    /// What the last check found.
    pub health: Option<check::Report>,
    /// Camera, exposure and the like of one photo.
    pub exif: Option<(PhotoId, Vec<(String, String)>)>,
}

impl Collection {
    /// Sets the photos that the vault holds. The cursor stays on its photo.
    pub fn listed(&mut self, photos: Vec<StoredPhoto>) {
        let ids: BTreeSet<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        self.list.retain_selected(|id| ids.contains(id));
        let current = self.list.current().map(|photo| photo.id);
        self.list.set_items(photos);
        self.is_listed = true;
        self.error = None;
        self.sort(current);
    }

    /// How the photos are divided.
    #[must_use]
    pub fn grouping(&self) -> Grouping {
        self.grouping
    }

    /// Their order; with folders, within each folder.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Divides the photos in another way. The cursor stays on its photo.
    pub fn group_by(&mut self, grouping: Grouping) {
        self.grouping = grouping;
        self.sort(self.list.current().map(|photo| photo.id));
    }

    /// Sorts the photos in another order. The cursor stays on its photo.
    pub fn sort_by(&mut self, order: Order) {
        self.order = order;
        self.sort(self.list.current().map(|photo| photo.id));
    }

    fn sort(&mut self, current: Option<PhotoId>) {
        let (grouping, order) = (self.grouping, self.order);
        let group = |photo: &StoredPhoto| match grouping {
            Grouping::Months => Vec::new(),
            Grouping::Folders => natural_key(&folder(photo)),
        };
        self.list.sort_items(|photos| match order {
            Order::Newest => {
                photos.sort_by_cached_key(|photo| (group(photo), Reverse(photo.date()), natural_key(&photo.name)));
            }
            Order::Oldest => {
                photos.sort_by_cached_key(|photo| {
                    let date = photo.date();
                    (group(photo), date.is_none(), date, natural_key(&photo.name))
                });
            }
            Order::Name => photos.sort_by_cached_key(|photo| (group(photo), natural_key(&photo.name))),
            Order::Largest => photos.sort_by_cached_key(|photo| (group(photo), Reverse(photo.bytes))),
        });
        self.arrange();
        self.move_to(current);
    }

    /// Moves the cursor to a photo, if it is shown.
    pub fn move_to(&mut self, photo: Option<PhotoId>) {
        if let Some(at) = photo.and_then(|id| self.list.visible().position(|photo| photo.id == id)) {
            self.list.cursor.at = at;
        }
    }

    /// Applies the filter, which keeps the order, and divides what is shown into sections.
    pub fn arrange(&mut self) {
        let names = self.list.items().iter().map(Item::name);
        let shown = fuzzy::in_order(self.list.filter.field.text(), names);
        self.list.show(shown);
        self.sections = match self.grouping {
            Grouping::Folders => Sections::of(self.list.visible(), folder),
            Grouping::Months if self.order.is_by_date() => Sections::of(self.list.visible(), month),
            Grouping::Months => Sections::default(),
        };
    }

    /// The layout of the shown photos.
    #[must_use]
    pub fn layout(&self, columns: usize) -> GridLayout<'_> {
        GridLayout::divided(self.list.count(), columns, self.sections.starts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::library::Place;
    use crate::tui::state::text_field::TextField;

    fn photo(number: u8, name: &str, date: Option<&str>, folder: &str) -> StoredPhoto {
        let place = Place {
            source: Some(b"/home/me/Pictures".to_vec()),
            path: format!("{folder}{name}").into(),
            modified: None,
        };
        StoredPhoto {
            id: PhotoId::from([number; 16]),
            name: name.to_owned(),
            bytes: u64::from(number),
            width: 1,
            height: 1,
            modified: None,
            captured: date.map(str::to_owned),
            places: vec![place],
            media_type: None,
        }
    }

    fn collection() -> Collection {
        let mut collection = Collection::default();
        collection.listed(vec![
            photo(1, "b10.jpg", Some("2024-05-03T10:00:00"), ""),
            photo(2, "b9.jpg", Some("2024-04-30T10:00:00"), "sea/"),
            photo(3, "a.jpg", Some("2024-05-20T10:00:00"), "sea/"),
            photo(4, "scan.png", None, "attic/"),
        ]);
        collection
    }

    fn shown(collection: &Collection) -> Vec<(String, Vec<&str>)> {
        let photos: Vec<&StoredPhoto> = collection.list.visible().collect();
        let names = |start: usize, count: usize| photos[start..start + count].iter().map(|p| p.name.as_str()).collect();
        let sections = collection.sections.iter();
        sections.map(|(start, section)| (section.title.clone(), names(start, section.count))).collect()
    }

    #[test]
    fn a_timeline_has_a_section_for_each_month_and_the_newest_first() {
        let mut collection = collection();
        let may = ("May 2024".to_owned(), vec!["a.jpg", "b10.jpg"]);
        let (april, none) = (("April 2024".to_owned(), vec!["b9.jpg"]), ("no date".to_owned(), vec!["scan.png"]));
        assert_eq!(shown(&collection), [may, april.clone(), none.clone()]);
        collection.sort_by(Order::Oldest);
        let may = ("May 2024".to_owned(), vec!["b10.jpg", "a.jpg"]);
        assert_eq!(shown(&collection), [april, may, none]);
    }

    #[test]
    fn folders_are_sections_with_names_by_value_and_the_cursor_stays_on_its_photo() {
        let mut collection = collection();
        collection.list.cursor.at = 1;
        collection.group_by(Grouping::Folders);
        collection.sort_by(Order::Name);
        let titles: Vec<String> = shown(&collection).into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles, ["Pictures", "Pictures/attic", "Pictures/sea"]);
        assert_eq!(shown(&collection)[2].1, ["a.jpg", "b9.jpg"]);
        assert_eq!(collection.list.current().unwrap().name, "b10.jpg");
        collection.group_by(Grouping::Months);
        assert!(collection.sections.starts().is_empty(), "sorted by name there are no months");
        let names: Vec<&str> = collection.list.visible().map(Item::name).collect();
        assert_eq!(names, ["a.jpg", "b9.jpg", "b10.jpg", "scan.png"]);
    }

    #[test]
    fn a_filter_keeps_the_order_and_counts_what_it_shows() {
        let mut collection = collection();
        collection.list.filter.field = TextField::with("b");
        collection.arrange();
        assert_eq!(
            shown(&collection),
            [("May 2024".to_owned(), vec!["b10.jpg"]), ("April 2024".to_owned(), vec!["b9.jpg"])]
        );
    }
}
