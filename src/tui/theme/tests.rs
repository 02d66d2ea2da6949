//! Tests of the theme: what each built-in one sets, and that all of it can be read.

use super::*;
use crate::services::settings::theme::BUILT_IN_THEMES;

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
    Palette { name: "xterm on black", background: Background::Dark, behind: 0x000000, text: 0xffffff, colours: XTERM },
    Palette { name: "xterm on white", background: Background::Light, behind: 0xffffff, text: 0x000000, colours: XTERM },
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
fn no_color_removes_the_colour_of_every_role_and_keeps_the_cursor() {
    let files = BUILT_IN_THEMES.map(|built_in| format!("base = \"{}\"\n", built_in.name));
    for file in files.iter().map(String::as_str).chain(["[theme]\n\"cursor\" = \"red on blue\"\n"]) {
        let (mut theme, warnings) = Theme::new(Background::Dark, Colours::PicturesOnly, file);
        assert_eq!(warnings, []);
        assert!(theme.cursor.add_modifier.contains(Modifier::REVERSED) && theme.plain().fg == Some(Color::Reset));
        for (name, style) in theme.roles() {
            assert_eq!((style.fg, style.bg), (None, None), "{name}");
        }
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

/// The red, green and blue of a colour that is the same in every terminal.
fn fixed(colour: Color) -> u32 {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * u32::from(step) };
    match colour {
        Color::Rgb(red, green, blue) => u32::from_be_bytes([0, red, green, blue]),
        // The cube and the greys of xterm's 256 colours.
        Color::Indexed(number @ 16..=231) => {
            let place = number - 16;
            level(place / 36) << 16 | level(place / 6 % 6) << 8 | level(place % 6)
        }
        Color::Indexed(number @ 232..) => (8 + 10 * u32::from(number - 232)) * 0x01_0101,
        other => panic!("{other:?} differs between terminals"),
    }
}

#[test]
fn fixed_colours_are_those_of_xterm() {
    let found = [16, 51, 120, 226, 231, 232, 255].map(|number| fixed(Color::Indexed(number)));
    assert_eq!(found, [0x000000, 0x00ffff, 0x87ff87, 0xffff00, 0xffffff, 0x080808, 0xeeeeee]);
}

#[test]
fn every_pair_of_the_themes_with_colours_of_their_own_is_readable() {
    for (name, least) in [("contrast", 7.0), ("dusk", 4.5)] {
        for background in [Background::Dark, Background::Light, Background::Unknown] {
            let (mut theme, warnings) = Theme::new(background, Colours::Text, &format!("base = \"{name}\"\n"));
            assert_eq!(warnings, []);
            let (text, behind) = (theme.text.fg.unwrap(), theme.text.bg.unwrap());
            let cursor = contrast(fixed(theme.cursor.bg.unwrap()), fixed(behind));
            assert!(cursor >= least, "{name}: the cursor stands out by {cursor:.2} : 1");
            for (role, style) in theme.roles() {
                assert!(!style.add_modifier.contains(Modifier::DIM), "{name}: terminals dim {role} differently");
                // The cursor's own colours replace those of a row; the tab that is shown combines both.
                let pair = contrast(fixed(style.fg.unwrap_or(text)), fixed(style.bg.unwrap_or(behind)));
                assert!(pair >= least, "{name}, {role}: {pair:.2} : 1");
            }
        }
    }
}

#[test]
fn every_built_in_theme_sets_every_role() {
    for built_in in BUILT_IN_THEMES {
        let (settings, warnings) = overrides::read(built_in.text);
        assert_eq!(warnings, [], "{}", built_in.name);
        let mut set: Vec<&str> = settings.iter().map(|setting| setting.key.as_str()).collect();
        let (mut theme, _) = Theme::new(Background::Dark, Colours::Text, "");
        let mut roles = theme.roles().map(|(role, _)| role);
        set.sort_unstable();
        roles.sort_unstable();
        assert_eq!(set, roles, "{}", built_in.name);
    }
}

#[test]
fn a_user_s_file_may_begin_from_a_built_in_theme() {
    let user = "[theme]\n\"bar\" = \"red\"\n\"focus\" = \"default\"\n";
    let (contrast, warnings) = Theme::new(Background::Light, Colours::Text, &format!("base = \"contrast\"\n{user}"));
    assert_eq!(warnings, []);
    let white = Some(Color::Indexed(231));
    assert_eq!((contrast.text.fg, contrast.text.bg), (white, Some(Color::Indexed(16))));
    assert_eq!((contrast.bar.fg, contrast.focus.fg), (Some(Color::Red), white), "`default` is the colour of the text");

    let (fallback, warnings) =
        Theme::new(Background::Dark, Colours::Text, &format!("# mine\nbase = \"sunset\"\n{user}"));
    assert_eq!(fallback, Theme::new(Background::Dark, Colours::Text, user).0);
    assert_eq!((warnings.len(), warnings[0].line), (1, 2));
    assert!(warnings[0].what.contains("terminal, contrast, dusk"), "{warnings:?}");
    let (_, warnings) = Theme::new(Background::Dark, Colours::Text, "bar = \"red\"\n");
    assert_eq!(warnings, [Warning { line: 1, what: "`bar` is not in a [section]".to_owned() }]);
}
