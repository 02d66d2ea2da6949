//! What the palette offers for the letters typed into it: actions, commands with an argument, completions, and what was
//! run before.

use super::action::{Action, TABLE};
use super::commands::{self, COMMANDS, Command, CommandKind};
use super::fuzzy;
use super::state::browser::Sorting;
use super::state::sections::Order;
use super::state::{State, Tab};
use super::update::{command_refusal, refusal};
use crate::services::format::count;

/// The most lines of the history that an empty palette offers.
const RECENT: usize = 5;
/// The most completions of an argument.
const COMPLETIONS: usize = 200;

/// A line of the palette.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Choice {
    /// Performs an action.
    Action(Action),
    /// Begins a command, whose argument is typed next.
    Command(&'static Command),
    /// Runs a command with its argument.
    Line {
        /// The command line.
        line: String,
        /// What it says about itself.
        note: String,
    },
}

/// What the palette offers for `text`, best first.
#[must_use]
pub fn choices(state: &State, text: &str) -> Vec<Choice> {
    if let Some((command, argument)) = commands::parse(text) {
        return match command_refusal(state, command.kind) {
            None => lines(state, command, argument),
            Some(_) => Vec::new(),
        };
    }
    // Before a vault is open, only another one can be opened.
    if state.lock_screen.is_some() {
        return vec![Choice::Command(CommandKind::Open.command())];
    }
    let mut offered: Vec<(String, Choice)> = Vec::new();
    for command in COMMANDS.iter().filter(|command| command_refusal(state, command.kind).is_none()) {
        let text = format!("{} {} {}", command.name, command.argument, command.description);
        offered.push((text, Choice::Command(command)));
    }
    for (action, name, description) in TABLE {
        if *action != Action::Palette && refusal(state, *action).is_none() {
            offered.push((format!("{name} {description}"), Choice::Action(*action)));
        }
    }
    let order = fuzzy::best_first(text, offered.iter().map(|(text, _)| text.as_str()));
    let mut found: Vec<Choice> = order.into_iter().map(|index| offered[index].1.clone()).collect();
    if text.trim().is_empty() {
        let recent = state.palette_history.iter().rev().filter(|line| {
            commands::parse(line).is_some_and(|(command, _)| command_refusal(state, command.kind).is_none())
        });
        let recent = recent.take(RECENT).map(|line| Choice::Line { line: line.clone(), note: "again".to_owned() });
        found.splice(0..0, recent);
    }
    found
}

/// The line as it is typed, and completions of its argument.
fn lines(state: &State, command: &'static Command, argument: &str) -> Vec<Choice> {
    let line = |argument: &str, note: &str| Choice::Line {
        line: format!("{} {argument}", command.name),
        note: note.to_owned(),
    };
    let known: Vec<&str> = match command.kind {
        // On the lock screen nobody is shown where vaults are before something was typed.
        CommandKind::Open if state.lock_screen.is_some() && argument.is_empty() => Vec::new(),
        CommandKind::Open => state.known_vaults.iter().map(String::as_str).collect(),
        CommandKind::Sort => orders(state).into_iter().map(|(word, _)| word).collect(),
        CommandKind::Go if state.tab == Tab::Vault => {
            state.collection.sections.iter().map(|(_, section)| section.title.as_str()).collect()
        }
        CommandKind::Search | CommandKind::Export | CommandKind::Folder | CommandKind::Go => Vec::new(),
    };
    let note_of = |place: usize| match command.kind {
        CommandKind::Sort => orders(state)[place].1.to_owned(),
        CommandKind::Go => {
            state.collection.sections.get(place).map(|section| count(section.count, "photo")).unwrap_or_default()
        }
        _ => "a known vault".to_owned(),
    };
    let order = fuzzy::best_first(argument, known.iter().copied());
    let mut found: Vec<Choice> =
        order.into_iter().take(COMPLETIONS).map(|place| line(known[place], &note_of(place))).collect();
    let is_known = known.contains(&argument);
    if !argument.is_empty() && command.kind != CommandKind::Sort && !is_known {
        // A word that is no path means one of the known vaults, if there is one like it.
        let is_vague = command.kind == CommandKind::Open && !argument.contains(['/', '~']);
        let place = if is_vague { found.len() } else { 0 };
        found.insert(place, line(argument, command.description));
    }
    found
}

/// The orders of the shown tab: the word to type, and the description.
#[must_use]
pub fn orders(state: &State) -> Vec<(&'static str, &'static str)> {
    let vault = Order::ALL.map(|order| (order.word(), order.title()));
    let files = Sorting::ALL.map(|order| (order.word(), order.title()));
    match state.tab {
        Tab::Files => files.to_vec(),
        Tab::Vault => vault.to_vec(),
        Tab::Results | Tab::Indexing => Vec::new(),
    }
}
