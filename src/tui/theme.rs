//! How things look: the terminal's own 16 colours, so that every terminal theme stays as its user likes it.
//!
//! Nothing is told by colour alone: where a colour says something, a sign or a word says it too.

use ratatui::style::{Color, Modifier, Style};

use super::overrides::{self, Warning};
use crate::services::settings::THEME as DEFAULTS;

/// What the terminal's background is, as far as known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Background {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// The terminal did not say: colours that are readable on both.
    Unknown,
}

/// Whether text may have colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colours {
    /// It may.
    Text,
    /// Only bold, dim and reversed (`NO_COLOR`, <https://no-color.org>); pictures keep their colours.
    PicturesOnly,
}

/// One style a role.
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

/// What differs on a light background: cyan, green and yellow are hardly readable on white.
const LIGHT: &str = r#"[theme]
"accent" = "blue bold"
"focus" = "blue"
"selected" = "magenta bold"
"stored" = "magenta"
"good" = "default bold"
"warning" = "magenta"
"bar" = "blue"
"#;

/// What differs on a background that is not known: magenta and red are the colours readable on black and on white.
const EITHER: &str = r#"[theme]
"accent" = "magenta bold"
"focus" = "magenta"
"selected" = "magenta bold"
"folder" = "bold"
"stored" = "magenta"
"good" = "default bold"
"warning" = "magenta"
"bar" = "magenta"
"#;

impl Theme {
    /// The theme for a terminal, the user's file laid over it, and what is wrong with that file.
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
        let over = match background {
            Background::Dark => "",
            Background::Light => LIGHT,
            Background::Unknown => EITHER,
        };
        for built_in in [DEFAULTS, over] {
            let warnings = theme.lay_over(built_in);
            debug_assert!(warnings.is_empty(), "the built-in themes are understood: {warnings:?}");
        }
        let warnings = theme.lay_over(user);
        if colours == Colours::PicturesOnly {
            for (_, style) in theme.roles() {
                (style.fg, style.bg) = (None, None);
            }
            // The pane that takes the keys must still stand out from the others.
            theme.focus = theme.focus.add_modifier(Modifier::BOLD);
        }
        (theme, warnings)
    }

    fn lay_over(&mut self, text: &str) -> Vec<Warning> {
        let (settings, mut warnings) = overrides::read(text);
        for setting in settings {
            let problem = if setting.section != "theme" {
                Some(format!("there is no section [{}]", setting.section))
            } else {
                match (self.roles().into_iter().find(|(name, _)| *name == setting.key), parse(&setting.word)) {
                    (None, _) => Some(format!("`{}` is nothing that has a style", setting.key)),
                    (_, Err(word)) => Some(format!("`{word}` is no colour or style")),
                    (Some((_, style)), Ok(wanted)) => {
                        *style = wanted;
                        None
                    }
                }
            };
            warnings.extend(problem.map(|what| Warning { line: setting.line, what }));
        }
        warnings.sort_by_key(|warning| warning.line);
        warnings
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

fn colour(word: &str) -> Option<Color> {
    Some(match word {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" => Color::Gray,
        "darkgray" => Color::DarkGray,
        "lightred" => Color::LightRed,
        "lightgreen" => Color::LightGreen,
        "lightyellow" => Color::LightYellow,
        "lightblue" => Color::LightBlue,
        "lightmagenta" => Color::LightMagenta,
        "lightcyan" => Color::LightCyan,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_themes_are_understood_and_set_no_background_or_white() {
        for background in [Background::Dark, Background::Light, Background::Unknown] {
            let (mut theme, warnings) = Theme::new(background, Colours::Text, "");
            assert_eq!(warnings, []);
            for (name, style) in theme.roles() {
                assert_eq!(style.bg, None, "{name}");
                assert_ne!(style.fg, Some(Color::White), "{name}");
            }
        }
    }

    #[test]
    fn no_color_leaves_no_colour_to_any_role() {
        let (mut theme, _) =
            Theme::new(Background::Dark, Colours::PicturesOnly, "[theme]\n\"bar\" = \"red on blue\"\n");
        for (name, style) in theme.roles() {
            assert_eq!((style.fg, style.bg), (None, None), "{name}");
        }
    }

    #[test]
    fn a_user_s_file_changes_styles_and_is_warned_of_by_line() {
        let user = "[theme]\n\"cursor\" = \"black on lightyellow\"\n\"bars\" = \"red\"\n\"bar\" = \"#ff0000\"\n";
        let (theme, warnings) = Theme::new(Background::Dark, Colours::Text, user);
        assert_eq!(theme.cursor, Style::new().fg(Color::Black).bg(Color::LightYellow));
        assert_eq!(warnings.iter().map(|warning| warning.line).collect::<Vec<_>>(), [3, 4]);
    }
}
