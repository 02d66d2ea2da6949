//! Where a key is bound: on a tab, in a window, in a text field. What is on the screen decides which contexts apply.

use super::super::state::overlay::Overlay;
use super::super::state::{State, Tab};

/// A section of the keymap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context {
    /// Every tab; a tab's own keys come first.
    Everywhere,
    /// One tab.
    On(Tab),
    /// The photo view; the keys of its tab and those of every tab come after its own.
    Viewer,
    /// Every window; a window's own keys come first.
    Window,
    /// The list of keys.
    Help,
    /// The list of actions.
    Palette,
    /// The list of messages.
    Messages,
    /// A question.
    Confirm,
    /// The prompt for the folder to export to.
    Export,
    /// What a run would add.
    Plan,
    /// The filter of a list, while it is typed.
    Filter,
    /// The screens that ask for the vault and its passphrase.
    Unlock,
    /// Every text field; the keys of what it belongs to come first.
    Input,
}

impl Context {
    /// All contexts with their names in the keymap file, in the order of the help.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::Everywhere, "everywhere"),
        (Self::On(Tab::Files), "files"),
        (Self::On(Tab::Results), "results"),
        (Self::On(Tab::Vault), "vault"),
        (Self::On(Tab::Indexing), "indexing"),
        (Self::Viewer, "viewer"),
        (Self::Window, "window"),
        (Self::Help, "help"),
        (Self::Palette, "palette"),
        (Self::Messages, "messages"),
        (Self::Confirm, "confirm"),
        (Self::Export, "export"),
        (Self::Plan, "plan"),
        (Self::Filter, "filter"),
        (Self::Unlock, "unlock"),
        (Self::Input, "input"),
    ];

    /// The context of a section of the keymap file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(context, _)| *context)
    }

    /// Its name in the keymap file.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(context, _)| *context == self).map_or("", |(_, name)| name)
    }

    /// Whether a plain character always goes into a text field here, which makes a binding of it useless. Not in the
    /// help, whose field takes characters only after the first one was typed.
    #[must_use]
    pub fn types_characters(self) -> bool {
        matches!(self, Self::Palette | Self::Export | Self::Filter | Self::Unlock | Self::Input)
    }
}

/// The contexts of a tab, the more specific first.
#[must_use]
pub fn of_tab(tab: Tab) -> Vec<Context> {
    vec![Context::On(tab), Context::Everywhere]
}

/// The contexts of a window, the more specific first.
#[must_use]
pub fn of_window(window: &Overlay) -> Vec<Context> {
    match window {
        Overlay::Help { .. } => vec![Context::Help, Context::Input, Context::Window],
        Overlay::Palette { .. } => vec![Context::Palette, Context::Input, Context::Window],
        Overlay::ExportTo { .. } => vec![Context::Export, Context::Input, Context::Window],
        Overlay::Plan(_) => vec![Context::Plan, Context::Window],
        Overlay::Log { .. } => vec![Context::Messages, Context::Window],
        Overlay::Confirm(_) => vec![Context::Confirm, Context::Window],
    }
}

/// The contexts of what is below any window: the photo view or the tab.
#[must_use]
pub fn below_windows(state: &State) -> Vec<Context> {
    let of_viewer = state.viewer.as_ref().map(|_| Context::Viewer);
    of_viewer.into_iter().chain(of_tab(state.tab)).collect()
}

/// The contexts of the screens that ask for the vault.
#[must_use]
pub fn of_unlock() -> Vec<Context> {
    vec![Context::Unlock, Context::Input]
}

/// The contexts of a filter being typed.
#[must_use]
pub fn of_filter() -> Vec<Context> {
    vec![Context::Filter, Context::Input]
}

/// The contexts that apply now, the more specific first.
#[must_use]
pub fn active(state: &State) -> Vec<Context> {
    match &state.overlay {
        Some(window) => of_window(window),
        None if state.lock_screen.is_some() => of_unlock(),
        None if state.viewer.is_some() => below_windows(state),
        None if state.typed_filter().is_some() => of_filter(),
        None => of_tab(state.tab),
    }
}
