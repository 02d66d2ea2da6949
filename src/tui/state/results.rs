//! The last search: what was looked for, what was found, and how it is shown.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::super::fuzzy;
use super::browser::Filter;
use super::cursor::{Cursor, Mark, Range};
use super::{PhotoId, StoredPhoto};

/// What was looked for. Has no `Debug`: queries are not for logs.
#[derive(Clone, Eq, PartialEq)]
pub enum Query {
    /// What a photo of the file system shows.
    File(PathBuf),
    /// What a photo of the vault shows.
    Stored(StoredPhoto),
}

/// A photo that was found. Has no `Debug`: names are not for logs.
#[derive(Clone, PartialEq)]
pub struct Match {
    /// The photo.
    pub photo: StoredPhoto,
    /// Cosine similarity with the query, -1 to 1.
    pub score: f32,
}

/// How long each step of a search took.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
    /// Photo to vector.
    pub features: Duration,
    /// Encrypting the query.
    pub encrypt: Duration,
    /// Similarities on ciphertexts.
    pub scan: Duration,
    /// Decrypting and ranking the scores.
    pub decrypt: Duration,
}

impl Timing {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.features + self.encrypt + self.scan + self.decrypt
    }
}

/// What a search found: the best photos whatever the threshold, so that it can be moved without searching again.
#[derive(Clone, PartialEq)]
pub struct Found {
    /// The most similar photos, best first.
    pub ranked: Vec<Match>,
    /// Photos compared.
    pub compared: usize,
    /// How long it took.
    pub timing: Timing,
}

/// How matches are laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrangement {
    /// A line each, with a bar.
    List,
    /// Thumbnails side by side.
    Grid,
}

impl Arrangement {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::List => Self::Grid,
            Self::Grid => Self::List,
        }
    }
}

/// The results' part of the state.
#[derive(Clone)]
pub struct Results {
    /// What was looked for last.
    pub query: Option<Query>,
    /// What was found.
    found: Option<Found>,
    /// Which of it is shown: ranks of those that reach the threshold, at most `top` of them, and pass the filter.
    shown: Vec<usize>,
    /// Why nothing could be found.
    pub error: Option<String>,
    /// Whether a search is under way.
    pub is_searching: bool,
    /// Matches score at least this.
    threshold: f32,
    /// At most this many matches are listed.
    top: usize,
    /// List or grid.
    pub arrangement: Arrangement,
    /// The place among the shown matches.
    pub cursor: Cursor,
    /// Selected photos.
    pub selected: BTreeSet<PhotoId>,
    /// The range that is being marked among the shown matches.
    pub range: Range,
    /// Narrows the matches by name.
    pub filter: Filter,
}

/// Which way the number of matches goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amount {
    /// Up.
    More,
    /// Down.
    Fewer,
}

/// One step of the threshold.
pub const THRESHOLD_STEP: f32 = 0.05;
/// The numbers of matches to choose from.
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
            error: None,
            is_searching: false,
            threshold,
            top,
            arrangement: Arrangement::Grid,
            cursor: Cursor::default(),
            selected: BTreeSet::new(),
            range: Range::default(),
            filter: Filter::default(),
        }
    }

    /// A search for `query` begins.
    pub fn begin(&mut self, query: Query) {
        let (threshold, top, arrangement) = (self.threshold, self.top, self.arrangement);
        *self = Self { query: Some(query), is_searching: true, arrangement, ..Self::new(threshold, top) };
    }

    /// The search is over.
    pub fn end(&mut self, result: Result<Found, String>) {
        self.is_searching = false;
        match result {
            Ok(found) => self.found = Some(found),
            Err(reason) => self.error = Some(reason),
        }
        self.arrange();
    }

    /// What was found, whatever its score.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// The similarity from which a photo matches.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// At most this many matches are listed.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// Applies threshold, number and filter. The order stays that of the scores: the filter only leaves out.
    pub fn arrange(&mut self) {
        let reached = self.reached();
        let pattern = self.filter.line.text();
        let passes = |rank: &usize| pattern.is_empty() || fuzzy::score(pattern, &reached[*rank].photo.name).is_some();
        self.shown = (0..reached.len()).filter(passes).collect();
        self.range = Range::default();
        self.cursor.stay_within(self.shown.len());
    }

    /// What reaches the threshold, at most `top`, whatever the filter.
    #[must_use]
    pub fn reached(&self) -> &[Match] {
        let ranked = self.found.as_ref().map_or(&[][..], |found| &found.ranked);
        let reached = ranked.partition_point(|found| found.score >= self.threshold);
        &ranked[..reached.min(self.top)]
    }

    /// The shown matches, best first.
    pub fn matches(&self) -> impl ExactSizeIterator<Item = &Match> {
        let reached = self.reached();
        self.shown.iter().map(move |rank| &reached[*rank])
    }

    /// The shown match at `place`.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Match> {
        self.shown.get(place).map(|rank| &self.reached()[*rank])
    }

    /// The most similar photos below the threshold, when nothing reaches it.
    #[must_use]
    pub fn nearest(&self) -> &[Match] {
        match &self.found {
            Some(found) if self.reached().is_empty() => &found.ranked[..found.ranked.len().min(3)],
            _ => &[],
        }
    }

    /// The match under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Match> {
        self.at(self.cursor.at)
    }

    /// Whether the match at `place` is taken.
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

    /// Moves the threshold by whole steps, onto multiples of a step.
    pub fn move_threshold(&mut self, steps: i32) {
        let at = (self.threshold / THRESHOLD_STEP).round() as i32 + steps;
        let most = (1.0 / THRESHOLD_STEP).round() as i32;
        self.threshold = at.clamp(-most, most) as f32 * THRESHOLD_STEP;
        self.arrange();
    }

    /// Lists more or fewer matches.
    pub fn move_top(&mut self, amount: Amount) {
        let next = match amount {
            Amount::More => TOPS.iter().find(|top| **top > self.top),
            Amount::Fewer => TOPS.iter().rev().find(|top| **top < self.top),
        };
        self.top = next.copied().unwrap_or(self.top);
        self.arrange();
    }

    /// What an operation is about: the selection or, without one, the match under the cursor.
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
            id: PhotoId([number as u8; 16]),
            name: number.to_string(),
            bytes: 1,
            width: 1,
            height: 1,
            date: None,
        };
        let ranked = scores.iter().enumerate().map(|(at, score)| Match { photo: photo(at), score: *score }).collect();
        let mut results = Results::new(0.8, 50);
        results.end(Ok(Found { ranked, compared: 9, timing: Timing::default() }));
        results
    }

    #[test]
    fn the_threshold_moves_in_whole_steps_and_decides_what_is_shown() {
        let mut results = results(&[0.99, 0.81, 0.74, 0.3]);
        assert_eq!(results.matches().len(), 2);
        results.cursor.at = 1;
        results.move_threshold(-1);
        assert_eq!(results.matches().len(), 2);
        results.move_threshold(-1);
        assert_eq!((results.threshold, results.matches().len()), (0.7, 3));
        results.move_threshold(5);
        assert_eq!((results.matches().len(), results.cursor.at), (1, 0));
        results.move_threshold(100);
        assert_eq!(results.threshold, 1.0);
    }

    #[test]
    fn nearest_photos_are_named_only_when_nothing_matches() {
        let mut results = results(&[0.7, 0.6, 0.5, 0.4]);
        assert_eq!(results.nearest().len(), 3);
        results.move_threshold(-3);
        assert!(results.nearest().is_empty());
    }

    #[test]
    fn the_number_of_matches_moves_between_the_offered_ones() {
        let mut results = results(&[0.9; 30]);
        assert_eq!(results.matches().len(), 30);
        results.move_top(Amount::Fewer);
        assert_eq!((results.top, results.matches().len()), (20, 20));
        for _ in 0..9 {
            results.move_top(Amount::More);
        }
        assert_eq!(results.top, LARGEST_TOP);
    }

    #[test]
    fn a_filter_leaves_out_and_keeps_the_order_of_the_scores() {
        let mut results = results(&[0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.89, 0.88]);
        results.cursor.at = 9;
        results.filter.line = super::super::line::Line::with("1");
        results.arrange();
        let names: Vec<&str> = results.matches().map(|found| found.photo.name.as_str()).collect();
        assert_eq!(names, ["1", "10", "11"]);
        assert_eq!(results.current().unwrap().photo.name, "11", "the cursor stays on a match");
        results.toggle_range();
        results.cursor.at = 1;
        results.toggle_range();
        assert_eq!(results.subject(), [PhotoId([10; 16]), PhotoId([11; 16])]);
    }
}
