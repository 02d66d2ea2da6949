//! The application as it starts: the user's keymap and theme files, and the first state.

use std::io;
use std::path::{Path, PathBuf};

use ratatui_image::picker::Capability;

use super::application::Application;
use super::keymap::Keymap;
use super::locale;
use super::overrides::Warning;
use super::preview::{Pictures, SentPictures};
use super::state::lock_screen::LockScreen;
use super::state::{Preferences, State, Tab};
use super::theme::{Background, Colours, Theme};
use super::worker;
use crate::preview::Link;
use crate::services::application_options::{ApplicationOptions, Start};
use crate::services::search::DEFAULT_TOP;
use crate::services::session;
use crate::services::settings::theme::ThemeChoice;

/// The chosen theme, read once: it is rebuilt when the terminal has reported its background.
pub(super) struct ThemeFile {
    path: PathBuf,
    text: String,
}

impl ThemeFile {
    fn read(state: &mut State, choice: &ThemeChoice) -> Self {
        match choice {
            ThemeChoice::File(path) => Self { path: path.clone(), text: user_file(state, path) },
            ThemeChoice::BuiltIn(theme) => {
                Self { path: theme.name.into(), text: format!("base = \"{}\"\n", theme.name) }
            }
        }
    }

    /// The theme for a terminal with this background. Warns once about errors in the file.
    pub(super) fn theme(&self, state: &mut State, background: Background) -> Theme {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = if is_plain { Colours::PicturesOnly } else { Colours::Text };
        let (theme, warnings) = Theme::new(background, colours, &self.text);
        warn(state, &self.path, warnings);
        theme
    }
}

/// Builds the application. Reads the user's files, but does not query the terminal or open a vault.
pub(super) fn build(options: &ApplicationOptions, sent: SentPictures) -> (Application, ThemeFile) {
    let preferences = Preferences {
        threshold: options.threshold,
        top: DEFAULT_TOP,
        characters: locale::characters(|name| std::env::var_os(name)),
        motion: options.motion,
        export_folder: std::env::current_dir().unwrap_or_else(|_| options.folder.clone()).join("exported"),
        vault: options.vault.clone(),
        on_lock: options.on_lock,
        stores_files: worker::terminal_stores_files(),
    };
    let mut state = State::new(options.folder.clone(), preferences);
    state.first_tab = (options.start == Start::Vault).then_some(Tab::Vault);
    // A worker checks whether the vault is there: a disk that does not respond must not delay the first frame.
    state.lock_screen =
        Some(LockScreen::for_question(session::first_question(options.vault.as_deref(), &options.folder)));
    let mut keymap = Keymap::default();
    let warnings = keymap.merge(&user_file(&mut state, &options.keymap));
    warn(&mut state, &options.keymap, warnings);
    let theme_file = ThemeFile::read(&mut state, &options.theme);
    let theme = theme_file.theme(&mut state, Background::Unknown);
    (Application::new(state, keymap, theme, Pictures::new(Link::of_environment(), sent)), theme_file)
}

/// The text of a user's file; empty if there is none.
fn user_file(state: &mut State, path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                warn_once(state, format!("{}: {error}", path.display()));
            }
            String::new()
        }
    }
}

fn warn(state: &mut State, path: &Path, warnings: Vec<Warning>) {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    for warning in warnings {
        warn_once(state, format!("{name}, line {}: {}", warning.line, warning.what));
    }
}

fn warn_once(state: &mut State, text: String) {
    if !state.messages.iter().any(|message| message.text == text) {
        state.messages.warn(text);
    }
}

/// Light or dark, by the luma (ITU-R BT.601) of the background colour that the terminal reported.
pub(super) fn background(answers: &[Capability]) -> Background {
    let reported = answers.iter().find_map(|capability| match capability {
        Capability::Background(red, green, blue) => Some([*red, *green, *blue].map(u32::from)),
        _ => None,
    });
    match reported {
        Some([red, green, blue]) if 299 * red + 587 * green + 114 * blue > 127_500 => Background::Light,
        Some(_) => Background::Dark,
        None => Background::Unknown,
    }
}
