//! The theme: a style for each role. The default theme uses the terminal's own 16 colours, so that it suits its
//! palette.
//!
//! No meaning depends on colour alone: a sign or a word always expresses it too.

use ratatui::style::{Color, Modifier, Style};

use super::overrides::{self, Setting, Warning};
use crate::services::settings::theme::{BuiltInTheme, TERMINAL};

/// The terminal's background.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Background {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// Not reported: use colours that are readable on both.
    Unknown,
}

/// Whether text may have colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colours {
    /// All colours.
    Text,
    /// Only bold, dim and reversed (`NO_COLOR`, <https://no-color.org>); pictures keep their colours.
    PicturesOnly,
}

/// One style per role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "theme.toml says what each is for")]
pub struct Theme {
    pub text: Style,
    pub faint: Style,
    pub title: Style,
    pub accent: Style,
    pub border: Style,
    pub focus: Style,
    pub cursor: Style,
    pub selected: Style,
    pub folder: Style,
    pub stored: Style,
    pub good: Style,
    pub warning: Style,
    pub bad: Style,
    pub bar: Style,
}

/// Changes of the default theme for light backgrounds. Only red is readable in every palette; the rest uses bold and
/// underlines.
const LIGHT: &str = r#"[theme]
"accent" = "bold"
"focus" = "default"
"selected" = "bold"
"folder" = "bold"
"stored" = "bold"
"good" = "bold"
"warning" = "red"
"bad" = "red bold"
"bar" = "default"
"#;

/// Changes of the default theme for unknown backgrounds. No colour is readable on both in every palette.
const EITHER: &str = r#"[theme]
"accent" = "bold"
"focus" = "default"
"selected" = "bold"
"folder" = "bold"
"stored" = "bold"
"good" = "bold"
"bar" = "default"
"#;

impl Theme {
    /// The theme for a terminal with the user's file applied, and warnings about that file. The file may name the
    /// built-in theme that it changes: `base = "contrast"`.
    #[must_use]
    pub fn new(background: Background, colours: Colours, user: &str) -> (Self, Vec<Warning>) {
        let plain = Style::new();
        let mut theme = Self {
            text: plain,
            faint: plain,
            title: plain,
            accent: plain,
            border: plain,
            focus: plain,
            cursor: plain,
            selected: plain,
            folder: plain,
            stored: plain,
            good: plain,
            warning: plain,
            bad: plain,
            bar: plain,
        };
        let (mut settings, mut warnings) = overrides::read(user);
        let base = base(&mut settings, &mut warnings);
        let over = match background {
            // The other built-in themes bring a background of their own.
            _ if base != TERMINAL => "",
            Background::Dark => "",
            Background::Light => LIGHT,
            Background::Unknown => EITHER,
        };
        for built_in in [base.text, over] {
            let (settings, mut warnings) = overrides::read(built_in);
            theme.merge(settings, &mut warnings);
            debug_assert!(warnings.is_empty(), "the built-in themes are valid: {warnings:?}");
        }
        theme.merge(settings, &mut warnings);
        warnings.sort_by_key(|warning| warning.line);
        // On a background of the theme's, the terminal's own colour may be unreadable.
        let text = theme.text;
        for (_, style) in theme.roles() {
            style.fg = style.fg.map(|colour| if colour == Color::Reset { text.fg.unwrap_or(colour) } else { colour });
            style.bg = style.bg.map(|colour| if colour == Color::Reset { text.bg.unwrap_or(colour) } else { colour });
        }
        if colours == Colours::PicturesOnly {
            for (_, style) in theme.roles() {
                (style.fg, style.bg) = (None, None);
            }
            // The focused pane and the cursor must still stand out.
            theme.focus = theme.focus.add_modifier(Modifier::BOLD);
            theme.cursor = theme.cursor.add_modifier(Modifier::REVERSED);
        }
        (theme, warnings)
    }

    fn merge(&mut self, settings: Vec<Setting>, warnings: &mut Vec<Warning>) {
        for setting in settings {
            let problem = if setting.section != "theme" {
                Some(setting.misplaced())
            } else {
                match (self.roles().into_iter().find(|(name, _)| *name == setting.key), parse(&setting.word)) {
                    (None, _) => Some(format!("there is no style `{}`", setting.key)),
                    (_, Err(word)) => Some(format!("`{word}` is not a colour or style")),
                    (Some((_, style)), Ok(wanted)) => {
                        *style = wanted;
                        None
                    }
                }
            };
            warnings.extend(problem.map(|what| Warning { line: setting.line, what }));
        }
    }

    /// The style of plain text in a row whose other styles are overridden.
    #[must_use]
    pub fn plain(&self) -> Style {
        let (text, background) = (self.text.fg.unwrap_or(Color::Reset), self.text.bg.unwrap_or(Color::Reset));
        Style::new().fg(text).bg(background).remove_modifier(Modifier::DIM)
    }

    fn roles(&mut self) -> [(&'static str, &mut Style); 14] {
        [
            ("text", &mut self.text),
            ("faint", &mut self.faint),
            ("title", &mut self.title),
            ("accent", &mut self.accent),
            ("border", &mut self.border),
            ("focus", &mut self.focus),
            ("cursor", &mut self.cursor),
            ("selected", &mut self.selected),
            ("folder", &mut self.folder),
            ("stored", &mut self.stored),
            ("good", &mut self.good),
            ("warning", &mut self.warning),
            ("bad", &mut self.bad),
            ("bar", &mut self.bar),
        ]
    }
}

/// Takes the built-in theme that a file changes out of its settings.
fn base(settings: &mut Vec<Setting>, warnings: &mut Vec<Warning>) -> BuiltInTheme {
    let Some(place) = settings.iter().position(|setting| setting.section.is_empty() && setting.key == "base") else {
        return TERMINAL;
    };
    let Setting { word, line, .. } = settings.remove(place);
    BuiltInTheme::named(&word).unwrap_or_else(|| {
        let what = format!("there is no theme `{word}`: the themes are {}", BuiltInTheme::names());
        warnings.push(Warning { line, what });
        TERMINAL
    })
}

fn parse(words: &str) -> Result<Style, &str> {
    let mut style = Style::new();
    let mut is_background = false;
    for word in words.split_whitespace() {
        let modifier = match word {
            "on" => {
                is_background = true;
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            _ => {
                let colour = colour(word).ok_or(word)?;
                style = if is_background { style.bg(colour) } else { style.fg(colour) };
                is_background = false;
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

/// A colour by name, number or `#rrggbb`, as ratatui reads it; `default` is that of `text`, there the terminal's own.
fn colour(word: &str) -> Option<Color> {
    if word == "default" { Some(Color::Reset) } else { word.parse().ok() }
}

#[cfg(test)]
mod tests;
