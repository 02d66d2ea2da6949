//! The commands of the palette that take an argument: `search ~/cat.jpg`, `sort oldest`.

/// What a command does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CommandKind {
    /// Searches for photos like a file.
    Search,
    /// Exports the photos to a folder.
    Export,
    /// Opens another vault.
    Open,
    /// Sorts the list.
    Sort,
    /// Moves to a date, a folder or a name.
    Go,
    /// Shows a folder of the file system.
    Folder,
}

/// A command with an argument.
#[derive(Debug, Eq, PartialEq)]
pub struct Command {
    /// What it does.
    pub kind: CommandKind,
    /// The word that it begins with.
    pub name: &'static str,
    /// What its argument is.
    pub argument: &'static str,
    /// Its description.
    pub description: &'static str,
}

/// Every command.
pub static COMMANDS: [Command; 6] = [
    Command {
        kind: CommandKind::Search,
        name: "search",
        argument: "PHOTO",
        description: "search for photos like a file",
    },
    Command {
        kind: CommandKind::Go,
        name: "go",
        argument: "DATE",
        description: "go to a date, a month, a folder or a name",
    },
    Command { kind: CommandKind::Sort, name: "sort", argument: "ORDER", description: "sort the list" },
    Command {
        kind: CommandKind::Export,
        name: "export",
        argument: "FOLDER",
        description: "export the photos to a folder",
    },
    Command {
        kind: CommandKind::Folder,
        name: "folder",
        argument: "FOLDER",
        description: "show a folder on the Files tab",
    },
    Command { kind: CommandKind::Open, name: "open", argument: "VAULT", description: "open another vault" },
];

impl CommandKind {
    /// Its row in [`COMMANDS`].
    #[must_use]
    pub fn command(self) -> &'static Command {
        COMMANDS.iter().find(|command| command.kind == self).unwrap_or(&COMMANDS[0])
    }
}

/// The command that `line` begins with, and its argument; `None` if it begins with none, or has no space after it.
#[must_use]
pub fn parse(line: &str) -> Option<(&'static Command, &str)> {
    let (word, argument) = line.trim_start().split_once(' ')?;
    let command = COMMANDS.iter().find(|command| command.name == word)?;
    Some((command, argument.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_and_its_argument() {
        let parsed = |line| parse(line).map(|(command, argument)| (command.kind, argument));
        assert_eq!(parsed("search ~/my cat.jpg "), Some((CommandKind::Search, "~/my cat.jpg")));
        assert_eq!(parsed("open "), Some((CommandKind::Open, "")));
        assert_eq!([parsed("open"), parsed("opening x"), parsed("")], [None; 3]);
        for command in &COMMANDS {
            assert_eq!(command.kind.command(), command);
        }
    }
}
