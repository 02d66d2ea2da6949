//! Files in added folders that are not indexed: their paths, and a summary in words.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::services::format::count;

/// Files that were found in folders and are not indexed.
#[derive(Debug, Default)]
pub struct SkippedFiles {
    /// Photos and videos, judged by content, in formats that cannot be read yet; by the format's name.
    pub unsupported: BTreeMap<&'static str, Vec<PathBuf>>,
    /// Files that are neither photos nor videos.
    pub other: Vec<PathBuf>,
    /// Hidden files and folders; what is inside them is not listed.
    pub hidden: Vec<PathBuf>,
}

/// How many files were skipped, without their names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SkippedCounts {
    /// Photos and videos in unsupported formats, most frequent first.
    pub unsupported: Vec<(&'static str, usize)>,
    /// Files that are neither.
    pub other: usize,
    /// Hidden files and folders.
    pub hidden: usize,
}

impl SkippedFiles {
    /// Unsupported formats with their files, most frequent first.
    #[must_use]
    pub fn by_format(&self) -> Vec<(&'static str, &[PathBuf])> {
        let mut formats: Vec<_> = self.unsupported.iter().map(|(format, files)| (*format, files.as_slice())).collect();
        formats.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
        formats
    }

    /// The counts alone.
    #[must_use]
    pub fn counts(&self) -> SkippedCounts {
        let unsupported = self.by_format().into_iter().map(|(format, files)| (format, files.len())).collect();
        SkippedCounts { unsupported, other: self.other.len(), hidden: self.hidden.len() }
    }
}

impl SkippedCounts {
    /// Photos and videos among the files.
    #[must_use]
    pub fn photos_and_videos(&self) -> usize {
        self.unsupported.iter().map(|(_, files)| files).sum()
    }

    /// The photos and videos in words; `None` when there are none.
    #[must_use]
    pub fn photos_and_videos_in_words(&self) -> Option<String> {
        let kinds: Vec<_> = self.unsupported.iter().map(|(format, files)| format!("{files} {format}")).collect();
        let files = count(self.photos_and_videos(), "file");
        (!kinds.is_empty()).then(|| format!("{files}: {} (formats that are not read yet)", kinds.join(", ")))
    }

    /// Other and hidden files in words; `None` when there are none.
    #[must_use]
    pub fn others_in_words(&self) -> Option<String> {
        let hidden = match self.hidden {
            1 => "1 hidden file or folder".to_owned(),
            hidden => format!("{hidden} hidden files or folders"),
        };
        let parts = [(self.other, count(self.other, "other file")), (self.hidden, hidden)];
        let parts: Vec<_> = parts.into_iter().filter(|(files, _)| *files > 0).map(|(_, words)| words).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_most_frequent_first() {
        let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let mut skipped = SkippedFiles { other: files(&["a.txt"]), ..SkippedFiles::default() };
        skipped.unsupported.insert("DNG", files(&["1"]));
        skipped.unsupported.insert("HEIC", files(&["2", "3", "4"]));
        skipped.unsupported.insert("MOV", files(&["5"]));
        let counts = skipped.counts();
        assert_eq!(
            counts.photos_and_videos_in_words().as_deref(),
            Some("5 files: 3 HEIC, 1 DNG, 1 MOV (formats that are not read yet)")
        );
        assert_eq!(counts.others_in_words().as_deref(), Some("1 other file"));
        let counts = SkippedCounts { other: 12, hidden: 1, ..SkippedCounts::default() };
        assert_eq!(counts.others_in_words().as_deref(), Some("12 other files and 1 hidden file or folder"));
        assert_eq!(counts.photos_and_videos_in_words(), None);
        assert_eq!(SkippedCounts::default().others_in_words(), None);
    }
}
