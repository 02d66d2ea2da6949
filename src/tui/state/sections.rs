//! The photos of the vault in sections: by month or by folder, each with a heading and a number of photos.

use crate::services::library::StoredPhoto;

/// How the photos of the vault are divided.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Grouping {
    /// By the month in which they were taken: a timeline.
    #[default]
    Months,
    /// By the folder in which they were found.
    Folders,
}

/// The order of the photos of the vault; with folders, within each folder.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// By name, numbers by value.
    Name,
    /// The largest first.
    Largest,
}

impl Order {
    /// Every order, in the order in which the key steps through them.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Name, Self::Largest];

    /// The next order.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Its description.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Newest => "newest first",
            Self::Oldest => "oldest first",
            Self::Name => "by name",
            Self::Largest => "largest first",
        }
    }

    /// The word that names it in a command.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Name => "name",
            Self::Largest => "largest",
        }
    }

    /// Whether it follows the dates.
    #[must_use]
    pub fn is_by_date(self) -> bool {
        matches!(self, Self::Newest | Self::Oldest)
    }
}

/// A section of the photos that are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// Its heading; of a folder it may hold anything and must be made inert before it is shown.
    pub title: String,
    /// Its photos.
    pub count: usize,
}

/// Consecutive sections.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sections {
    starts: Vec<usize>,
    sections: Vec<Section>,
}

impl Sections {
    /// Divides `photos` where the title changes.
    pub fn of<'a>(photos: impl Iterator<Item = &'a StoredPhoto>, title: impl Fn(&StoredPhoto) -> String) -> Self {
        let mut sections = Self::default();
        for (place, photo) in photos.enumerate() {
            let title = title(photo);
            match sections.sections.last_mut() {
                Some(section) if section.title == title => section.count += 1,
                _ => {
                    sections.starts.push(place);
                    sections.sections.push(Section { title, count: 1 });
                }
            }
        }
        sections
    }

    /// The place of each section's first photo.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The sections with the place of the first photo of each.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &Section)> {
        self.starts.iter().copied().zip(&self.sections)
    }

    /// The section with this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Section> {
        self.sections.get(number)
    }
}

/// The months of a year.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month of a photo in words: `May 2024`.
#[must_use]
pub fn month(photo: &StoredPhoto) -> String {
    let date = photo.date().unwrap_or_default();
    let number: Option<usize> = date.get(5..7).and_then(|month| month.parse().ok());
    match (date.get(..4), number.and_then(|number| MONTHS.get(number.wrapping_sub(1)))) {
        (Some(year), Some(name)) => format!("{name} {year}"),
        _ => "no date".to_owned(),
    }
}

/// The folder of a photo.
#[must_use]
pub fn folder(photo: &StoredPhoto) -> String {
    photo.folder().unwrap_or_else(|| "no folder".to_owned())
}
