//! Thumbnails side by side, each with two lines below; the fewer there are, the larger.

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

/// The smallest tile with its border: room for a thumbnail of 18 x 5 cells.
const TILE: (u16, u16) = (20, 8);

/// The widest tile: a few photos are shown larger than many, but not as large as the one under the cursor.
const WIDEST: u16 = 40;

/// Below this many rows a tile would be all border.
const LOWEST_TILE: u16 = 5;

/// How many tiles stand side by side and how many lines of them: the largest tiles of which `count` fit, or as many of
/// the smallest as there is room for.
fn fits(area: Rect, count: usize) -> (u16, u16) {
    // One row less than a whole tile does for the last line.
    let most = ((area.width / TILE.0).max(1), ((area.height + 1) / TILE.1).max(1));
    let lines = |columns: u16| {
        let width = (area.width / columns).min(WIDEST);
        (area.height / (width * TILE.1 / TILE.0).max(1)).clamp(1, most.1)
    };
    let mut larger = (1..most.0).map(|columns| (columns, lines(columns)));
    larger.find(|(columns, lines)| usize::from(columns * lines) >= count).unwrap_or(most)
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
    let (columns, lines) = fits(area, count);
    let width = (area.width / columns).min(WIDEST);
    let (columns, mut lines) = (usize::from(columns), usize::from(lines));
    lines = lines.min(count.div_ceil(columns));
    let height = (area.height / u16::try_from(lines).unwrap_or(1)).min(width / 2 + 3);
    canvas.shown = Shown { columns, lines, ..canvas.shown };
    let first = cursor.first_line(count, columns, lines) * columns;
    for place in first..count.min(first + columns * lines) {
        let (across, down) = ((place - first) % columns, (place - first) / columns);
        let tile = Rect {
            x: area.x + width * u16::try_from(across).unwrap_or(0),
            y: area.y + height * u16::try_from(down).unwrap_or(0),
            width,
            height,
        };
        let Some(item) = item(canvas, place, usize::from(width.saturating_sub(4))) else { continue };
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
    let thumbnail = Rect { height: inner.height.saturating_sub(1), ..inner };
    picture::draw(canvas, thumbnail, Subject::Thumbnail(item.photo));
    let fact = Rect { y: thumbnail.bottom(), height: 1, ..inner };
    canvas.frame.render_widget(item.fact.clone().centered(), fact);
    // The name stands in the border, which leaves a row more for the thumbnail.
    let mut name = item.name.clone();
    name.spans.insert(0, Span::raw(" "));
    name.push_span(" ");
    let width = u16::try_from(name.width()).unwrap_or(inner.width).min(inner.width);
    let name_row = Rect { x: inner.x + (inner.width - width) / 2, y: inner.bottom(), width, height: 1 };
    canvas.frame.render_widget(name, name_row);
    if focus == Focus::Here {
        canvas.frame.buffer_mut().set_style(fact, canvas.theme.title);
        canvas.frame.buffer_mut().set_style(name_row, canvas.theme.title);
    }
}
