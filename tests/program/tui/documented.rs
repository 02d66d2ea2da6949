//! docs/application.md says what is so: its keys are those of the keymap, its texts are on the screen in the states
//! that it names.

use std::fmt::Write;

use cipherlens::tui::keymap::Keymap;
use cipherlens::tui::keymap::context::Context;

use crate::tui::states::states;

const PAGE: &str = include_str!("../../../docs/application.md");

/// The rows of the table below a heading, as cells.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let start = PAGE.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no {heading:?}"));
    let section = &PAGE[start + heading.len() + 2..];
    let section = section.split("\n#").next().unwrap_or_default();
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    table.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_documented_keys_are_those_of_the_keymap() {
    let keymap = Keymap::default();
    let (mut expected, mut documented) = (String::new(), String::new());
    for (context, name) in Context::ALL {
        let lines: Vec<_> = keymap.help().into_iter().filter(|line| line.context == context).collect();
        if lines.is_empty() {
            assert!(!PAGE.contains(&format!("\n### {name}\n")), "[{name}] has no keys");
            continue;
        }
        for line in lines {
            let keys: Vec<String> = line.keys.split("  ").map(|key| format!("`{key}`")).collect();
            writeln!(expected, "{name} | {} | {}", keys.join(" "), line.action.description()).unwrap();
        }
        for row in rows(&format!("### {name}")) {
            writeln!(documented, "{name} | {}", row.join(" | ")).unwrap();
        }
    }
    assert_eq!(documented, expected);
}

#[test]
fn the_documented_texts_are_on_the_screen() {
    let rows = rows("## States and their texts");
    for (name, open) in states() {
        let (columns, lines) = if name.contains("narrow") { (50, 20) } else { (120, 40) };
        let screen = open(columns, lines).screen();
        let row = rows.iter().find(|row| row[0] == name);
        let text = &row.unwrap_or_else(|| panic!("{name:?} is not documented:\n{screen}"))[1];
        assert!(screen.contains(text.as_str()), "{name}: no {text:?} on\n{screen}");
    }
    for row in rows {
        assert!(states().iter().any(|(name, _)| *name == row[0]), "there is no state {:?}", row[0]);
    }
}
