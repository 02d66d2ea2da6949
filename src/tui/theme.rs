//! The theme: a style for each role. The defaults use the terminal's own 16 colours, so that they suit its palette.
//!
//! No meaning depends on colour alone: a sign or a word always expresses it too.

use ratatui::style::{Color, Modifier, Style};

use super::overrides::{self, Warning};
use crate::services::settings::THEME as DEFAULTS;

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

/// Changes for light backgrounds. Only red is readable in every palette; the rest uses bold and underlines.
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

/// Changes for unknown backgrounds. No colour is readable on both in every palette.
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
    /// The theme for a terminal with the user's file applied, and warnings about that file.
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
            let warnings = theme.merge(built_in);
            debug_assert!(warnings.is_empty(), "the built-in themes are valid: {warnings:?}");
        }
        let warnings = theme.merge(user);
        if colours == Colours::PicturesOnly {
            for (_, style) in theme.roles() {
                (style.fg, style.bg) = (None, None);
            }
            // The focused pane must still stand out.
            theme.focus = theme.focus.add_modifier(Modifier::BOLD);
        }
        (theme, warnings)
    }

    fn merge(&mut self, text: &str) -> Vec<Warning> {
        let (settings, mut warnings) = overrides::read(text);
        for setting in settings {
            let problem = if setting.section != "theme" {
                Some(format!("there is no section [{}]", setting.section))
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

/// A colour by name, number or `#rrggbb`, as ratatui reads it; `default` is the terminal's own.
fn colour(word: &str) -> Option<Color> {
    if word == "default" { Some(Color::Reset) } else { word.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_themes_are_valid_and_set_neither_background_nor_white() {
        for background in [Background::Dark, Background::Light, Background::Unknown] {
            let (mut theme, warnings) = Theme::new(background, Colours::Text, "");
            assert_eq!(warnings, []);
            for (name, style) in theme.roles() {
                assert_eq!(style.bg, None, "{name}");
                assert_ne!(style.fg, Some(Color::White), "{name}");
            }
        }
    }

    /// A terminal's palette: background, text, and the 16 colours by number.
    struct Palette {
        name: &'static str,
        background: Background,
        behind: u32,
        text: u32,
        colours: [u32; 16],
    }

    /// xterm's defaults (XTerm-col.ad).
    const XTERM: [u32; 16] = [
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
        0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
    ];
    /// The text mode of VGA.
    const VGA: [u32; 16] = [
        0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa, 0x555555, 0xff5555, 0x55ff55,
        0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
    ];
    /// Solarized by Ethan Schoonover (<https://ethanschoonover.com/solarized/>).
    const SOLARIZED: [u32; 16] = [
        0x073642, 0xdc322f, 0x859900, 0xb58900, 0x268bd2, 0xd33682, 0x2aa198, 0xeee8d5, 0x002b36, 0xcb4b16, 0x586e75,
        0x657b83, 0x839496, 0x6c71c4, 0x93a1a1, 0xfdf6e3,
    ];
    /// The profiles Basic and Pro of macOS's Terminal.app (<https://en.wikipedia.org/wiki/ANSI_escape_code#Colors>).
    const TERMINAL_APP: [u32; 16] = [
        0x000000, 0xc23621, 0x25bc24, 0xadad27, 0x492ee1, 0xd338d3, 0x33bbc8, 0xcbcccd, 0x818383, 0xfc391f, 0x31e722,
        0xeaec23, 0x5833ff, 0xf935f8, 0x14f0f0, 0xe9ebeb,
    ];

    const PALETTES: [Palette; 7] = [
        Palette {
            name: "xterm on black",
            background: Background::Dark,
            behind: 0x000000,
            text: 0xffffff,
            colours: XTERM,
        },
        Palette {
            name: "xterm on white",
            background: Background::Light,
            behind: 0xffffff,
            text: 0x000000,
            colours: XTERM,
        },
        Palette { name: "VGA on black", background: Background::Dark, behind: 0x000000, text: 0xaaaaaa, colours: VGA },
        Palette {
            name: "Solarized dark",
            background: Background::Dark,
            behind: 0x002b36,
            text: 0x839496,
            colours: SOLARIZED,
        },
        Palette {
            name: "Solarized light",
            background: Background::Light,
            behind: 0xfdf6e3,
            text: 0x657b83,
            colours: SOLARIZED,
        },
        Palette {
            name: "Terminal.app Pro",
            background: Background::Dark,
            behind: 0x000000,
            text: 0xf2f2f2,
            colours: TERMINAL_APP,
        },
        Palette {
            name: "Terminal.app Basic",
            background: Background::Light,
            behind: 0xffffff,
            text: 0x000000,
            colours: TERMINAL_APP,
        },
    ];

    /// Relative luminance (WCAG 2.2).
    fn luminance(rgb: u32) -> f64 {
        let linear = |shift: u32| {
            let value = f64::from((rgb >> shift) & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
    }

    /// Contrast ratio, 1 to 21 (WCAG 2.2).
    fn contrast(left: u32, right: u32) -> f64 {
        let (left, right) = (luminance(left), luminance(right));
        (left.max(right) + 0.05) / (left.min(right) + 0.05)
    }

    impl Palette {
        fn rgb(&self, colour: Option<Color>, default: u32) -> u32 {
            const NUMBERED: [Color; 16] = [
                Color::Black,
                Color::Red,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::Magenta,
                Color::Cyan,
                Color::Gray,
                Color::DarkGray,
                Color::LightRed,
                Color::LightGreen,
                Color::LightYellow,
                Color::LightBlue,
                Color::LightMagenta,
                Color::LightCyan,
                Color::White,
            ];
            match colour {
                None | Some(Color::Reset) => default,
                Some(colour) => self.colours[NUMBERED.iter().position(|known| *known == colour).unwrap()],
            }
        }

        fn contrast(&self, style: Style) -> f64 {
            contrast(self.rgb(style.fg, self.text), self.rgb(style.bg, self.behind))
        }
    }

    #[test]
    fn contrast_matches_the_guidelines() {
        assert!((contrast(0x000000, 0xffffff) - 21.0).abs() < 1e-9);
        assert!((contrast(0x777777, 0xffffff) - 4.48).abs() < 0.005);
    }

    #[test]
    fn every_default_pair_is_readable_in_every_palette() {
        for palette in PALETTES {
            let least = contrast(palette.text, palette.behind).min(4.5);
            for background in [palette.background, Background::Unknown] {
                let (mut theme, _) = Theme::new(background, Colours::Text, "");
                for (role, style) in theme.roles() {
                    // Terminals draw dim text differently; palettes do not define it.
                    if !style.add_modifier.contains(Modifier::DIM) {
                        let found = palette.contrast(*style);
                        assert!(found >= least, "{role} on {}, {background:?}: {found:.2} : 1", palette.name);
                    }
                }
            }
        }
    }

    #[test]
    fn blue_on_black_fails_the_contrast_check() {
        let blue = Style::new().fg(Color::Blue);
        assert!(PALETTES[0].contrast(blue) < 2.3);
        assert!(PALETTES[0].contrast(blue.add_modifier(Modifier::REVERSED)) < 2.3);
    }

    #[test]
    fn no_color_removes_the_colour_of_every_role() {
        let (mut theme, _) =
            Theme::new(Background::Dark, Colours::PicturesOnly, "[theme]\n\"bar\" = \"red on blue\"\n");
        for (name, style) in theme.roles() {
            assert_eq!((style.fg, style.bg), (None, None), "{name}");
        }
    }

    #[test]
    fn a_user_s_file_changes_styles_and_warnings_name_lines() {
        let user = "[theme]\n\"cursor\" = \"black on lightyellow\"\n\"bars\" = \"red\"\n\"bar\" = \"reddish\"\n\
                    \"good\" = \"#ff8000\"\n";
        let (theme, warnings) = Theme::new(Background::Dark, Colours::Text, user);
        assert_eq!(theme.cursor, Style::new().fg(Color::Black).bg(Color::LightYellow));
        assert_eq!(theme.good, Style::new().fg(Color::Rgb(0xff, 0x80, 0)));
        assert_eq!(warnings.iter().map(|warning| warning.line).collect::<Vec<_>>(), [3, 4]);
    }
}
