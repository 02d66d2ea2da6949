//! A grid of thumbnails that fills an area: what is in a folder, or what a run has just added. It has no cursor, and a
//! photo that is not there yet is only a mark, so that nothing jumps while they arrive.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::preview::{PictureState, Subject};
use super::canvas::Canvas;

/// Columns of the smallest cell that still shows what is on a photo: of pixels, and of half blocks.
const NARROWEST: u16 = 12;
const NARROWEST_OF_BLOCKS: u16 = 22;

/// Rows of the lowest cell.
pub(super) const LOWEST: u16 = 4;

/// Rows of a cell with this many columns: photos are 4:3, and characters twice as high as wide.
fn rows(columns: u16) -> u16 {
    (columns * 3 / 8).max(1)
}

/// Columns and lines of cells, and the size of a cell: the widest with which `count` photos fit, or as many of the
/// narrowest as fit. Lines share the rows that are left: upright photos use them.
fn fits(area: Rect, count: usize, narrowest: u16) -> (u16, u16, Rect) {
    let shape = |columns: u16| {
        let width = (area.width / columns).min(area.height.saturating_mul(8) / 3);
        let height = rows(width).min(area.height).max(1);
        (columns, (area.height / height).max(1), Rect { width, height, ..area })
    };
    let most = (area.width / narrowest).max(1);
    let all_fit = |(columns, lines, _): &(u16, u16, Rect)| usize::from(columns * lines) >= count;
    let (columns, lines, cell) = (1..most).map(shape).find(all_fit).unwrap_or_else(|| shape(most));
    let needed = u16::try_from(count.div_ceil(usize::from(columns))).unwrap_or(lines).clamp(1, lines);
    let height = (area.height / needed).min(cell.width * 5 / 8).max(cell.height);
    (columns, needed, Rect { height, ..cell })
}

/// Draws as many of the photos as fit.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Rect, photos: &[Subject]) {
    if area.height < 1 || area.width < 2 || photos.is_empty() {
        return;
    }
    let has_pixels = canvas.pictures.encoder().is_some_and(|encoder| encoder.graphics().protocol.draws_pixels());
    let narrowest = if has_pixels { NARROWEST } else { NARROWEST_OF_BLOCKS };
    let (columns, lines, cell) = fits(area, photos.len(), narrowest);
    let places = (0..lines).flat_map(|line| (0..columns).map(move |column| (column, line)));
    for (photo, (column, line)) in photos.iter().zip(places) {
        let place = Rect { x: area.x + column * cell.width, y: area.y + line * cell.height, ..cell };
        // A column between neighbours.
        let place = Rect { width: place.width.saturating_sub(1), ..place };
        let mark = match canvas.pictures.draw(canvas.frame, place, photo.clone()) {
            PictureState::Drawn(..) | PictureState::Former => continue,
            PictureState::Loading | PictureState::Hidden => "▣",
            PictureState::Failed(_) => "✗",
        };
        let middle = Rect { y: place.y + place.height / 2, height: 1, ..place };
        canvas.frame.render_widget(Line::styled(mark, canvas.theme.faint).centered(), middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_cells_are_taken_with_which_all_photos_fit() {
        let shape = |width, height, count| {
            let (columns, lines, cell) = fits(Rect::new(0, 0, width, height), count, NARROWEST);
            (columns, lines, cell.width, cell.height)
        };
        assert_eq!(shape(60, 24, 1), (1, 1, 60, 24));
        assert_eq!(shape(60, 24, 4), (2, 2, 30, 12));
        assert_eq!(shape(60, 24, 24), (5, 5, 12, 4));
        assert_eq!(shape(60, 12, 24), (5, 3, 12, 4), "as many as fit");
        assert_eq!(shape(78, 6, 24), (6, 1, 13, 6), "a strip");
        assert_eq!(shape(78, 6, 2), (2, 1, 16, 6));
        assert_eq!(shape(10, 3, 9), (1, 1, 8, 3));
    }
}
