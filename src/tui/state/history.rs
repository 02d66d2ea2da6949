//! Searches before and after the one that is shown, with their results as they were.

use super::results::{Query, Results};
use crate::services::search::SearchResult;

/// The most searches that are kept in each direction.
const KEPT: usize = 20;

/// Searches before and after the one that is shown.
#[derive(Clone, Default)]
pub struct History {
    /// Oldest first.
    before: Vec<Results>,
    /// The next one last.
    after: Vec<Results>,
}

impl History {
    /// Keeps `results`, which a new search replaces.
    pub fn keep(&mut self, results: Results) {
        self.after.clear();
        if self.before.len() == KEPT {
            self.before.remove(0);
        }
        self.before.push(results);
    }

    /// Whether there was a search before.
    #[must_use]
    pub fn has_previous(&self) -> bool {
        !self.before.is_empty()
    }

    /// Whether there was a search after.
    #[must_use]
    pub fn has_next(&self) -> bool {
        !self.after.is_empty()
    }

    /// Replaces `shown` by the search before.
    pub fn previous(&mut self, shown: &mut Results) {
        step(&mut self.before, &mut self.after, shown);
    }

    /// Replaces `shown` by the search after.
    pub fn next(&mut self, shown: &mut Results) {
        step(&mut self.after, &mut self.before, shown);
    }

    /// Ends a search that is not shown any more. Returns the result if it was none of these.
    pub fn end(&mut self, query: &Query, result: Result<SearchResult, String>) -> Option<Result<SearchResult, String>> {
        let mut all = self.before.iter_mut().chain(&mut self.after);
        match all.find(|results| results.is_searching && results.query.as_ref() == Some(query)) {
            Some(results) => {
                results.end(result);
                None
            }
            None => Some(result),
        }
    }
}

/// Moves the last of `from` to `shown`, and that to `to`. Mark and number of results stay as they are set.
fn step(from: &mut Vec<Results>, to: &mut Vec<Results>, shown: &mut Results) {
    if let Some(mut other) = from.pop() {
        other.mark_as(shown);
        to.push(std::mem::replace(shown, other));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn results(name: &str) -> Results {
        let mut results = Results::new(0.8, 50);
        results.begin(Query::File(PathBuf::from(name)));
        results
    }

    fn name(results: &Results) -> String {
        match &results.query {
            Some(Query::File(path)) => path.display().to_string(),
            _ => String::new(),
        }
    }

    #[test]
    fn one_goes_back_and_forward_and_a_new_search_ends_the_way_forward() {
        let (mut history, mut shown) = (History::default(), results("c"));
        history.keep(results("a"));
        history.keep(results("b"));
        history.previous(&mut shown);
        history.previous(&mut shown);
        history.previous(&mut shown);
        assert_eq!((name(&shown).as_str(), history.has_previous()), ("a", false));
        history.next(&mut shown);
        assert_eq!((name(&shown).as_str(), history.has_next()), ("b", true));
        history.keep(shown);
        assert!(!history.has_next());
    }

    #[test]
    fn a_search_that_ends_later_is_not_lost() {
        let (mut history, mut shown) = (History::default(), results("b"));
        history.keep(results("a"));
        let query = Query::File(PathBuf::from("a"));
        assert!(history.end(&query, Err("damaged".to_owned())).is_none());
        assert!(history.end(&query, Err("damaged".to_owned())).is_some(), "it has ended");
        history.previous(&mut shown);
        assert_eq!(shown.error.as_deref(), Some("damaged"));
    }

    #[test]
    fn old_searches_are_dropped() {
        let mut history = History::default();
        for number in 0..KEPT + 3 {
            history.keep(results(&number.to_string()));
        }
        assert_eq!((history.before.len(), name(&history.before[0]).as_str()), (KEPT, "3"));
    }
}
