//! The last search: what was looked for, what was found, and how it is shown.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::fuzzy;
use super::browser::Filter;
use super::cursor::{Cursor, Mark, Range, Shape};
use super::{PhotoId, StoredPhoto};
use crate::services::search::{Match, SearchResult};

/// What was looked for. Has no `Debug`: queries are not for logs.
#[derive(Clone, Eq, PartialEq)]
pub enum Query {
    /// What a photo of the file system shows.
    File(PathBuf),
    /// What a photo of the vault shows.
    Stored(StoredPhoto),
}

/// The results' part of the state.
#[derive(Clone)]
pub struct Results {
    /// What was looked for last.
    pub query: Option<Query>,
    /// What was found.
    found: Option<SearchResult>,
    /// Which of it is shown: ranks of the best `top` that pass the filter.
    shown: Vec<usize>,
    /// How many of the shown ones reach the threshold; they come first.
    shown_matches: usize,
    /// Why nothing could be found.
    pub error: Option<String>,
    /// Whether a search is under way.
    pub is_searching: bool,
    /// Matches score at least this.
    threshold: f32,
    /// So many of the best photos are listed.
    top: usize,
    /// The place among the shown photos.
    pub cursor: Cursor,
    /// Selected photos.
    pub selected: BTreeSet<PhotoId>,
    /// The range that is being marked among the shown photos.
    pub range: Range,
    /// Narrows the photos by name.
    pub filter: Filter,
}

/// Which way the number of listed photos goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    /// Up.
    More,
    /// Down.
    Fewer,
}

/// One step of the threshold.
pub const THRESHOLD_STEP: f32 = 0.05;
/// The numbers of photos to choose from.
const TOPS: [usize; 7] = [5, 10, 20, 50, 100, 200, 500];
/// The most that is ever listed, and asked of a search.
pub const LARGEST_TOP: usize = TOPS[TOPS.len() - 1];

impl Results {
    /// No search yet.
    #[must_use]
    pub fn new(threshold: f32, top: usize) -> Self {
        Self {
            query: None,
            found: None,
            shown: Vec::new(),
            shown_matches: 0,
            error: None,
            is_searching: false,
            threshold,
            top,
            cursor: Cursor::default(),
            selected: BTreeSet::new(),
            range: Range::default(),
            filter: Filter::default(),
        }
    }

    /// A search for `query` begins.
    pub fn begin(&mut self, query: Query) {
        *self = Self { query: Some(query), is_searching: true, ..Self::new(self.threshold, self.top) };
    }

    /// The search is over.
    pub fn end(&mut self, result: Result<SearchResult, String>) {
        self.is_searching = false;
        match result {
            Ok(found) => self.found = Some(found),
            Err(reason) => self.error = Some(reason),
        }
        self.arrange();
    }

    /// What was found, whatever its score.
    #[must_use]
    pub fn found(&self) -> Option<&SearchResult> {
        self.found.as_ref()
    }

    /// The similarity from which a photo matches.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// So many of the best photos are listed.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Applies number, filter and threshold. The order stays that of the scores: the filter only leaves out.
    pub fn arrange(&mut self) {
        let listed = self.listed();
        let pattern = self.filter.line.text();
        let passes = |rank: &usize| pattern.is_empty() || fuzzy::score(pattern, &listed[*rank].photo.name).is_some();
        let shown: Vec<usize> = (0..listed.len()).filter(passes).collect();
        self.shown_matches = shown.partition_point(|rank| listed[*rank].score >= self.threshold);
        self.shown = shown;
        self.range = Range::default();
        self.cursor.stay_within(self.shown.len());
    }

    /// The best `top` photos, whatever the filter.
    #[must_use]
    pub fn listed(&self) -> &[Match] {
        let ranked = self.found.as_ref().map_or(&[][..], |found| &found.ranked);
        &ranked[..ranked.len().min(self.top)]
    }

    /// How many of the photos that a search brought reach the threshold, listed or not.
    #[must_use]
    pub fn reached(&self) -> usize {
        let ranked = self.found.as_ref().map_or(&[][..], |found| &found.ranked);
        ranked.partition_point(|found| found.score >= self.threshold)
    }

    /// The shown photos, best first.
    pub fn visible(&self) -> impl ExactSizeIterator<Item = &Match> {
        let listed = self.listed();
        self.shown.iter().map(move |rank| &listed[*rank])
    }

    /// How many of the shown photos are matches, which reach the threshold. They come first; the others are the nearest.
    #[must_use]
    pub fn shown_matches(&self) -> usize {
        self.shown_matches
    }

    /// How the shown photos stand, so many side by side: the matches first, the others from a line of their own on.
    #[must_use]
    pub fn shape(&self, columns: usize) -> Shape {
        Shape::divided(self.shown.len(), columns, self.shown_matches)
    }

    /// The shown photo at `place`.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Match> {
        self.shown.get(place).map(|rank| &self.listed()[*rank])
    }

    /// The photo under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Match> {
        self.at(self.cursor.at)
    }

    /// Whether the photo at `place` is taken.
    #[must_use]
    pub fn mark(&self, place: usize) -> Mark {
        match self.at(place) {
            Some(found) if self.selected.contains(&found.photo.id) => Mark::Selected,
            Some(_) if self.range.holds(place, self.cursor) => Mark::InRange,
            _ => Mark::None,
        }
    }

    /// Begins a range at the cursor, or selects the range that was begun.
    pub fn toggle_range(&mut self) {
        let places = self.range.toggle(self.cursor).into_iter().flatten();
        let ids: Vec<PhotoId> = places.filter_map(|place| Some(self.at(place)?.photo.id)).collect();
        self.selected.extend(ids);
    }

    /// Moves the threshold by whole steps, onto multiples of a step: the line between matches and the nearest others.
    pub fn move_threshold(&mut self, steps: i32) {
        self.threshold = self.next_threshold(steps);
        self.arrange();
    }

    /// The threshold so many steps further.
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

    /// The next number of photos to list, if that lists other ones.
    #[must_use]
    pub fn next_top(&self, amount: Amount) -> Option<usize> {
        let found = self.found.as_ref().map_or(0, |found| found.ranked.len());
        let next = match amount {
            Amount::More if self.top >= found => None,
            Amount::More => TOPS.iter().find(|top| **top > self.top),
            Amount::Fewer => TOPS.iter().rev().find(|top| **top < self.top.min(found)),
        };
        next.copied()
    }

    /// What an operation is about: the selection or, without one, the photo under the cursor.
    #[must_use]
    pub fn subject(&self) -> Vec<PhotoId> {
        if self.selected.is_empty() {
            self.current().map(|found| found.photo.id).into_iter().collect()
        } else {
            self.selected.iter().copied().collect()
        }
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
        };
        let ranked = scores.iter().enumerate().map(|(at, score)| Match { photo: photo(at), score: *score }).collect();
        let mut results = Results::new(0.8, 50);
        results.end(Ok(SearchResult { ranked, compared: 9, ..SearchResult::default() }));
        results
    }

    #[test]
    fn the_threshold_moves_in_whole_steps_and_decides_what_is_a_match() {
        let mut results = results(&[0.99, 0.81, 0.74, 0.3]);
        assert_eq!((results.visible().len(), results.shown_matches()), (4, 2));
        results.cursor.at = 3;
        results.move_threshold(-1);
        assert_eq!(results.shown_matches(), 2);
        results.move_threshold(-1);
        assert_eq!((results.threshold, results.shown_matches()), (0.7, 3));
        results.move_threshold(5);
        assert_eq!((results.shown_matches(), results.visible().len(), results.cursor.at), (1, 4, 3));
        results.move_threshold(100);
        assert_eq!(results.threshold, 1.0);
        assert_eq!(results.next_threshold(1), results.threshold());
    }

    #[test]
    fn the_number_of_photos_moves_between_the_offered_ones() {
        let mut results = results(&[0.9; 30]);
        assert_eq!(results.visible().len(), 30);
        assert_eq!(results.next_top(Amount::More), None, "all are listed");
        results.move_top(Amount::Fewer);
        assert_eq!((results.top, results.visible().len(), results.reached()), (20, 20, 30));
        results.move_top(Amount::More);
        assert_eq!((results.top, results.visible().len()), (50, 30));
        for _ in 0..9 {
            results.move_top(Amount::Fewer);
        }
        assert_eq!((results.top, results.next_top(Amount::Fewer)), (TOPS[0], None));
    }

    #[test]
    fn a_filter_leaves_out_and_keeps_the_order_of_the_scores() {
        let mut results = results(&[0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.89, 0.88]);
        results.cursor.at = 9;
        results.filter.line = super::super::line::Line::with("1");
        results.arrange();
        let names: Vec<&str> = results.visible().map(|found| found.photo.name.as_str()).collect();
        assert_eq!(names, ["1", "10", "11"]);
        assert_eq!(results.current().unwrap().photo.name, "11", "the cursor stays on a photo");
        results.toggle_range();
        results.cursor.at = 1;
        results.toggle_range();
        assert_eq!(results.subject(), [PhotoId::from([10; 16]), PhotoId::from([11; 16])]);
    }
}
