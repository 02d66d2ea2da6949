//! Themes: their colours on the whole screen, and how one is chosen.

use cipherlens::tui::theme::{Background, Colours, Theme};
use ratatui::style::Color;
use ratatui::text::Span;

use crate::support::pseudo_terminal::Kind;
use crate::tui::states::states;
use crate::tui::user::User;

#[test]
fn a_theme_with_a_background_fills_every_cell_in_every_state() {
    let (theme, _) = Theme::new(Background::Light, Colours::Text, "base = \"contrast\"\n");
    for (columns, rows) in [(19, 4), (60, 20), (120, 40)] {
        for (name, open) in states() {
            let mut stage = open(columns, rows);
            stage.application.theme = theme;
            let screen = stage.screen();
            let buffer = stage.backend().buffer();
            // The backend does not write the second cell of a wide character.
            let is_covered = |index: usize| index > 0 && Span::raw(buffer.content()[index - 1].symbol()).width() > 1;
            for (index, cell) in buffer.content().iter().enumerate().filter(|(index, _)| !is_covered(*index)) {
                let is_terminals = [cell.fg, cell.bg].contains(&Color::Reset);
                assert!(
                    !is_terminals,
                    "{name}: {:?} has {:?} on {:?}\n{screen}",
                    buffer.pos_of(index),
                    cell.fg,
                    cell.bg
                );
            }
        }
    }
}

/// The sequence with which black is set as a background.
const ON_BLACK: &[u8] = b"48;5;16m";

#[test]
fn a_theme_is_chosen_by_name_by_file_or_in_the_settings() {
    let settings = ".config/cipherlens/config.toml";
    for (arguments, written) in [
        (&["--theme", "contrast"][..], None),
        (&["--theme", "./contrast"], Some(("contrast", "base = \"contrast\"\n"))),
        (&["--theme", "mine.toml"], Some(("mine.toml", "base = \"contrast\"\n"))),
        (&[], Some((settings, "theme = \"contrast\"\n"))),
        (&[], Some((".config/cipherlens/theme.toml", "base = \"contrast\"\n"))),
    ] {
        let user = User::new();
        if let Some((name, text)) = written {
            std::fs::create_dir_all(user.path(name).parent().unwrap()).unwrap();
            std::fs::write(user.path(name), text).unwrap();
        }
        let mut terminal = user.start(Kind::Silent, arguments, &[]);
        terminal.until_screen("a new vault");
        assert!(terminal.has_written(0, ON_BLACK), "{arguments:?} {written:?}");
        terminal.keys("\x03");
        assert!(terminal.wait().success());
    }
    let mut terminal = User::new().start(Kind::Silent, &["--theme", "contrast"], &[("NO_COLOR", "1")]);
    terminal.until_screen("a new vault");
    terminal.keys("\x03");
    assert!(terminal.wait().success());
    assert!(!terminal.has_written(0, ON_BLACK), "NO_COLOR goes first");
}

#[test]
fn an_unknown_theme_ends_the_program_with_the_names_of_all() {
    for (arguments, settings) in [(&["--theme", "sunset"][..], ""), (&[], "theme = \"sunset\"\n")] {
        let user = User::new();
        std::fs::create_dir_all(user.path(".config/cipherlens")).unwrap();
        std::fs::write(user.path(".config/cipherlens/config.toml"), settings).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cipherlens"));
        command.args(arguments).env_clear().env("HOME", user.path("")).env("TERM", "xterm");
        let output = command.current_dir(user.path("")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        assert!(said.contains("sunset") && said.contains("terminal, contrast, dusk"), "{said}");
    }
}
