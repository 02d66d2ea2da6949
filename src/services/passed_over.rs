//! Files below added folders that were not taken: which, and in words how many of which kind.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::amount::count;

/// Files that were found in folders and not taken.
#[derive(Debug, Default)]
pub struct PassedOver {
    /// Photos and videos by their content, in formats that are not read, by the format's name.
    pub not_read_yet: BTreeMap<&'static str, Vec<PathBuf>>,
    /// What is neither a photo nor a video.
    pub other: Vec<PathBuf>,
    /// Hidden files and folders, which were not looked at.
    pub hidden: Vec<PathBuf>,
}

/// How many files were passed over; it names none of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Photos and videos by format, most frequent first.
    pub not_read_yet: Vec<(&'static str, usize)>,
    /// Files that are neither.
    pub other: usize,
    /// Hidden files and folders.
    pub hidden: usize,
}

impl PassedOver {
    /// Formats of photos and videos with their files, most frequent first.
    #[must_use]
    pub fn by_format(&self) -> Vec<(&'static str, &[PathBuf])> {
        let mut formats: Vec<_> = self.not_read_yet.iter().map(|(format, files)| (*format, files.as_slice())).collect();
        formats.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
        formats
    }

    /// How many files of which kind.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let not_read_yet = self.by_format().into_iter().map(|(format, files)| (format, files.len())).collect();
        Tally { not_read_yet, other: self.other.len(), hidden: self.hidden.len() }
    }
}

impl Tally {
    /// Photos and videos among the files.
    #[must_use]
    pub fn photos_and_videos(&self) -> usize {
        self.not_read_yet.iter().map(|(_, files)| files).sum()
    }

    /// The photos and videos in words; `None` when there are none.
    #[must_use]
    pub fn photos_and_videos_in_words(&self) -> Option<String> {
        let kinds: Vec<_> = self.not_read_yet.iter().map(|(format, files)| format!("{files} {format}")).collect();
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
        let mut passed_over = PassedOver { other: files(&["a.txt"]), ..PassedOver::default() };
        passed_over.not_read_yet.insert("DNG", files(&["1"]));
        passed_over.not_read_yet.insert("HEIC", files(&["2", "3", "4"]));
        passed_over.not_read_yet.insert("MOV", files(&["5"]));
        let tally = passed_over.tally();
        assert_eq!(
            tally.photos_and_videos_in_words().as_deref(),
            Some("5 files: 3 HEIC, 1 DNG, 1 MOV (formats that are not read yet)")
        );
        assert_eq!(tally.others_in_words().as_deref(), Some("1 other file"));
        let tally = Tally { other: 12, hidden: 1, ..Tally::default() };
        assert_eq!(tally.others_in_words().as_deref(), Some("12 other files and 1 hidden file or folder"));
        assert_eq!(tally.photos_and_videos_in_words(), None);
        assert_eq!(Tally::default().others_in_words(), None);
    }
}
