//! Photos as a grid of thumbnails or as one line each, in one section or in two with a divider in between. The fewer
//! photos there are, the larger their thumbnails.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use super::super::format;
use super::super::preview::Subject;
use super::super::state::Viewport;
use super::super::state::cursor::{Cursor, GridLayout, Mark};
use super::super::state::tiles::Tiles;
use super::canvas::{Canvas, Focus, Target};
use super::picture;
use crate::services::library::PhotoId;

/// A photo in the grid.
pub(super) struct Item {
    pub photo: PhotoId,
    pub mark: Mark,
    /// The photo's name.
    pub name: Line<'static>,
    /// The other line below the thumbnail.
    pub fact: Line<'static>,
}

/// The items to lay out, and the cursor.
pub(super) struct Items {
    pub count: usize,
    pub cursor: Cursor,
    /// The number of items before the divider, and its text; `None` for a single section.
    pub divider: Option<(usize, Line<'static>)>,
}

impl Items {
    fn shape(&self, columns: usize) -> GridLayout {
        let first_section = self.divider.as_ref().map_or(self.count, |(first_section, _)| *first_section);
        GridLayout::divided(self.count, columns, first_section)
    }

    /// The part of `area` that is left for the items.
    fn room(&self, area: Rect) -> Rect {
        Rect { height: area.height - u16::from(self.divider.is_some()).min(area.height), ..area }
    }
}

/// The fewest rows in which a tile shows more than its border.
const LOWEST_TILE: u16 = 5;

/// The columns and lines of the grid: the largest tiles with which all items fit, or as many of the smallest tiles as
/// fit.
fn fits(area: Rect, tiles: Tiles, items: &Items) -> (u16, u16) {
    let narrowest = tiles.narrowest();
    // The last line may be a row shorter.
    let most = ((area.width / narrowest).max(1), ((area.height + 1) / Tiles::rows(narrowest)).max(1));
    let lines = |columns: u16| {
        let width = (area.width / columns).min(tiles.widest());
        (area.height / Tiles::rows(width)).clamp(1, most.1)
    };
    let mut larger = (1..most.0).map(|columns| (columns, lines(columns)));
    let all_fit = |(columns, lines): &(u16, u16)| items.shape(usize::from(*columns)).lines() <= usize::from(*lines);
    larger.find(all_fit).unwrap_or(most)
}

/// Draws the thumbnails around the cursor; `item` makes one.
pub(super) fn draw(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items,
    item: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Item>,
) {
    let room = items.room(area);
    if room.height < LOWEST_TILE {
        return lines(canvas, area, items, &|canvas, place, columns| {
            let item = item(canvas, place, columns.saturating_sub(2))?;
            let mut line = item.name;
            line.spans.splice(0..0, [canvas.sign(item.mark), Span::raw(" ")]);
            Some(line)
        });
    }
    let tiles = canvas.state.tiles;
    let (columns, lines) = fits(room, tiles, items);
    let width = (room.width / columns).min(tiles.widest());
    let shape = items.shape(usize::from(columns));
    let lines = usize::from(lines).min(shape.lines());
    let height = (room.height / u16::try_from(lines).unwrap_or(1).max(1)).min(width / 2 + 3);
    canvas.viewport = Viewport { columns: usize::from(columns), lines, ..canvas.viewport };
    each_line(canvas, area, items, shape, lines, height, &mut |canvas, line| {
        for (across, place) in shape.places(line.number).enumerate() {
            let x = area.x + width * u16::try_from(across).unwrap_or(0);
            let tile = Rect { x, y: line.y, width, height };
            let Some(item) = item(canvas, place, usize::from(width.saturating_sub(4))) else { continue };
            let focus = if place == items.cursor.at { Focus::Here } else { Focus::Elsewhere };
            draw_tile(canvas, tile, &item, focus);
            canvas.hits.push((tile, Target::Item(place)));
        }
    });
}

/// Draws the lines around the cursor; `row` makes one.
pub(super) fn lines(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items,
    row: &dyn Fn(&Canvas<'_, '_>, usize, usize) -> Option<Line<'static>>,
) {
    let lines = usize::from(items.room(area).height);
    canvas.viewport = Viewport { columns: 1, lines, ..canvas.viewport };
    each_line(canvas, area, items, items.shape(1), lines, 1, &mut |canvas, line| {
        let place = line.number;
        let Some(text) = row(canvas, place, usize::from(area.width)) else { return };
        let row = Rect { y: line.y, height: 1, ..area };
        canvas.frame.render_widget(text, row);
        if place == items.cursor.at {
            canvas.mark_row(row);
        }
        canvas.hits.push((row, Target::Item(place)));
    });
}

/// A line of items on the screen.
struct Placed {
    number: usize,
    y: u16,
}

/// Calls `draw` for each of the `lines` lines around the cursor, `height` rows apart, and draws the divider between.
fn each_line(
    canvas: &mut Canvas<'_, '_>,
    area: Rect,
    items: &Items,
    shape: GridLayout,
    lines: usize,
    height: u16,
    draw: &mut dyn FnMut(&mut Canvas<'_, '_>, Placed),
) {
    let first = items.cursor.first_line(shape, lines);
    let mut y = area.y;
    for number in first..shape.lines().min(first + lines) {
        if let Some((_, text)) = items.divider.as_ref().filter(|_| number == shape.lines_of_first()) {
            let row = Rect { y, height: 1, ..area };
            canvas.frame.render_widget(format::fit_line(text.clone(), usize::from(area.width)), row);
            y += 1;
        }
        draw(canvas, Placed { number, y });
        y += height;
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
    // The name is in the border, which leaves one more row for the thumbnail.
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
