//! The actions: everything a key, a click or the palette can do.

/// Something a user can do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "the table below documents every action, for the reader and for the user")]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfPageUp,
    HalfPageDown,
    Top,
    Bottom,
    Jump,
    Enter,
    Back,
    NextView,
    Files,
    Results,
    Vault,
    Indexing,
    Filter,
    Select,
    SelectRange,
    SelectAll,
    InvertSelection,
    Similar,
    PreviousQuery,
    NextQuery,
    Zoom,
    NextPhoto,
    PreviousPhoto,
    Rotate,
    Compare,
    Slideshow,
    CopyNames,
    Parent,
    Home,
    Sort,
    Reload,
    Index,
    IndexFolder,
    PauseIndexing,
    StopIndexing,
    RaiseThreshold,
    LowerThreshold,
    MoreResults,
    FewerResults,
    Arrangement,
    LargerThumbnails,
    SmallerThumbnails,
    Export,
    ExportMatches,
    StopExport,
    OpenOutside,
    Download,
    Remove,
    Check,
    Details,
    Help,
    Palette,
    Log,
    CyclePictures,
    AskTerminal,
    Redraw,
    OpenVault,
    Lock,
    Suspend,
    Quit,
    Close,
    Submit,
    Yes,
    No,
    TrustVault,
    UseOlder,
    ClearFilter,
    Skip,
    NextField,
    PreviousField,
    DeleteBackward,
    DeleteForward,
    DeleteWord,
    ClearLine,
    CharLeft,
    CharRight,
    LineStart,
    LineEnd,
}

/// Every action with its name in the keymap file and its description.
pub const TABLE: &[(Action, &str, &str)] = &[
    (Action::Up, "up", "move up"),
    (Action::Down, "down", "move down"),
    (Action::Left, "left", "move left; in the files, to the folder above"),
    (Action::Right, "right", "move right; in the files, into the folder"),
    (Action::PageUp, "page-up", "one page up"),
    (Action::PageDown, "page-down", "one page down"),
    (Action::HalfPageUp, "half-page-up", "half a page up"),
    (Action::HalfPageDown, "half-page-down", "half a page down"),
    (Action::Top, "top", "go to the first"),
    (Action::Bottom, "bottom", "go to the last"),
    (Action::Jump, "jump", "go to a date or a name"),
    (Action::Enter, "enter", "open the folder, or show the photo large"),
    (Action::Back, "back", "clear the range, filter or selection"),
    (Action::NextView, "next-view", "next tab; on a narrow screen, list or picture"),
    (Action::Files, "files", "show the files"),
    (Action::Results, "results", "show the results of the last search"),
    (Action::Vault, "vault", "show the photos of the vault"),
    (Action::Indexing, "indexing", "show the indexing run"),
    (Action::Filter, "filter", "filter the list by name"),
    (Action::Select, "select", "select, and move on"),
    (Action::SelectRange, "select-range", "start a range; again: select it"),
    (Action::SelectAll, "select-all", "select all photos, or none"),
    (Action::InvertSelection, "invert-selection", "invert the selection"),
    (Action::Similar, "similar", "search for photos like this one"),
    (Action::PreviousQuery, "previous-query", "back to the search before"),
    (Action::NextQuery, "next-query", "forward to the search after"),
    (Action::Zoom, "zoom", "show the photo large; again: pixel by pixel"),
    (Action::NextPhoto, "next-photo", "show the next photo"),
    (Action::PreviousPhoto, "previous-photo", "show the photo before"),
    (Action::Rotate, "rotate", "turn the photo on the screen"),
    (Action::Compare, "compare", "compare two photos side by side"),
    (Action::Slideshow, "slideshow", "start or stop a slideshow"),
    (Action::CopyNames, "copy-names", "copy the names to the clipboard"),
    (Action::Parent, "parent", "go to the folder above"),
    (Action::Home, "home", "go to the home folder"),
    (Action::Sort, "sort", "sort the list in the next order"),
    (Action::Reload, "reload", "reload the list"),
    (Action::Index, "index", "add the selection, or this, to the vault"),
    (Action::IndexFolder, "index-folder", "add the whole folder to the vault"),
    (Action::PauseIndexing, "pause-indexing", "pause or resume indexing"),
    (Action::StopIndexing, "stop-indexing", "stop indexing, keep progress"),
    (Action::RaiseThreshold, "raise-threshold", "raise the match threshold"),
    (Action::LowerThreshold, "lower-threshold", "lower the match threshold"),
    (Action::MoreResults, "more-results", "list more results"),
    (Action::FewerResults, "fewer-results", "list fewer results"),
    (Action::Arrangement, "arrangement", "timeline, folders or list"),
    (Action::LargerThumbnails, "larger-thumbnails", "larger thumbnails; zoom in"),
    (Action::SmallerThumbnails, "smaller-thumbnails", "smaller thumbnails; zoom out"),
    (Action::Export, "export", "export the photos to a folder"),
    (Action::ExportMatches, "export-matches", "export all matches to a folder"),
    (Action::StopExport, "stop-export", "stop exporting, keep what is written"),
    (Action::OpenOutside, "open-outside", "open the photo in another program"),
    (Action::Download, "download", "send the photos through the terminal"),
    (Action::Remove, "remove", "remove the photos from the vault"),
    (Action::Check, "check", "check every byte of the vault"),
    (Action::Details, "details", "show or hide information about the photo"),
    (Action::Help, "help", "show all keys"),
    (Action::Palette, "palette", "find an action by name"),
    (Action::Log, "log", "show all messages"),
    (Action::CyclePictures, "cycle-pictures", "draw pictures another way"),
    (Action::AskTerminal, "ask-terminal", "detect the terminal's graphics again"),
    (Action::Redraw, "redraw", "redraw the screen"),
    (Action::OpenVault, "open-vault", "open another vault"),
    (Action::Lock, "lock", "lock, or open a vault"),
    (Action::Suspend, "suspend", "suspend to the shell (fg returns)"),
    (Action::Quit, "quit", "quit"),
    (Action::Close, "close", "close this window"),
    (Action::Submit, "submit", "accept what is typed or chosen"),
    (Action::Yes, "yes", "answer yes"),
    (Action::No, "no", "answer no"),
    (Action::TrustVault, "trust-vault", "trust the other vault"),
    (Action::UseOlder, "use-older", "use the older copy of the vault"),
    (Action::ClearFilter, "clear-filter", "clear the filter"),
    (Action::Skip, "skip", "continue without a vault"),
    (Action::NextField, "next-field", "to the next field or choice"),
    (Action::PreviousField, "previous-field", "to the previous field or choice"),
    (Action::DeleteBackward, "delete-backward", "delete the character before the cursor"),
    (Action::DeleteForward, "delete-forward", "delete the character under the cursor"),
    (Action::DeleteWord, "delete-word", "delete the word before the cursor"),
    (Action::ClearLine, "clear-line", "delete the whole line"),
    (Action::CharLeft, "char-left", "one character to the left"),
    (Action::CharRight, "char-right", "one character to the right"),
    (Action::LineStart, "line-start", "to the start of the line"),
    (Action::LineEnd, "line-end", "to the end of the line"),
];

impl Action {
    /// The action with this name in the keymap file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == name).map(|(action, _, _)| *action)
    }

    /// Its name in the keymap file.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it does.
    #[must_use]
    pub fn description(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        TABLE.iter().find(|(action, _, _)| *action == self).expect("the test below finds every action in the table")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_the_table_in_the_order_of_the_enum() {
        for (index, (action, name, _)) in TABLE.iter().enumerate() {
            assert_eq!(*action as usize, index, "{name}");
            assert_eq!(Action::named(name), Some(*action));
        }
        assert_eq!(TABLE.len(), Action::LineEnd as usize + 1);
    }
}
