//! The state of a list: its items, which of them are shown, cursor, filter, selection, and the range being marked.
//!
//! The files, the results and the vault each have one, so that the same keys do the same on every tab.

use std::collections::BTreeSet;

use super::super::fuzzy;
use super::cursor::{Cursor, Mark, Range};
use super::text_field::TextField;

/// An item of a list.
pub trait Item {
    /// What the selection stores, so that it survives a new listing.
    type Key: Clone + Ord;

    /// Identifies the item.
    fn key(&self) -> &Self::Key;

    /// The name that the filter matches.
    fn name(&self) -> &str;

    /// Whether it is a photo: "select all" and "invert" skip everything else.
    fn is_photo(&self) -> bool {
        true
    }
}

/// Narrows a list to the names that match the typed letters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// The letters.
    pub field: TextField,
    /// Whether it is being typed.
    pub is_typing: bool,
}

/// The state of a list. Places count the shown items from 0.
#[derive(Clone, Debug)]
pub struct ListState<T: Item> {
    items: Vec<T>,
    /// Indices into `items`, in the order on the screen.
    shown: Vec<usize>,
    /// Places of shown items that are not photos, in order. They are few, and every frame counts photos.
    others: Vec<usize>,
    selected: BTreeSet<T::Key>,
    /// How many shown photos are selected.
    selected_photos: usize,
    range: Range,
    /// The place of the cursor.
    pub cursor: Cursor,
    /// Narrows the list.
    pub filter: Filter,
}

impl<T: Item> Default for ListState<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            shown: Vec::new(),
            others: Vec::new(),
            selected: BTreeSet::new(),
            selected_photos: 0,
            range: Range::default(),
            cursor: Cursor::default(),
            filter: Filter::default(),
        }
    }
}

impl<T: Item> ListState<T> {
    /// All items, shown or not.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Replaces the items. Call [`Self::show`] next.
    pub fn set_items(&mut self, items: Vec<T>) {
        self.show_none();
        self.items = items;
    }

    /// Sorts the items. Call [`Self::show`] next.
    pub fn sort_items(&mut self, sort: impl FnOnce(&mut [T])) {
        self.show_none();
        sort(&mut self.items);
    }

    /// Empties the list, its filter too. The selection stays: it may span folders.
    pub fn clear(&mut self) {
        *self = Self { selected: std::mem::take(&mut self.selected), ..Self::default() };
    }

    /// The indices of the items that pass the filter: best match first, or all in their order without a filter.
    #[must_use]
    pub fn filtered(&self) -> Vec<usize> {
        match self.filter.field.text() {
            "" => (0..self.items.len()).collect(),
            pattern => fuzzy::best_first(pattern, self.items.iter().map(Item::name)),
        }
    }

    /// Shows the items with these indices, in this order. Ends a range; the cursor stays within the list.
    pub fn show(&mut self, indices: Vec<usize>) {
        self.shown = indices;
        let places = self.visible().enumerate().filter(|(_, item)| !item.is_photo());
        self.others = places.map(|(place, _)| place).collect();
        self.count_selected();
        self.range = Range::default();
        self.cursor.stay_within(self.shown.len());
    }

    /// Shows nothing, for the moment.
    fn show_none(&mut self) {
        self.shown.clear();
        self.others.clear();
        self.selected_photos = 0;
    }

    fn count_selected(&mut self) {
        let is_counted = |item: &&T| item.is_photo() && self.selected.contains(item.key());
        self.selected_photos = if self.selected.is_empty() { 0 } else { self.visible().filter(is_counted).count() };
    }

    /// The shown items, in order.
    #[must_use]
    pub fn visible(&self) -> impl ExactSizeIterator<Item = &T> {
        self.shown.iter().map(|index| &self.items[*index])
    }

    /// The shown item at `place`.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&T> {
        self.shown.get(place).map(|index| &self.items[*index])
    }

    /// The item under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&T> {
        self.at(self.cursor.at)
    }

    /// Keys of the selected items, which need not be shown.
    #[must_use]
    pub fn selected(&self) -> &BTreeSet<T::Key> {
        &self.selected
    }

    /// Deselects the keys for which `keep` returns false.
    pub fn retain_selected(&mut self, keep: impl FnMut(&T::Key) -> bool) {
        self.selected.retain(keep);
        self.count_selected();
    }

    /// Whether the item at `place` is selected or in the range.
    #[must_use]
    pub fn mark(&self, place: usize) -> Mark {
        match self.at(place) {
            Some(item) if self.selected.contains(item.key()) => Mark::Selected,
            Some(_) if self.range.holds(place, self.cursor) => Mark::InRange,
            _ => Mark::None,
        }
    }

    /// What an action applies to: the selection or, without one, the item under the cursor.
    #[must_use]
    pub fn targets(&self) -> Vec<T::Key> {
        if self.selected.is_empty() {
            self.current().map(|item| item.key().clone()).into_iter().collect()
        } else {
            self.selected.iter().cloned().collect()
        }
    }

    fn visible_photos(&self) -> Vec<T::Key> {
        self.visible().filter(|item| item.is_photo()).map(|item| item.key().clone()).collect()
    }
}

/// The operations that do not depend on the type of the items: for keys that act on the list of whichever tab is shown.
pub trait List {
    /// How many items are shown.
    fn count(&self) -> usize;
    /// How many items there are, shown or not.
    fn all(&self) -> usize;
    /// How many of those that are shown are photos.
    fn photo_count(&self) -> usize;
    /// How many photos are shown up to and including `place`.
    fn photos_up_to(&self, place: usize) -> usize;
    /// Whether a shown photo is selected that is not under the cursor.
    fn selects_another_photo(&self) -> bool;
    /// The cursor.
    fn cursor(&self) -> Cursor;
    /// The cursor, to move it.
    fn cursor_mut(&mut self) -> &mut Cursor;
    /// The filter.
    fn filter(&self) -> &Filter;
    /// The filter, to change it.
    fn filter_mut(&mut self) -> &mut Filter;
    /// Whether a range has been started.
    fn has_range(&self) -> bool;
    /// Starts a range at the cursor, or selects the range that was started.
    fn toggle_range(&mut self);
    /// Starts a range at `place`.
    fn begin_range(&mut self, place: usize);
    /// Gives up the range without selecting it.
    fn cancel_range(&mut self);
    /// Whether anything is selected, shown or not.
    fn has_selection(&self) -> bool;
    /// Whether an action would apply to anything.
    fn has_targets(&self) -> bool;
    /// Deselects everything.
    fn clear_selection(&mut self);
    /// Selects the item under the cursor, or deselects it.
    fn toggle_current(&mut self);
    /// Selects all shown photos, or deselects them when all of them are selected.
    fn toggle_all(&mut self);
    /// Selects the shown photos that are not selected, and deselects those that are.
    fn invert(&mut self);
}

impl<T: Item> List for ListState<T> {
    fn count(&self) -> usize {
        self.shown.len()
    }

    fn all(&self) -> usize {
        self.items.len()
    }

    fn photo_count(&self) -> usize {
        self.shown.len() - self.others.len()
    }

    fn photos_up_to(&self, place: usize) -> usize {
        (place + 1).min(self.shown.len()) - self.others.partition_point(|other| *other <= place)
    }

    fn selects_another_photo(&self) -> bool {
        let is_counted = |item: &T| item.is_photo() && self.selected.contains(item.key());
        self.selected_photos > usize::from(self.current().is_some_and(is_counted))
    }

    fn cursor(&self) -> Cursor {
        self.cursor
    }

    fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    fn filter(&self) -> &Filter {
        &self.filter
    }

    fn filter_mut(&mut self) -> &mut Filter {
        &mut self.filter
    }

    fn has_range(&self) -> bool {
        self.range.is_begun()
    }

    fn toggle_range(&mut self) {
        let places = self.range.toggle(self.cursor).into_iter().flatten();
        let keys: Vec<T::Key> = places.filter_map(|place| Some(self.at(place)?.key().clone())).collect();
        self.selected.extend(keys);
        self.count_selected();
    }

    fn begin_range(&mut self, place: usize) {
        self.range.begin(place);
    }

    fn cancel_range(&mut self) {
        self.range = Range::default();
    }

    fn has_selection(&self) -> bool {
        !self.selected.is_empty()
    }

    fn has_targets(&self) -> bool {
        !self.selected.is_empty() || self.current().is_some()
    }

    fn clear_selection(&mut self) {
        self.selected.clear();
        self.selected_photos = 0;
    }

    fn toggle_current(&mut self) {
        let Some((key, is_photo)) = self.current().map(|item| (item.key().clone(), item.is_photo())) else { return };
        let photos = usize::from(is_photo);
        if self.selected.remove(&key) {
            self.selected_photos -= photos;
        } else {
            self.selected.insert(key);
            self.selected_photos += photos;
        }
    }

    fn toggle_all(&mut self) {
        let photos = self.visible_photos();
        if photos.iter().all(|key| self.selected.contains(key)) {
            for key in &photos {
                self.selected.remove(key);
            }
        } else {
            self.selected.extend(photos);
        }
        self.count_selected();
    }

    fn invert(&mut self) {
        for key in self.visible_photos() {
            if !self.selected.remove(&key) {
                self.selected.insert(key);
            }
        }
        self.count_selected();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(String);

    impl Item for Named {
        type Key = String;

        fn key(&self) -> &String {
            &self.0
        }

        fn name(&self) -> &str {
            &self.0
        }

        fn is_photo(&self) -> bool {
            !self.0.ends_with('/')
        }
    }

    /// `folder/`, then `a.jpg` to `d.jpg`.
    fn list() -> ListState<Named> {
        let mut list = ListState::default();
        let names = ["folder/", "a.jpg", "b.jpg", "c.jpg", "d.jpg"];
        list.set_items(names.iter().map(|name| Named((*name).to_owned())).collect());
        list.show((0..5).collect());
        list
    }

    fn marks(list: &ListState<Named>) -> Vec<Mark> {
        (0..list.count()).map(|place| list.mark(place)).collect()
    }

    #[test]
    fn a_range_is_marked_up_to_the_cursor_and_then_selected() {
        let mut list = list();
        list.cursor.at = 3;
        list.toggle_range();
        list.cursor.at = 1;
        assert_eq!(marks(&list), [Mark::None, Mark::InRange, Mark::InRange, Mark::InRange, Mark::None]);
        list.toggle_range();
        assert!(!list.has_range());
        assert_eq!(list.targets(), ["a.jpg", "b.jpg", "c.jpg"]);
        assert_eq!(list.mark(2), Mark::Selected);
    }

    #[test]
    fn a_cancelled_range_selects_nothing() {
        let mut list = list();
        list.toggle_range();
        list.cancel_range();
        assert!(!list.has_range() && !list.has_selection());
    }

    #[test]
    fn select_all_and_invert_skip_folders() {
        let mut list = list();
        list.toggle_all();
        assert_eq!((list.selected().len(), list.photo_count()), (4, 4));
        list.toggle_all();
        assert!(!list.has_selection());
        list.cursor.at = 2;
        list.toggle_current();
        list.invert();
        assert_eq!(list.targets(), ["a.jpg", "c.jpg", "d.jpg"]);
        list.clear_selection();
        list.cursor.at = 0;
        list.toggle_current();
        assert_eq!(list.targets(), ["folder/"], "a folder is selected by itself");
    }

    #[test]
    fn photos_are_counted_without_going_through_the_list() {
        let mut list = list();
        list.show(vec![1, 0, 2, 4]);
        assert_eq!(list.photo_count(), 3);
        assert_eq!([0, 1, 2, 3, 9].map(|place| list.photos_up_to(place)), [1, 1, 2, 3, 3]);
        list.set_items(Vec::new());
        assert_eq!((list.photo_count(), list.photos_up_to(0)), (0, 0));
    }

    #[test]
    fn selected_photos_are_counted_whatever_changes_the_selection() {
        let walked = |list: &ListState<Named>| {
            let selected = list.visible().filter(|item| item.is_photo() && list.selected.contains(item.key()));
            selected.count()
        };
        let mut list = list();
        type Change = fn(&mut ListState<Named>);
        let changes: [(Change, usize); 10] = [
            (|list| list.toggle_current(), 0),
            (|list| list.cursor.at = 1, 0),
            (|list| list.toggle_current(), 1),
            (|list| list.invert(), 3),
            (|list| list.show(vec![0, 2]), 1),
            (|list| list.toggle_all(), 0),
            (|list| list.show((0..5).collect()), 2),
            (|list| list.retain_selected(|key| key == "c.jpg"), 1),
            (
                |list| {
                    list.toggle_range();
                    list.cursor.at = 3;
                    list.toggle_range();
                },
                3,
            ),
            (|list| list.clear_selection(), 0),
        ];
        for (number, (change, expected)) in changes.into_iter().enumerate() {
            change(&mut list);
            assert_eq!((list.selected_photos, walked(&list)), (expected, expected), "{number}");
        }
    }

    #[test]
    fn the_photo_under_the_cursor_is_not_another_one() {
        let mut list = list();
        list.toggle_current();
        list.cursor.at = 2;
        assert!(!list.selects_another_photo(), "a folder is selected");
        list.toggle_current();
        assert!(!list.selects_another_photo());
        list.cursor.at = 1;
        assert!(list.selects_another_photo());
    }

    #[test]
    fn select_all_ignores_items_hidden_by_the_filter() {
        let mut list = list();
        list.cursor.at = 4;
        list.toggle_current();
        list.filter.field = TextField::with("a.jpg");
        list.show(list.filtered());
        assert_eq!((list.count(), list.cursor.at), (1, 0));
        list.toggle_all();
        assert_eq!(list.targets(), ["a.jpg", "d.jpg"]);
        list.toggle_all();
        assert_eq!(list.targets(), ["d.jpg"]);
    }

    #[test]
    fn without_a_selection_the_item_under_the_cursor_is_the_target() {
        let mut list = list();
        list.cursor.at = 1;
        assert_eq!(list.targets(), ["a.jpg"]);
        list.show(Vec::new());
        assert_eq!(list.targets(), [] as [String; 0]);
        assert_eq!((list.cursor.at, list.mark(0)), (0, Mark::None));
    }

    #[test]
    fn the_selection_survives_an_emptied_list() {
        let mut list = list();
        list.toggle_all();
        list.filter.field = TextField::with("a");
        list.clear();
        assert_eq!((list.count(), list.items().len(), list.filter.field.text()), (0, 0, ""));
        assert_eq!(list.selected().len(), 4);
        list.retain_selected(|key| key == "b.jpg");
        assert_eq!(list.targets(), ["b.jpg"]);
    }
}
