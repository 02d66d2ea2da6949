//! Frames in ASCII, for terminals whose locale is not UTF-8, which would show other characters as several wrong ones.

use ratatui::buffer::Buffer;

use super::super::format;

/// Replaces every non-ASCII character by others of the same width. Pictures sent as escape sequences stay.
pub(super) fn replace(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol().to_owned();
        if symbol.is_ascii() {
            continue;
        }
        // Escape sequences of pictures, and kitty's Unicode placeholders for them.
        let is_picture = symbol.contains('\u{1b}') || symbol.starts_with('\u{10eeee}');
        if symbol == "█" {
            cell.bg = cell.fg;
        }
        if !is_picture {
            let columns = format::width(&symbol);
            let replaced = symbol.chars().next().map_or(' ', ascii_for);
            cell.set_symbol(&String::from(replaced).repeat(columns.max(1)));
        }
    }
}

/// The most similar ASCII character.
fn ascii_for(character: char) -> char {
    match character {
        '─' | '–' | '—' => '-',
        '━' | '╾' => '=',
        '┃' => '#',
        '│' | '‖' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '●' | '■' | '▣' => '*',
        '○' => 'o',
        '◐' => '%',
        '✓' => 'v',
        '✗' | '×' => 'x',
        '▸' | '›' => '>',
        '…' | '·' => '.',
        '“' | '”' => '"',
        '↑' => '^',
        '↓' => 'v',
        '≥' => '>',
        '°' => ' ',
        // Half blocks: only the pixel in the background colour is left.
        '▀'..='▟' => ' ',
        '\u{2800}'..='\u{28ff}' => '*',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    use super::*;

    #[test]
    fn every_character_keeps_its_width_and_pictures_stay() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "╭─ 猫é ─╮✓", Style::new());
        buffer[(2, 1)].set_symbol("█").set_fg(Color::Red);
        buffer[(0, 1)].set_symbol("\u{1b}Pq…");
        buffer[(1, 1)].set_symbol("\u{10eeee}\u{305}");
        replace(&mut buffer);
        let row: String = (0..12).map(|x| buffer[(x, 0)].symbol()).collect();
        // A wide character covers the cell behind it.
        assert_eq!(row, "+- ?? ? -+v  ");
        assert_eq!((buffer[(2, 1)].symbol(), buffer[(2, 1)].bg), (" ", Color::Red));
        assert_eq!((buffer[(0, 1)].symbol(), buffer[(1, 1)].symbol()), ("\u{1b}Pq…", "\u{10eeee}\u{305}"));
    }
}
