//! Photos as a grid of thumbnails or as one line each, in sections with headings. The fewer photos there are, the
//! larger their thumbnails. A thumbnail is drawn whole or not at all.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::format;
use super::super::preview::Subject;
use super::super::state::Viewport;
use super::super::state::cursor::{Cursor, Mark};
use super::super::state::grid_layout::{GridLayout, Rows};
use super::super::state::tiles::Tiles;
use super::canvas::{Canvas, Target};
use super::picture;
use crate::services::library::PhotoId;

/// A photo in the grid.
pub(super) struct Item {
    pub photo: PhotoId,
    pub mark: Mark,
    /// The line below the thumbnail.
    pub caption: Line<'static>,
}

/// The items to lay out, and the cursor.
pub(super) struct Items<'a> {
    pub count: usize,
    pub cursor: Cursor,
    /// The place of each section's first item.
    pub sections: &'a [usize],
    /// The heading of a section for this many columns; `None` for sections without headings.
    pub heading: Option<&'a Heading<'a>>,
}

/// Makes the heading of a section by its number.
pub(super) type Heading<'a> = dyn Fn(&Canvas<'_, '_>, usize, usize) -> Line<'static> + 'a;

impl<'a> Items<'a> {
    fn layout(&self, columns: usize) -> GridLayout<'a> {
        GridLayout::divided(self.count, columns, self.sections)
    }

    /// The rows of headings in a layout that is shown from its start.
    fn heading_rows(&self) -> usize {
        if self.heading.is_some() { self.sections.len().max(1) } else { 0 }
    }

    fn rows(&self, all: u16, line: u16) -> Rows {
        Rows { all: usize::from(all), line: usize::from(line.max(1)), heading: usize::from(self.heading.is_some()) }
    }
}

/// The fewest rows in which a tile shows more than its caption, with a heading.
const LOWEST: u16 = 5;

/// The size of the tiles, and how many are side by side.
struct Tile {
    columns: u16,
    width: u16,
    height: u16,
}

/// The largest tiles with which all items fit, or as many of the smallest ones as fit.
fn tile(room: Rect, tiles: Tiles, items: &Items<'_>) -> Tile {
    let narrowest = tiles.narrowest(room.width);
    let heading = u16::from(items.heading.is_some());
    let highest = room.height.saturating_sub(heading).max(1);
    let most = (room.width / narrowest).max(1);
    let of_columns = |columns: u16| {
        let width = (room.width / columns).min(3 * narrowest);
        Tile { columns, width, height: (Tiles::picture_rows(width - 1) + 1).min(highest) }
    };
    let all_fit = |tile: &Tile| {
        let lines = items.layout(usize::from(tile.columns)).lines();
        lines * usize::from(tile.height) + items.heading_rows() <= usize::from(room.height)
    };
    let mut tile = (1..most).map(of_columns).find(all_fit).unwrap_or_else(|| of_columns(most));
    // Rows that would stay empty go to the thumbnails.
    let lines = (highest / tile.height).max(1);
    if !all_fit(&tile) {
        tile.height = (highest / lines).min(tile.height + 2);
    }
    tile
}

/// Draws the thumbnails around the cursor; `item` makes one for a caption of this many columns.
pub(super) fn draw(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items<'_>,
    item: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Item>,
) {
    if area.height < LOWEST {
        return lines(canvas, area, items, &|canvas, place, columns| {
            let item = item(canvas, place, columns.saturating_sub(2))?;
            let mut line = item.caption;
            line.spans.splice(0..0, [canvas.sign(item.mark), Span::raw(" ")]);
            Some(line)
        });
    }
    let room = Rect { width: area.width.saturating_sub(1).max(1), ..area };
    let Tile { columns, width, height } = tile(room, canvas.state.tiles, items);
    let columns = usize::from(columns);
    each_line(canvas, area, items, columns, height, &mut |canvas, line| {
        for (across, place) in line.places.enumerate() {
            let x = area.x + width * u16::try_from(across).unwrap_or(0);
            let tile = Rect { x, y: line.y, width, height };
            let Some(item) = item(canvas, place, usize::from(width.saturating_sub(3))) else { continue };
            draw_tile(canvas, tile, &item, place == items.cursor.at);
            canvas.hits.push((tile, Target::Item(place)));
        }
    });
}

/// Draws the lines around the cursor; `row` makes one.
pub(super) fn lines(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items<'_>,
    row: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Line<'static>>,
) {
    let width = area.width.saturating_sub(1);
    each_line(canvas, area, items, 1, 1, &mut |canvas, line| {
        let place = line.places.start;
        let Some(text) = row(canvas, place, usize::from(width)) else { return };
        let row = Rect { y: line.y, height: 1, width, ..area };
        canvas.frame.render_widget(text, row);
        if place == items.cursor.at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Item(place)));
    });
}

/// A line of items on the screen.
struct Placed {
    places: std::ops::Range<usize>,
    y: u16,
}

/// Calls `draw` for each line that is whole on the screen, and draws headings and the scrollbar.
fn each_line(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items<'_>,
    columns: usize,
    height: u16,
    draw: &mut dyn FnMut(&mut Canvas<'_, '_>, Placed),
) {
    let layout = items.layout(columns);
    let rows = items.rows(area.height, height);
    let first = layout.first_line(items.cursor.top, items.cursor.at, rows);
    let visible = layout.visible_from(first, rows);
    canvas.viewport = Viewport { columns, lines: visible, top: first, ..canvas.viewport };
    let mut y = area.y;
    for number in first..layout.lines().min(first + visible) {
        let places = layout.places(number);
        if let Some(heading) = items.heading.filter(|_| number == first || layout.starts_section(number)) {
            let row = Rect { y, height: 1, width: area.width.saturating_sub(1), ..area };
            let section = layout.section_of(places.start);
            let line = heading(canvas, section, usize::from(row.width));
            canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
            y += 1;
        }
        draw(canvas, Placed { places, y });
        y += height;
    }
    let bar = Rect { x: area.right().saturating_sub(1), width: 1, ..area };
    canvas.scrollbar(bar, first, visible, layout.lines(), &|line| layout.places(line).start);
}

fn draw_tile(canvas: &mut Canvas<'_, '_>, tile: Rect, item: &Item, is_current: bool) {
    let inner = Rect { x: tile.x + 1, width: tile.width.saturating_sub(1), ..tile };
    let thumbnail = Rect { height: inner.height.saturating_sub(1), ..inner };
    picture::draw(canvas, thumbnail, Subject::Thumbnail(item.photo));
    let caption = Rect { y: thumbnail.bottom(), height: 1, ..tile };
    let mut line = item.caption.clone();
    line.spans.splice(0..0, [canvas.sign(item.mark), Span::raw(" ")]);
    let row = Rect { width: caption.width.saturating_sub(1).max(1), ..caption };
    canvas.frame.render_widget(format::fit_line(line, usize::from(row.width)), row);
    if is_current {
        canvas.mark_row(row);
        // Beside the picture, which may be drawn in pixels over the cells.
        for y in tile.y..thumbnail.bottom() {
            canvas.frame.render_widget(Span::styled("┃", canvas.theme.focus), Rect { y, width: 1, height: 1, ..tile });
        }
    }
}
