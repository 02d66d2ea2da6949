//! Prints rows of captioned pictures into the output of a command.

use std::io::{self, Write};

use crossterm::cursor;
use image::DynamicImage;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::{TerminalOptions, Viewport};
use ratatui_image::Image;
use ratatui_image::protocol::Protocol as Drawing;

use super::graphics::Graphics;
use super::link::Link;
use super::protocols::ImageIds;

/// A picture with a caption below it. The caption must not contain control characters.
pub struct Panel {
    /// The decoded photo.
    pub picture: DynamicImage,
    /// Its caption.
    pub caption: String,
}

/// The maximum width: wider pictures would be so high that the text scrolls away.
const MAX_COLUMNS: u16 = 60;
const GAP_COLUMNS: u16 = 2;

/// Prints `panels` side by side, `rows` high and as wide as the terminal allows. Leaves the cursor on the line below.
///
/// # Errors
/// When the terminal cannot be written or a picture cannot be encoded.
pub fn print(graphics: &Graphics, panels: Vec<Panel>, rows: u16) -> io::Result<()> {
    let across = panels.len();
    print_row(graphics, panels, across, rows)
}

/// Prints `panels` in as many rows as they need, each panel `rows` high and, with the gap beside it, at least `columns`
/// wide. Leaves the cursor on the line below.
///
/// # Errors
/// As [`print()`].
pub fn print_sheet(graphics: &Graphics, panels: Vec<Panel>, columns: u16, rows: u16) -> io::Result<()> {
    let across = usize::from((crossterm::terminal::size()?.0 / columns).max(1));
    let mut panels = panels.into_iter().peekable();
    while panels.peek().is_some() {
        print_row(graphics, panels.by_ref().take(across).collect(), across, rows)?;
    }
    Ok(())
}

/// Prints a row of at most `across` panels, each as wide as if there were that many.
fn print_row(graphics: &Graphics, panels: Vec<Panel>, across: usize, rows: u16) -> io::Result<()> {
    if panels.is_empty() {
        return Ok(());
    }
    let (columns, lines) = crossterm::terminal::size()?;
    let count = u16::try_from(across).unwrap_or(u16::MAX);
    let width = ((columns / count).saturating_sub(GAP_COLUMNS)).min(MAX_COLUMNS);
    // One line for the caption and one below it: pixels on the last line of a screen would scroll it.
    let rows = rows.min(lines.saturating_sub(3));
    if width < 4 || rows < 2 {
        return Ok(());
    }
    let cells = Size::new(width, rows);
    let mut drawn: Vec<(Drawing, String)> = Vec::with_capacity(panels.len());
    let image_ids = ImageIds::default();
    for panel in panels {
        // Eight bits a channel without alpha: every protocol sends this in the fewest bytes.
        let pixels = DynamicImage::ImageRgb8(panel.picture.to_rgb8());
        let (photo, cells) = graphics.fit(pixels, cells);
        // A strip is printed once, so it is sent in full even over a network.
        let target = graphics.target(Link::Local, image_ids.next());
        let encoded = graphics.protocol.encode(photo, cells, target).map_err(io::Error::other)?;
        drawn.push((encoded.drawing, panel.caption));
    }
    // NO_COLOR is about text, but crossterm would also remove the colours of pictures.
    crossterm::style::force_color_output(true);
    let options = TerminalOptions { viewport: Viewport::Inline(rows + 2) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
    let mut bottom = 0;
    terminal.draw(|frame| {
        let area = frame.area();
        bottom = area.bottom();
        let slots = Layout::horizontal(vec![Constraint::Length(width); drawn.len()])
            .spacing(GAP_COLUMNS)
            .split(Rect { height: rows + 1, ..area });
        for (slot, (drawing, caption)) in slots.iter().zip(&drawn) {
            frame.render_widget(Image::new(drawing), Rect { height: rows, ..*slot });
            let line = Line::styled(caption.as_str(), Style::new().dim());
            frame.render_widget(line, Rect { y: slot.y + rows, height: 1, ..*slot });
        }
    })?;
    drop(terminal);
    crossterm::execute!(io::stdout(), cursor::MoveTo(0, bottom.saturating_sub(1)), cursor::Show)?;
    io::stdout().flush()
}
