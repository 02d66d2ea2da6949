//! Moving to a date, a section or a name in the list of the shown tab.

use super::super::state::cursor::Cursor;
use super::super::state::list::List;
use super::super::state::sections::{Grouping, MONTHS, Order, folder};
use super::super::state::{State, Tab};
use crate::services::library::StoredPhoto;

/// Moves the cursor to what `text` names: in a timeline a date (`2019`, `2019-06`, `2019-06-30`), else a section, else
/// a name that begins with the text or holds it.
pub(super) fn to(state: &mut State, text: &str) {
    let place = match state.tab {
        Tab::Vault => by_date(state, text).or_else(|| by_section(state, text)),
        Tab::Files | Tab::Results | Tab::Indexing => None,
    };
    let place = place.or_else(|| by_name(&names(state), text)).or_else(|| by_folder(state, text));
    match (place, state.list_mut()) {
        // As near to the top of the screen as the list allows.
        (Some(place), Some(list)) => *list.cursor_mut() = Cursor { at: place, top: usize::MAX },
        _ => state.messages.refuse(format!("there is nothing like “{text}” in this list")),
    }
}

/// The start of an ISO 8601 date that was typed; `None` if it is none.
fn date(text: &str) -> Option<String> {
    if let Some((month, year)) = text.split_once(' ') {
        // `June 2019`
        let month = month.to_lowercase();
        let number = MONTHS.iter().position(|name| month.len() >= 3 && name.to_lowercase().starts_with(&month))?;
        return date(&format!("{}-{}", year.trim(), number + 1));
    }
    let mut parts = text.split(['-', '/', '.']);
    let year = parts.next().filter(|year| year.len() == 4)?;
    let parts: Vec<&str> = std::iter::once(year).chain(parts).collect();
    let is_number = |part: &&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return None;
    }
    let is_within =
        |part: Option<&&str>, most: u32| part.is_none_or(|part| part.parse().is_ok_and(|n| (1..=most).contains(&n)));
    if !is_within(parts.get(1), 12) || !is_within(parts.get(2), 31) {
        return None;
    }
    Some(parts.iter().map(|part| format!("{part:0>2}")).collect::<Vec<_>>().join("-"))
}

/// The first photo of a date or, in a timeline without one, the one next to it.
fn by_date(state: &State, text: &str) -> Option<usize> {
    let wanted = date(text)?;
    let collection = &state.collection;
    let start = |photo: &StoredPhoto| photo.date().and_then(|date| Some(date.get(..wanted.len())?.to_owned()));
    let find = |is_meant: &dyn Fn(&str) -> bool| {
        collection.list.visible().position(|photo| start(photo).is_some_and(|date| is_meant(&date)))
    };
    let nearest = || match collection.order() {
        Order::Newest => find(&|date| date < &*wanted).or(collection.list.count().checked_sub(1)),
        Order::Oldest => find(&|date| date > &*wanted).or(collection.list.count().checked_sub(1)),
        Order::Name | Order::Largest => None,
    };
    let exact = find(&|date| date == wanted);
    // By folders, dates begin anew in each: there is no nearest one.
    exact.or_else(|| if collection.grouping() == Grouping::Months { nearest() } else { None })
}

fn by_section(state: &State, text: &str) -> Option<usize> {
    let titles: Vec<(usize, String)> =
        state.collection.sections.iter().map(|(place, section)| (place, section.title.clone())).collect();
    let names: Vec<&str> = titles.iter().map(|(_, title)| title.as_str()).collect();
    by_name(&names, text).map(|at| titles[at].0)
}

/// The first photo of the vault whose folder the text names.
fn by_folder(state: &State, text: &str) -> Option<usize> {
    if state.tab != Tab::Vault {
        return None;
    }
    let folders: Vec<String> = state.collection.list.visible().map(folder).collect();
    by_name(&folders.iter().map(String::as_str).collect::<Vec<_>>(), text)
}

fn names(state: &State) -> Vec<&str> {
    match state.tab {
        Tab::Files => state.browser.list.visible().map(|entry| entry.name.as_str()).collect(),
        Tab::Results => state.results.list.visible().map(|found| found.photo.name.as_str()).collect(),
        Tab::Vault => state.collection.list.visible().map(|photo| photo.name.as_str()).collect(),
        Tab::Indexing => Vec::new(),
    }
}

/// The first name that is the text, begins with it, or holds it, whatever its case.
fn by_name(names: &[&str], text: &str) -> Option<usize> {
    let wanted = text.to_lowercase();
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let ways: [&dyn Fn(&String) -> bool; 3] =
        [&|name| *name == wanted, &|name| name.starts_with(&wanted), &|name| name.contains(&wanted)];
    ways.iter().find_map(|is_meant| lower.iter().position(is_meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_by_year_month_and_day() {
        for (text, expected) in [
            ("2019", Some("2019")),
            ("2019-6", Some("2019-06")),
            ("2019/06/3", Some("2019-06-03")),
            ("2019.6.30", Some("2019-06-30")),
            ("201", None),
            ("20199", None),
            ("2019-", None),
            ("2019-june", None),
            ("June 2019", Some("2019-06")),
            ("jun 2019", Some("2019-06")),
            ("J 2019", None),
            ("2019-13", None),
            ("2019-06-32", None),
            ("2019-1-2-3", None),
            ("IMG_2019", None),
        ] {
            assert_eq!(date(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_by_its_start_before_its_middle() {
        let names = ["a-cat.jpg", "Cat.jpg", "catalogue.jpg"];
        assert_eq!(by_name(&names, "cat"), Some(1));
        assert_eq!(by_name(&names, "catalogue.JPG"), Some(2));
        assert_eq!(by_name(&names, "-cat"), Some(0));
        assert_eq!(by_name(&names, "dog"), None);
    }
}
