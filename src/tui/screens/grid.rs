//! Thumbnails side by side, each with two lines below.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use super::super::preview::Subject;
use super::super::state::cursor::{Cursor, Mark};
use super::super::state::{PhotoId, Shown};
use super::canvas::{Canvas, Focus, Target};
use super::picture;

/// A photo in the grid.
pub(super) struct Item {
    pub photo: PhotoId,
    pub mark: Mark,
    /// The photo's name.
    pub name: Line<'static>,
    /// What stands below the thumbnail besides.
    pub fact: Line<'static>,
}

/// The smallest tile with its border: room for a thumbnail of 18 x 4 cells.
const TILE: (u16, u16) = (20, 8);

/// Below this many rows a tile would be all border.
const LOWEST_TILE: u16 = 5;

/// How many tiles fit side by side, and how many lines of them.
pub(super) fn fits(area: Rect) -> (usize, usize) {
    (usize::from(area.width / TILE.0).max(1), usize::from(area.height / TILE.1).max(1))
}

/// Draws `count` items, those that fit around the cursor; `item` makes one.
pub(super) fn draw(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    count: usize,
    cursor: Cursor,
    item: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Item>,
) {
    if area.height < LOWEST_TILE {
        return rows(canvas, area, count, cursor, item);
    }
    let (columns, lines) = fits(area);
    canvas.shown = Shown { columns, lines, ..canvas.shown };
    let first = cursor.first_line(count, columns, lines) * columns;
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    let height = area.height / u16::try_from(lines).unwrap_or(1);
    for place in first..count.min(first + columns * lines) {
        let (across, down) = ((place - first) % columns, (place - first) / columns);
        let tile = Rect {
            x: area.x + width * u16::try_from(across).unwrap_or(0),
            y: area.y + height * u16::try_from(down).unwrap_or(0),
            width,
            height,
        };
        let Some(item) = item(canvas, place, usize::from(width.saturating_sub(2))) else { continue };
        draw_tile(canvas, tile, &item, if place == cursor.at { Focus::Here } else { Focus::Elsewhere });
        canvas.hits.push((tile, Target::Item(place)));
    }
}

/// Where no thumbnail fits: a line each.
fn rows(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    count: usize,
    cursor: Cursor,
    item: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Item>,
) {
    let lines = usize::from(area.height);
    canvas.shown = Shown { columns: 1, lines, ..canvas.shown };
    let first = cursor.first_line(count, 1, lines);
    for (place, y) in (first..count).zip(area.y..area.bottom()) {
        let row = Rect { y, height: 1, ..area };
        let Some(item) = item(canvas, place, usize::from(area.width.saturating_sub(2))) else { continue };
        let mut line = item.name;
        line.spans.splice(0..0, [canvas.sign(item.mark), Span::raw(" ")]);
        canvas.frame.render_widget(line, row);
        if place == cursor.at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Item(place)));
    }
}

fn draw_tile(canvas: &mut Canvas<'_, '_>, tile: Rect, item: &Item, focus: Focus) {
    let block = Block::bordered().border_type(BorderType::Rounded);
    let inner = block.inner(tile);
    if focus == Focus::Here {
        canvas.frame.render_widget(block.border_style(canvas.theme.focus), tile);
    }
    if item.mark != Mark::None {
        let sign = canvas.sign(item.mark);
        canvas.frame.render_widget(sign, Rect { width: 1.min(tile.width), height: 1, ..tile });
    }
    let captions = 2.min(inner.height.saturating_sub(1));
    let thumbnail = Rect { height: inner.height.saturating_sub(captions), ..inner };
    picture::draw(canvas, thumbnail, Subject::Thumbnail(item.photo));
    for (line, y) in [&item.fact, &item.name].into_iter().zip(thumbnail.bottom()..inner.bottom()) {
        let row = Rect { y, height: 1, ..inner };
        canvas.frame.render_widget(line.clone().centered(), row);
        if focus == Focus::Here {
            canvas.frame.buffer_mut().set_style(row, canvas.theme.title);
        }
    }
}
