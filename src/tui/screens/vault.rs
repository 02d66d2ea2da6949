//! The vault tab: a timeline of its photos, or its folders, as a grid or as lines.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::format;
use super::super::state::indexing::Indexing;
use super::super::state::sections::Grouping;
use super::super::state::tiles::Arrangement;
use super::canvas::Canvas;
use super::{copies, grid, information};
use crate::services::library::StoredPhoto;
use crate::services::name::inert;

/// The rows below which the photos need all room.
const ROWS_FOR_COPIES: u16 = 16;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let photo = canvas.state.collection.list.current();
    let Some(area) = canvas.beside_information(area, &mut |canvas, pane| information::draw(canvas, pane, photo)) else {
        return;
    };
    let lines = if area.height < ROWS_FOR_COPIES { Vec::new() } else { copies::in_need(canvas) };
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [area, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area);
    for (line, y) in lines.into_iter().zip(below.y..below.bottom()) {
        let row = Rect { x: below.x + 1, width: below.width.saturating_sub(2), y, height: 1 };
        canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
    }
    photos(canvas, area);
}

fn photos(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let collection = &canvas.state.collection;
    let count = collection.list.visible().len();
    if count == 0 {
        return empty(canvas, area);
    }
    let has_headings = !collection.sections.starts().is_empty();
    let items = grid::Items {
        count,
        cursor: collection.list.cursor,
        sections: collection.sections.starts(),
        heading: if has_headings { Some(&heading) } else { None },
    };
    if canvas.state.tiles.arrangement == Arrangement::List {
        return grid::lines(canvas, area, &items, &|canvas, place, columns| {
            let photo = canvas.state.collection.list.at(place)?;
            Some(row_of(canvas, photo, place, columns))
        });
    }
    grid::draw(canvas, area, &items, &|canvas, place, columns| {
        let collection = &canvas.state.collection;
        let photo = collection.list.at(place)?;
        Some(grid::Item {
            photo: photo.id,
            mark: collection.list.mark(place),
            caption: caption(canvas, photo, columns),
        })
    });
}

/// The heading of a section: a month or a folder, and how many photos it has.
fn heading(canvas: &Canvas<'_, '_>, number: usize, columns: usize) -> Line<'static> {
    let Some(section) = canvas.state.collection.sections.get(number) else { return Line::default() };
    let photos = format::count(section.count, "photo");
    let room = columns.saturating_sub(format::width(&photos) + 6);
    let title = inert(&section.title);
    // Of a path the end says most.
    let title = match canvas.state.collection.grouping() {
        Grouping::Months => format::fit(&title, room),
        Grouping::Folders => format::fit_end(&title, room),
    };
    Line::from(vec![
        Span::styled(format!(" {title} "), canvas.theme.title),
        Span::styled(format!("· {photos}"), canvas.theme.faint),
    ])
}

/// The day of the month, which the heading completes, and the name.
fn caption(canvas: &Canvas<'_, '_>, photo: &StoredPhoto, columns: usize) -> Line<'static> {
    let collection = &canvas.state.collection;
    let name = inert(&photo.name);
    // Cameras count at the end of a name.
    let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    let day = photo.day().filter(|_| collection.grouping() == Grouping::Months && collection.order().is_by_date());
    let day = day.and_then(|day| Some(format!("{} ", day.get(8..)?)));
    let day = day.map(|day| inert(&day).into_owned()).unwrap_or_default();
    let room = columns.saturating_sub(format::width(&day));
    Line::from(vec![
        Span::styled(day, canvas.theme.faint),
        Span::raw(if format::width(&name) <= room {
            name.into_owned()
        } else {
            format::fit_end(stem, room).into_owned()
        }),
    ])
}

fn row_of(canvas: &Canvas<'_, '_>, photo: &StoredPhoto, place: usize, columns: usize) -> Line<'static> {
    let date = photo.minute().unwrap_or_else(|| "no date".to_owned());
    let size = format::size(photo.bytes);
    let folder = photo.folder().unwrap_or_default();
    let tail = match columns {
        90.. => {
            format!(" {}  {size:>7}  {:16} ", format::padded(&format::fit_end(&inert(&folder), 30), 30), inert(&date))
        }
        52.. => format!(" {size:>7}  {:16} ", inert(&date)),
        36.. => format!(" {:16} ", inert(&date)),
        _ => String::new(),
    };
    let room = columns.saturating_sub(format::width(&tail) + 2);
    Line::from(vec![
        canvas.sign(canvas.state.collection.list.mark(place)),
        Span::raw(" "),
        Span::raw(format::padded(&inert(&photo.name), room)),
        Span::styled(tail, canvas.theme.faint),
    ])
}

fn empty(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let collection = &canvas.state.collection;
    let theme = canvas.theme;
    let mut lines = Vec::new();
    if canvas.state.session.open().is_none() {
        lines.push(Line::raw("no vault is open"));
        lines.extend(canvas.press(Action::Lock, "to open or create one"));
    } else if let Some(reason) = &collection.error {
        lines.push(Line::styled("✗ the photos cannot be listed", theme.bad));
        lines.push(Line::styled(inert(reason).into_owned(), theme.faint));
        lines.extend(canvas.press(Action::Reload, "to try again"));
    } else if !collection.is_listed {
        lines.push(Line::styled(format!("{} reading the catalogue", canvas.spinner()), theme.faint));
    } else if collection.list.items().is_empty() && canvas.state.indexing.as_ref().is_some_and(Indexing::is_running) {
        lines.push(Line::raw("photos are being added: they appear here as soon as they are saved"));
    } else if collection.list.items().is_empty() {
        lines.push(Line::raw("the vault is empty"));
        lines.extend(canvas.press(Action::Files, "to go to Files and add some"));
    } else {
        lines.push(Line::raw("no name matches the filter"));
        lines.extend(canvas.press(Action::Back, "to clear it"));
    }
    canvas.notice(area, lines);
}

/// The status line: the selection, and the photo under the cursor.
pub(super) fn status(canvas: &Canvas<'_, '_>) -> Line<'static> {
    let list = &canvas.state.collection.list;
    let mut spans = canvas.selection_and_filter(list.selected().len(), &list.filter);
    spans.extend(list.current().map(|photo| canvas.facts(photo)).unwrap_or_default());
    Line::from(spans)
}
