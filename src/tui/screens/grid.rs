//! Thumbnails side by side, each with two lines below.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use super::super::preview::Subject;
use super::super::state::cursor::Cursor;
use super::super::state::{PhotoId, Shown};
use super::canvas::{Canvas, Target};
use super::picture;

/// A photo in the grid.
pub(super) struct Item {
    pub photo: PhotoId,
    pub is_selected: bool,
    /// What stands below the thumbnail.
    pub caption: [Line<'static>; 2],
}

/// A tile with its border: room for a thumbnail of 18 x 6 cells.
const TILE: (u16, u16) = (20, 10);

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
    let (columns, lines) = fits(area);
    canvas.shown = Shown { columns, lines, ..canvas.shown };
    let first = cursor.first_line(count, columns, lines) * columns;
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    let height = TILE.1.min(area.height);
    for place in first..count.min(first + columns * lines) {
        let (across, down) = ((place - first) % columns, (place - first) / columns);
        let tile = Rect {
            x: area.x + width * u16::try_from(across).unwrap_or(0),
            y: area.y + height * u16::try_from(down).unwrap_or(0),
            width,
            height,
        };
        let Some(item) = item(canvas, place, usize::from(width.saturating_sub(2))) else { continue };
        draw_tile(canvas, tile, &item, place == cursor.at);
        canvas.hits.push((tile, Target::Item(place)));
    }
}

fn draw_tile(canvas: &mut Canvas<'_, '_>, tile: Rect, item: &Item, is_current: bool) {
    let block = Block::bordered().border_type(BorderType::Rounded);
    let inner = block.inner(tile);
    if is_current {
        canvas.frame.render_widget(block.border_style(canvas.theme.focus), tile);
    }
    if item.is_selected {
        let mark = Rect { width: 1.min(tile.width), height: 1, ..tile };
        canvas.frame.render_widget(Span::styled("●", canvas.theme.selected), mark);
    }
    let captions = 2.min(inner.height.saturating_sub(1));
    let thumbnail = Rect { height: inner.height.saturating_sub(captions), ..inner };
    picture::draw(canvas, thumbnail, Subject::Thumbnail(item.photo));
    for (line, y) in item.caption.iter().zip(thumbnail.bottom()..inner.bottom()) {
        let row = Rect { y, height: 1, ..inner };
        canvas.frame.render_widget(line.clone().centered(), row);
        if is_current {
            canvas.frame.buffer_mut().set_style(row, canvas.theme.title);
        }
    }
}
