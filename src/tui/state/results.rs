//! The last search: its query, its results, and which of them are shown.

use std::path::PathBuf;

use super::super::fuzzy;
use super::grid_layout::GridLayout;
use super::list::{Item, List, ListState};
use crate::services::library::{PhotoId, StoredPhoto};
use crate::services::search::{Match, SearchResult, Timing};

/// The query of a search. Has no `Debug`: queries must not reach logs.
#[derive(Clone, Eq, PartialEq)]
pub enum Query {
    /// A photo of the file system.
    File(PathBuf),
    /// A photo of the vault.
    Stored(StoredPhoto),
}

impl Item for Match {
    type Key = PhotoId;

    fn key(&self) -> &PhotoId {
        &self.photo.id
    }

    fn name(&self) -> &str {
        &self.photo.name
    }
}

/// A finished search in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Whether the vault holds the query itself.
    pub query_is_stored: bool,
    /// Photos compared.
    pub compared: usize,
    /// How long it took.
    pub timing: Timing,
}

/// The results' part of the state.
#[derive(Clone)]
pub struct Results {
    /// The query of the last search.
    pub query: Option<Query>,
    /// What the last search compared, and how long it took.
    summary: Option<Summary>,
    /// The ranked photos, best first; shown are the best `top` that pass the filter.
    pub list: ListState<Match>,
    /// How many of the shown ones reach the threshold; they come first.
    shown_matches: usize,
    /// The first places of matches and of the others, if there are any.
    sections: Vec<usize>,
    /// Why the search failed.
    pub error: Option<String>,
    /// Whether a search is running.
    pub is_searching: bool,
    /// The score from which a photo is a match.
    threshold: f32,
    /// How many of the best photos are listed.
    top: usize,
}

/// A change to the number of listed photos.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    /// Up.
    More,
    /// Down.
    Fewer,
}

/// One step of the threshold.
pub const THRESHOLD_STEP: f32 = 0.05;
/// Numbers of listed photos to choose from.
const TOPS: [usize; 7] = [5, 10, 20, 50, 100, 200, 500];
/// The most photos that a search returns.
pub const LARGEST_TOP: usize = TOPS[TOPS.len() - 1];

impl Results {
    /// No search yet.
    #[must_use]
    pub fn new(threshold: f32, top: usize) -> Self {
        Self {
            query: None,
            summary: None,
            list: ListState::default(),
            shown_matches: 0,
            sections: Vec::new(),
            error: None,
            is_searching: false,
            threshold,
            top,
        }
    }

    /// Starts a search for `query`.
    pub fn begin(&mut self, query: Query) {
        *self = Self { query: Some(query), is_searching: true, ..Self::new(self.threshold, self.top) };
    }

    /// The search is over.
    pub fn end(&mut self, result: Result<SearchResult, String>) {
        self.is_searching = false;
        match result {
            Ok(SearchResult { ranked, query, compared, timing, .. }) => {
                self.list.set_items(ranked);
                self.summary = Some(Summary { query_is_stored: query.is_some(), compared, timing });
            }
            Err(reason) => self.error = Some(reason),
        }
        self.arrange();
    }

    /// What the search compared, and how long it took; `None` before its end.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// The similarity from which a photo is a match.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// How many of the best photos are listed.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Applies number, filter and threshold. The filter keeps the order of the scores.
    pub fn arrange(&mut self) {
        let listed = self.listed();
        let pattern = self.list.filter.field.text();
        let shown = fuzzy::in_order(pattern, listed.iter().map(Item::name));
        self.shown_matches = shown.partition_point(|rank| listed[*rank].score >= self.threshold);
        self.sections = if self.shown_matches < shown.len() { vec![0, self.shown_matches] } else { vec![0] };
        self.list.show(shown);
    }

    /// The best `top` photos, whatever the filter.
    #[must_use]
    pub fn listed(&self) -> &[Match] {
        let ranked = self.list.items();
        &ranked[..ranked.len().min(self.top)]
    }

    /// How many results are matches, listed or not.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.list.items().partition_point(|found| found.score >= self.threshold)
    }

    /// How many of the shown photos are matches. They come first.
    #[must_use]
    pub fn shown_matches(&self) -> usize {
        self.shown_matches
    }

    /// The first places of the matches and of the others.
    #[must_use]
    pub fn sections(&self) -> &[usize] {
        &self.sections
    }

    /// The layout of the shown photos: matches first, the others from a new line on.
    #[must_use]
    pub fn layout(&self, columns: usize) -> GridLayout<'_> {
        GridLayout::divided(self.list.count(), columns, &self.sections)
    }

    /// Takes threshold and number of results from `other`.
    pub fn mark_as(&mut self, other: &Self) {
        (self.threshold, self.top) = (other.threshold, other.top);
        self.arrange();
    }

    /// All matches; with a filter those that pass it.
    #[must_use]
    pub fn matches(&self) -> Vec<PhotoId> {
        if self.list.filter.field.text().is_empty() {
            self.list.items().iter().take(self.reached()).map(|found| found.photo.id).collect()
        } else {
            self.list.visible().take(self.shown_matches).map(|found| found.photo.id).collect()
        }
    }

    /// Moves the threshold by whole steps, to a multiple of a step.
    pub fn move_threshold(&mut self, steps: i32) {
        self.threshold = self.next_threshold(steps);
        self.arrange();
    }

    /// The threshold after this many steps.
    #[must_use]
    pub fn next_threshold(&self, steps: i32) -> f32 {
        let at = (self.threshold / THRESHOLD_STEP).round() as i32 + steps;
        let most = (1.0 / THRESHOLD_STEP).round() as i32;
        at.clamp(-most, most) as f32 * THRESHOLD_STEP
    }

    /// Lists more or fewer photos.
    pub fn move_top(&mut self, amount: Amount) {
        self.top = self.next_top(amount).unwrap_or(self.top);
        self.arrange();
    }

    /// The next number of photos to list; `None` if it would change nothing.
    #[must_use]
    pub fn next_top(&self, amount: Amount) -> Option<usize> {
        let found = self.list.items().len();
        let next = match amount {
            Amount::More if self.top >= found => None,
            Amount::More => TOPS.iter().find(|top| **top > self.top),
            Amount::Fewer => TOPS.iter().rev().find(|top| **top < self.top.min(found)),
        };
        next.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(scores: &[f32]) -> Results {
        let photo = |number: usize| StoredPhoto {
            id: PhotoId::from([number as u8; 16]),
            name: number.to_string(),
            bytes: 1,
            width: 1,
            height: 1,
            modified: None,
            captured: None,
            places: Vec::new(),
            media_type: None,
        };
        let ranked = scores.iter().enumerate().map(|(at, score)| Match { photo: photo(at), score: *score }).collect();
        let mut results = Results::new(0.8, 50);
        results.end(Ok(SearchResult { ranked, compared: 9, ..SearchResult::default() }));
        results
    }

    #[test]
    fn the_threshold_moves_in_whole_steps_and_decides_what_is_a_match() {
        let mut results = results(&[0.99, 0.81, 0.74, 0.3]);
        assert_eq!((results.list.visible().len(), results.shown_matches()), (4, 2));
        results.list.cursor.at = 3;
        results.move_threshold(-1);
        assert_eq!(results.shown_matches(), 2);
        results.move_threshold(-1);
        assert_eq!((results.threshold, results.shown_matches()), (0.7, 3));
        results.move_threshold(5);
        assert_eq!((results.shown_matches(), results.list.visible().len(), results.list.cursor.at), (1, 4, 3));
        results.move_threshold(100);
        assert_eq!(results.threshold, 1.0);
        assert_eq!(results.next_threshold(1), results.threshold());
    }

    #[test]
    fn the_number_of_photos_steps_through_the_choices() {
        let mut results = results(&[0.9; 30]);
        assert_eq!(results.list.visible().len(), 30);
        assert_eq!(results.next_top(Amount::More), None, "all are listed");
        results.move_top(Amount::Fewer);
        assert_eq!((results.top, results.list.visible().len(), results.reached()), (20, 20, 30));
        results.move_top(Amount::More);
        assert_eq!((results.top, results.list.visible().len()), (50, 30));
        for _ in 0..9 {
            results.move_top(Amount::Fewer);
        }
        assert_eq!((results.top, results.next_top(Amount::Fewer)), (TOPS[0], None));
    }

    #[test]
    fn a_filter_keeps_the_order_of_the_scores() {
        let mut results = results(&[0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.89, 0.88]);
        results.list.cursor.at = 9;
        results.list.filter.field = super::super::text_field::TextField::with("1");
        results.arrange();
        let names: Vec<&str> = results.list.visible().map(|found| found.photo.name.as_str()).collect();
        assert_eq!(names, ["1", "10", "11"]);
        assert_eq!(results.list.current().unwrap().photo.name, "11", "the cursor stays on a photo");
        results.list.toggle_range();
        results.list.cursor.at = 1;
        results.list.toggle_range();
        assert_eq!(results.list.targets(), [PhotoId::from([10; 16]), PhotoId::from([11; 16])]);
    }
}
