//! The screens: state to cells. Nothing here changes the state; click targets are returned.

mod ascii;
mod browser;
mod canvas;
mod contact_sheet;
mod copies;
mod exporting;
mod grid;
mod indexing;
mod information;
mod lock_screen;
mod older_copy;
mod overlay;
mod palette;
mod picture;
mod plan;
mod results;
mod status;
mod vault;
mod viewer;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::Action;
use super::format;
use super::keymap::Keymap;
use super::locale::Characters;
use super::preview::Pictures;
use super::state::indexing::Indexing;
use super::state::vault::Session;
use super::state::viewer::ShownPhoto;
use super::state::{State, Tab, Viewport};
use super::theme::Theme;
use crate::services::vault_name::vault_name;
use canvas::Canvas;
pub use canvas::Target;
pub use overlay::help_lines;

/// The fewest columns and rows in which something useful fits.
const SMALLEST: (u16, u16) = (20, 5);

/// The columns that the titles of all tabs and the number of photos need.
const TITLED_COLUMNS: u16 = 52;

/// The result of drawing a frame: click targets, and how much of the list fits.
pub struct Drawn {
    /// Areas and what a click on them does, topmost last.
    pub hits: Vec<(Rect, Target)>,
    /// The size of the list.
    pub viewport: Viewport,
    /// The photos of the photo view, from left to right.
    pub shown: Vec<ShownPhoto>,
}

/// Draws a frame.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme, keymap: &Keymap, pictures: &mut Pictures) -> Drawn {
    let area = frame.area();
    frame.buffer_mut().set_style(area, theme.text);
    let window = overlay::place(area, state, keymap);
    pictures.begin_frame(window);
    let is_one_pane = area.width < 60;
    let viewport = match &state.viewer {
        // A page is as many photos as on the tab.
        Some(_) => Viewport { is_one_pane, ..state.viewport },
        None => Viewport { columns: 1, lines: 1, top: 0, is_one_pane },
    };
    let mut canvas = Canvas { frame, state, theme, keymap, pictures, hits: Vec::new(), viewport, shown: Vec::new() };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("needs {}x{}\ntoo small: {}x{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
        canvas.frame.render_widget(Paragraph::new(text), area);
        return Drawn { hits: canvas.hits, viewport: canvas.viewport, shown: canvas.shown };
    }
    match (&state.lock_screen, &state.viewer) {
        (Some(lock_screen), _) => lock_screen::draw(&mut canvas, area, lock_screen),
        (None, Some(viewer)) => viewer::draw(&mut canvas, area, viewer),
        (None, None) => tab(&mut canvas, area),
    }
    if let Some(window) = window {
        overlay::draw(&mut canvas, window);
    }
    if state.preferences.characters == Characters::Ascii {
        ascii::replace(canvas.frame.buffer_mut());
    }
    Drawn { hits: canvas.hits, viewport: canvas.viewport, shown: canvas.shown }
}

fn tab(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let run = canvas.state.indexing.as_ref();
    let has_strip = canvas.state.tab != Tab::Indexing && area.height >= 10 && run.is_some_and(Indexing::is_running);
    let export = canvas.state.exporting.as_ref().filter(|_| area.height >= 10);
    let hint_rows = u16::from(area.height >= 8);
    let [top, body, strip, export_strip, status, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(u16::from(has_strip)),
        Constraint::Length(u16::from(export.is_some())),
        Constraint::Length(1),
        Constraint::Length(hint_rows),
    ])
    .areas(area);
    tab_bar(canvas, top);
    match canvas.state.tab {
        Tab::Files => browser::draw(canvas, body),
        Tab::Results => results::draw(canvas, body),
        Tab::Vault => vault::draw(canvas, body),
        Tab::Indexing => indexing::draw(canvas, body),
    }
    if let Some(run) = run.filter(|_| has_strip) {
        indexing::strip(canvas, strip, run);
    }
    match (export, &canvas.state.exporting) {
        (Some(run), _) => {
            exporting::strip(canvas, export_strip, run);
            status_line(canvas, status);
        }
        // On a low screen they share one line.
        (None, Some(run)) if canvas.state.typed_filter().is_none() => {
            exporting::strip(canvas, status, run);
        }
        (None, _) => status_line(canvas, status),
    }
    status::hint_bar(canvas, hints, hinted(canvas.state));
}

fn tab_bar(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let theme = canvas.theme;
    let (has_titles, is_narrow) = (area.width >= TITLED_COLUMNS, area.width < 60);
    let mut x = area.x + 1;
    for (index, tab) in Tab::ALL.into_iter().enumerate() {
        let is_shown = tab == canvas.state.tab;
        let title = if !has_titles && !is_shown { String::new() } else { format!(" {}", tab.title()) };
        let label = format!(" {}{title} ", index + 1);
        let width = u16::try_from(format::width(&label)).unwrap_or(u16::MAX);
        let place = Rect { x, width, ..area }.intersection(area);
        let style = if is_shown { theme.accent.patch(theme.cursor) } else { theme.faint };
        canvas.frame.render_widget(Span::styled(label, style), place);
        canvas.hits.push((place, Target::Tab(tab)));
        x += width + 1;
    }
    let session = match &canvas.state.session {
        Session::Closed => "○ locked".to_owned(),
        Session::Opening { .. } => format!("{} opening", canvas.spinner()),
        Session::Open { vault } => {
            let name = vault_name(vault);
            let photos = canvas.state.collection.list.items().len();
            match (canvas.state.collection.is_read_only, is_narrow) {
                (true, true) => "● read only".to_owned(),
                (true, false) => format!("● read only: {name}, {}", format::count(photos, "photo")),
                (false, true) => format!("● {photos}"),
                (false, false) => format!("● {name}, {}", format::count(photos, "photo")),
            }
        }
    };
    let style = if canvas.state.collection.is_read_only { theme.warning } else { theme.faint };
    let room = usize::from(area.right().saturating_sub(x + 1));
    let text = Line::styled(format::fit(&session, room).into_owned(), style).right_aligned();
    let place = Rect { x, width: area.right().saturating_sub(x + 1), ..area };
    canvas.frame.render_widget(text, place.intersection(area));
}

/// The newest unread message or else a summary of the shown tab.
fn status_line(canvas: &mut Canvas<'_, '_>, area: Rect) {
    let state = canvas.state;
    let theme = canvas.theme;
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let position = position(state);
    let place = Rect { width: u16::try_from(format::width(&position)).unwrap_or(0).min(inner.width), ..inner };
    let place = Rect { x: inner.right() - place.width, ..place };
    canvas.frame.render_widget(Line::raw(position), place);
    let inner = Rect { width: inner.width.saturating_sub(place.width + 2), ..inner };
    let line = if let Some(filter) = state.typed_filter() {
        let mut spans = vec![Span::styled("/", theme.accent)];
        spans.extend(canvas.input_spans(&filter.field));
        Line::from(spans)
    } else if let Some(news) = status::news(canvas, usize::from(inner.width)) {
        news
    } else {
        match state.tab {
            Tab::Files => browser::status(canvas),
            Tab::Results => results::status(canvas),
            Tab::Vault => vault::status(canvas),
            Tab::Indexing => Line::default(),
        }
    };
    canvas.frame.render_widget(format::fit_line(line, usize::from(inner.width)), inner);
}

/// Where the cursor is in the list of the shown tab: `12 of 345`.
fn position(state: &State) -> String {
    match state.list() {
        Some(list) if list.count() > 0 => format!("{} of {}", list.cursor().at + 1, list.count()),
        Some(list) if !list.filter().field.text().is_empty() => format!("0 of {}", list.all()),
        _ => String::new(),
    }
}

/// Hints of each tab, the most important first. Actions that are refused now are left out when drawing.
fn hinted(state: &State) -> &'static [(Action, &'static str)] {
    match state.tab {
        Tab::Files if state.session.open().is_some() => &[
            (Action::Help, "help"),
            (Action::Back, "clear"),
            (Action::Similar, "find similar"),
            (Action::Index, "add"),
            (Action::Select, "select"),
            (Action::Filter, "filter"),
            (Action::Enter, "open"),
            (Action::Left, "up"),
            (Action::Sort, "sort"),
            (Action::Palette, "all actions"),
            (Action::Lock, "lock"),
            (Action::Quit, "quit"),
        ],
        Tab::Files => &[
            (Action::Help, "help"),
            (Action::Back, "clear"),
            (Action::Lock, "unlock"),
            (Action::Enter, "open"),
            (Action::Left, "up"),
            (Action::Select, "select"),
            (Action::Filter, "filter"),
            (Action::Sort, "sort"),
            (Action::Palette, "all actions"),
            (Action::Quit, "quit"),
        ],
        Tab::Results => &[
            (Action::Help, "help"),
            (Action::Back, "clear"),
            (Action::Enter, "large"),
            (Action::Similar, "like this"),
            (Action::LowerThreshold, "lower"),
            (Action::RaiseThreshold, "raise"),
            (Action::Select, "select"),
            (Action::Export, "export"),
            (Action::ExportMatches, "export matches"),
            (Action::PreviousQuery, "search before"),
            (Action::NextQuery, "search after"),
            (Action::Details, "information"),
            (Action::Filter, "filter"),
            (Action::Arrangement, "grid/list"),
            (Action::Palette, "all actions"),
            (Action::Quit, "quit"),
        ],
        Tab::Vault => &[
            (Action::Help, "help"),
            (Action::Back, "clear"),
            (Action::Enter, "large"),
            (Action::Similar, "find similar"),
            (Action::Arrangement, "folders/list"),
            (Action::Jump, "go to"),
            (Action::Select, "select"),
            (Action::Filter, "filter"),
            (Action::Export, "export"),
            (Action::Details, "information"),
            (Action::Sort, "sort"),
            (Action::Remove, "remove"),
            (Action::Palette, "all actions"),
            (Action::Quit, "quit"),
        ],
        Tab::Indexing => &[
            (Action::Help, "help"),
            (Action::PauseIndexing, "pause/resume"),
            (Action::StopIndexing, "stop"),
            (Action::Down, "failures"),
            (Action::Files, "files"),
            (Action::Vault, "vault"),
            (Action::Log, "messages"),
            (Action::Quit, "quit"),
        ],
    }
}
