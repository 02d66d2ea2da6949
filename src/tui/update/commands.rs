//! Commands typed into the palette.

use std::path::Path;

use super::super::action::Action;
use super::super::commands::{self, CommandKind};
use super::super::request::Effect;
use super::super::state::browser::Sorting;
use super::super::state::results::Query;
use super::super::state::sections::Order;
use super::super::state::{State, Tab};
use super::typed_path::path;
use super::{export, folders, jump, leaving, photos, refusal};
use crate::services::session::Address;

/// The most command lines that are kept.
const KEPT: usize = 50;

/// Why a command would do nothing now.
#[must_use]
pub fn command_refusal(state: &State, command: CommandKind) -> Option<&'static str> {
    if state.lock_screen.is_some() && command != CommandKind::Open {
        return Some("unlock the vault first");
    }
    match command {
        CommandKind::Search | CommandKind::Folder => None,
        CommandKind::Export => refusal(state, Action::Export),
        CommandKind::Open => refusal(state, Action::OpenVault),
        CommandKind::Sort => refusal(state, Action::Sort),
        CommandKind::Go => refusal(state, Action::Jump),
    }
}

/// Runs a command line, and keeps it for the next time.
pub fn run_command(state: &mut State, line: &str) -> Vec<Effect> {
    let Some((command, argument)) = commands::parse(line) else { return Vec::new() };
    state.messages.mark_read();
    let kind = command.kind;
    if let Some(reason) = command_refusal(state, kind) {
        state.messages.refuse(reason);
        return Vec::new();
    }
    if argument.is_empty() {
        state.messages.refuse(format!("{} needs {}", command.name, command.argument));
        return Vec::new();
    }
    let argument = argument.to_owned();
    remember(state, format!("{} {argument}", command.name));
    match kind {
        CommandKind::Search => {
            let path = path(state, &argument);
            photos::search(state, Query::File(path))
        }
        CommandKind::Export => {
            let photos = photos::subject(state);
            let folder = path(state, &argument);
            export::start(state, photos, folder)
        }
        CommandKind::Open => {
            let vault = if Address::is_remote(Path::new(&argument)) { argument.into() } else { path(state, &argument) };
            leaving::look_for_vault(state, vault)
        }
        CommandKind::Sort => {
            sort(state, &argument);
            Vec::new()
        }
        CommandKind::Go => {
            jump::to(state, &argument);
            Vec::new()
        }
        CommandKind::Folder => {
            state.tab = Tab::Files;
            let folder = path(state, &argument);
            folders::go_to(state, folder)
        }
    }
}

fn remember(state: &mut State, line: String) {
    state.palette_history.retain(|known| *known != line);
    if state.palette_history.len() == KEPT {
        state.palette_history.remove(0);
    }
    state.palette_history.push(line);
}

fn sort(state: &mut State, word: &str) {
    let title = match state.tab {
        Tab::Vault => Order::ALL.into_iter().find(|order| order.word() == word).map(|order| {
            state.collection.sort_by(order);
            order.title()
        }),
        Tab::Files => Sorting::ALL.into_iter().find(|order| order.word() == word).map(|order| {
            state.browser.sort_by(order);
            order.title()
        }),
        Tab::Results | Tab::Indexing => None,
    };
    match title {
        Some(title) => state.messages.info(format!("sorted {title}")),
        None => state.messages.refuse(format!("there is no order “{word}”")),
    }
}
