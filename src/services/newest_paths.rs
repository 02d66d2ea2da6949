//! What is known of the paths that were looked at last, in bounded memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Values of paths. When there are too many, those that were set longest ago are dropped, half of them at a time.
#[derive(Debug)]
pub struct NewestPaths<V> {
    most: usize,
    newer: HashMap<PathBuf, V>,
    /// Set before all of `newer`.
    older: HashMap<PathBuf, V>,
}

impl<V> NewestPaths<V> {
    /// Holds up to `most` values, and at least the newest half of as many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, newer: HashMap::new(), older: HashMap::new() }
    }

    /// The value of `path`.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&V> {
        self.newer.get(path).or_else(|| self.older.get(path))
    }

    /// Sets the value of `path`.
    pub fn set(&mut self, path: PathBuf, value: V) {
        self.older.remove(&path);
        self.newer.insert(path, value);
        if self.newer.len() >= self.most.div_ceil(2) {
            self.older = std::mem::take(&mut self.newer);
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.newer.clear();
        self.older.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_no_more_than_the_limit() {
        let mut paths = NewestPaths::new(10);
        for number in 0..100 {
            paths.set(PathBuf::from(number.to_string()), number);
            let held = (0..=number).filter(|number| paths.get(Path::new(&number.to_string())).is_some()).count();
            assert!(held <= 10 && held >= 5.min(number + 1), "{held} at {number}");
            for newest in number.saturating_sub(4)..=number {
                assert_eq!(paths.get(Path::new(&newest.to_string())), Some(&newest));
            }
        }
        paths.set(PathBuf::from("99"), 0);
        assert_eq!(paths.get(Path::new("99")), Some(&0));
        paths.clear();
        assert_eq!(paths.get(Path::new("99")), None);
    }
}
