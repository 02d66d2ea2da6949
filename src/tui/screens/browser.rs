//! The files tab: folders and photos, and a preview of the photo under the cursor.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::preview::Subject;
use super::super::state::browser::{Entry, Kind, Sorting};
use super::super::state::grid_layout::{GridLayout, Rows};
use super::super::state::list::List;
use super::super::state::{Pane, Viewport};
use super::canvas::{Canvas, Focus, Target};
use super::{contact_sheet, picture};
use crate::services::name::inert;
use crate::services::survey::{Coverage, Extent, Survey};

/// The columns of the list, at most.
const WIDEST_LIST: u16 = 72;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    if canvas.viewport.is_one_pane {
        match canvas.state.pane {
            Pane::List => list(canvas, area),
            Pane::Preview => preview(canvas, area),
        }
        return;
    }
    // Names need no more columns on a wide screen, pictures do.
    let part = if area.width >= 100 { area.width * 44 / 100 } else { area.width / 2 };
    let [left, right] =
        Layout::horizontal([Constraint::Length(part.min(WIDEST_LIST)), Constraint::Fill(1)]).areas(area);
    list(canvas, left);
    preview(canvas, right);
}

fn list(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let browser = &canvas.state.browser;
    let title = format::path(&browser.folder);
    let title = format::fit_end(&title, usize::from(area.width.saturating_sub(4))).into_owned();
    let inner = canvas.pane(area, &title, Focus::Here);
    let count = browser.list.visible().len();
    canvas.viewport = Viewport { columns: 1, lines: usize::from(inner.height), ..canvas.viewport };
    if count == 0 {
        return empty(canvas, inner);
    }
    let rows = Rows { all: usize::from(inner.height), line: 1, heading: 0 };
    let first = GridLayout::whole(count, 1).first_line(browser.list.cursor.top, browser.list.cursor.at, rows);
    canvas.viewport.top = first;
    let bar = Rect { x: area.right().saturating_sub(1), width: 1, ..inner };
    canvas.scrollbar(bar, first, usize::from(inner.height), count, &|line| line);
    let browser = &canvas.state.browser;
    let rows = browser.list.visible().enumerate().skip(first).zip(inner.y..inner.bottom());
    for ((place, entry), y) in rows {
        let row = Rect { y, height: 1, ..inner };
        let line = row_of(canvas, entry, place, usize::from(inner.width));
        canvas.frame.render_widget(line, row);
        if place == browser.list.cursor.at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Item(place)));
    }
}

fn row_of(canvas: &Canvas<'_, '_>, entry: &Entry, place: usize, columns: usize) -> Line<'static> {
    let browser = &canvas.state.browser;
    let theme = canvas.theme;
    let mark = canvas.sign(browser.list.mark(place));
    let coverage = match entry.kind {
        Kind::Photo => browser.is_stored(entry).then_some(Coverage::All),
        Kind::Folder => browser.surveys.of(&entry.path).and_then(Survey::coverage),
    };
    let stored = match coverage {
        Some(Coverage::All) => Span::styled("✓", theme.stored),
        Some(Coverage::Some) => Span::styled("◐", theme.stored),
        Some(Coverage::None) | None => Span::raw(" "),
    };
    let size = if entry.kind == Kind::Photo { format::size(entry.bytes) } else { String::new() };
    let date = entry.modified.map(format::day).unwrap_or_default();
    let mut tail = String::new();
    match columns {
        46.. => tail.push_str(&format!(" {size:>7}  {date:10} ")),
        // Room for one fact: the one that the list is sorted by.
        30.. if browser.sorting == Sorting::Newest => tail.push_str(&format!(" {date:10} ")),
        30.. => tail.push_str(&format!(" {size:>7} ")),
        _ => {}
    }
    let room = columns.saturating_sub(format::width(&tail) + 4);
    let name = inert(&entry.name);
    let name = match entry.kind {
        Kind::Folder => Span::styled(format::padded(&format!("{name}/"), room), theme.folder),
        Kind::Photo => Span::raw(format::padded(&name, room)),
    };
    Line::from(vec![mark, Span::raw(" "), name, Span::raw(" "), stored, Span::styled(tail, theme.faint)])
}

fn empty(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let browser = &canvas.state.browser;
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if browser.is_loading {
        lines.push(Line::styled(format!("{} reading the folder", canvas.spinner()), theme.faint));
    } else if let Some(reason) = &browser.error {
        lines.push(Line::styled("✗ this folder cannot be read", theme.bad));
        lines.push(Line::styled(inert(reason).into_owned(), theme.faint));
        lines.extend(canvas.press(Action::Parent, "for the folder above"));
    } else if !browser.list.items().is_empty() {
        lines.push(Line::raw("nothing matches the filter"));
        lines.extend(canvas.press(Action::Back, "to clear it"));
    } else {
        lines.push(Line::raw(match browser.other_files {
            0 => "this folder is empty".to_owned(),
            count => format!("no photos here, only {}", format::count(count, "other file")),
        }));
        lines.extend(canvas.press(Action::Parent, "for the folder above"));
    }
    canvas.notice(area, lines);
}

fn preview(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let Some(entry) = canvas.state.browser.list.current() else {
        let inner = canvas.pane(area, "preview", Focus::Elsewhere);
        let line = Line::styled("the photo under the cursor is shown here", canvas.theme.faint);
        return canvas.notice(inner, vec![line]);
    };
    if entry.kind == Kind::Folder {
        return folder(canvas, area, entry);
    }
    let is_stored = canvas.state.browser.is_stored(entry);
    picture::preview(canvas, area, &entry.name, Subject::File(entry.path.clone()), &mut |canvas, pixels| {
        let mut parts = Vec::new();
        parts.extend(pixels.map(|(width, height)| format!("{width}×{height}")));
        parts.push(format::size(entry.bytes));
        parts.extend(entry.modified.map(format::day));
        let mut spans = vec![Span::styled(parts.join(" · "), canvas.theme.faint)];
        if is_stored {
            spans.extend([Span::raw("  "), Span::styled("✓ in the vault", canvas.theme.stored)]);
        }
        vec![Line::from(spans)]
    });
}

/// A folder: its first photos, how many there are, and how many of them the vault holds.
fn folder(canvas: &mut Canvas<'_, '_>, area: Rect, entry: &Entry) {
    let inner = canvas.pane(area, &format!("{}/", inert(&entry.name)), Focus::Elsewhere);
    let survey = canvas.state.browser.surveys.of(&entry.path);
    let mut about = match survey {
        Some(survey) => vec![Line::raw(in_numbers(survey))],
        None => vec![Line::styled("looking into the folder", canvas.theme.faint)],
    };
    about.extend(survey.and_then(|survey| in_the_vault(canvas, survey)));
    let mut keys = vec![(Action::Enter, "open")];
    // With a selection the key applies to that. Where there is nothing new, adding it is no next step.
    let has_new = survey.is_none_or(|survey| survey.photos > survey.stored);
    if canvas.state.browser.list.selected().is_empty() && has_new {
        keys.push((Action::Index, "add to the vault"));
    }
    about.push(canvas.hints(&keys));
    let photos: Vec<Subject> =
        survey.map(|survey| survey.first.iter().cloned().map(Subject::File).collect()).unwrap_or_default();
    // The number of lines must not depend on what is known yet, or thumbnails would change their size.
    let [sheet, text] = Layout::vertical([Constraint::Fill(1), Constraint::Length(3)]).areas(inner);
    if photos.is_empty() || canvas.pictures.encoder().is_none() || sheet.height < contact_sheet::LOWEST {
        return canvas.notice(inner, about);
    }
    let sheet = Rect { x: sheet.x + 1, width: sheet.width.saturating_sub(1), ..sheet };
    contact_sheet::draw(canvas, sheet, &photos);
    for (line, y) in about.into_iter().zip(text.y..text.bottom()) {
        let row = Rect { x: text.x + 1, y, width: text.width.saturating_sub(2), height: 1 };
        canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
    }
}

/// Photos, folders and bytes; of a part, more than these.
fn in_numbers(survey: &Survey) -> String {
    let mut parts = vec![match survey.photos {
        0 if survey.is_over => "no photos".to_owned(),
        photos => format::count(photos, "photo"),
    }];
    if survey.folders > 0 {
        parts.push(format::count(survey.folders, "folder"));
    }
    if survey.unreadable > 0 {
        parts.push(format!("{} cannot be read", format::count(survey.unreadable, "path")));
    }
    if survey.photos > 0 {
        parts.push(format::size(survey.bytes));
    } else {
        let others = survey.skipped.other + survey.skipped.photos_and_videos();
        parts.extend((others > 0).then(|| format::count(others, "other file")));
    }
    let parts = parts.join(", ");
    match (survey.found, survey.is_over) {
        (Extent::Whole, _) => parts,
        (Extent::Partial, true) if survey.photos == 0 => format!("{parts} in the first folders"),
        (Extent::Partial, true) => format!("more than {parts}"),
        (Extent::Partial, false) => format!("{parts} so far"),
    }
}

/// How many of the photos the vault holds, if one is open.
fn in_the_vault(canvas: &Canvas<'_, '_>, survey: &Survey) -> Option<Line<'static>> {
    let theme = canvas.theme;
    canvas.state.session.open()?;
    if survey.photos == 0 {
        return None;
    }
    let is_whole = survey.found == Extent::Whole && survey.compared == Extent::Whole;
    let some = format!("{} of {}", survey.stored, survey.photos);
    Some(match survey.coverage() {
        Some(Coverage::All) => Line::styled("✓ all in the vault", theme.stored),
        Some(Coverage::Some) if is_whole => Line::styled(format!("◐ {some} in the vault"), theme.stored),
        Some(Coverage::Some) => Line::styled(format!("◐ at least {some} in the vault"), theme.stored),
        Some(Coverage::None) => Line::styled("none in the vault", theme.faint),
        None if survey.is_over => Line::styled("not compared with the vault to the end", theme.faint),
        None => Line::styled(format!("{} comparing with the vault", canvas.spinner()), theme.faint),
    })
}

/// The status line: numbers of photos, selected entries and other files.
pub(super) fn status(canvas: &Canvas<'_, '_>) -> Line<'static> {
    let browser = &canvas.state.browser;
    let photos = browser.list.photo_count();
    let folders = browser.list.count() - photos;
    let mut parts = vec![format::count(photos, "photo")];
    if folders > 0 {
        parts.push(format::count(folders, "folder"));
    }
    parts.push(browser.sorting.title().to_owned());
    if !browser.list.filter.field.text().is_empty() {
        parts.push(format!("filter “{}”", inert(browser.list.filter.field.text())));
    }
    let mut spans = vec![Span::styled(parts.join(" · "), canvas.theme.faint)];
    if !browser.list.selected().is_empty() {
        let text = format!("  ● {} selected", browser.list.selected().len());
        spans.push(Span::styled(text, canvas.theme.selected));
    }
    // Last, so that narrow screens cut it off first.
    if browser.other_files > 0 {
        let text = format!("  {}", format::count(browser.other_files, "other file"));
        spans.push(Span::styled(text, canvas.theme.faint));
    }
    Line::from(spans)
}
