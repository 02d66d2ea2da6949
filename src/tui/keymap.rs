//! Which keys do what: the defaults, the user's file over them, and the help that is made from the result.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, TABLE};
use super::overrides::{self, Warning};
use super::state::Tab;
use crate::services::settings::KEYMAP as DEFAULTS;

/// Where a key counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context {
    /// On every tab, unless the tab says otherwise.
    Everywhere,
    /// On one tab.
    On(Tab),
}

impl Context {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Everywhere, "everywhere"),
        (Self::On(Tab::Files), "files"),
        (Self::On(Tab::Results), "results"),
        (Self::On(Tab::Vault), "vault"),
        (Self::On(Tab::Indexing), "indexing"),
    ];

    /// Its name in the keymap file.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(context, _)| *context == self).map_or("", |(_, name)| name)
    }
}

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

impl Chord {
    /// The chord that a key event is. Shift is in the letter itself.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Self { code: event.code, modifiers }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, tail) =
                [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)]
                    .iter()
                    .find_map(|(prefix, modifier)| Some((*modifier, rest.strip_prefix(prefix)?)))
                    .unwrap_or((KeyModifiers::NONE, rest));
            if modifier.is_empty() || tail.is_empty() {
                break;
            }
            modifiers |= modifier;
            rest = tail;
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) => KeyCode::Char(letter),
            _ => match rest.strip_prefix('f').and_then(|number| number.parse().ok()) {
                Some(number @ 1..=12) => KeyCode::F(number),
                _ => NAMED.iter().find(|(name, _)| *name == rest)?.1,
            },
        };
        Some(Self { code, modifiers })
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

/// One or more keys pressed one after the other.
fn parse_sequence(text: &str) -> Option<Vec<Chord>> {
    let chords: Option<Vec<Chord>> = text.split(' ').filter(|part| !part.is_empty()).map(Chord::parse).collect();
    chords.filter(|chords| !chords.is_empty())
}

fn written(sequence: &[Chord]) -> String {
    let chords: Vec<String> = sequence.iter().map(ToString::to_string).collect();
    // Letters that follow one another are written as vim users write them.
    let separator = if chords.iter().all(|chord| chord.chars().count() == 1) { "" } else { " " };
    chords.join(separator)
}

struct Binding {
    context: Context,
    keys: Vec<Chord>,
    action: Action,
}

/// What the keys pressed so far mean.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// This action.
    Action(Action),
    /// The beginning of something.
    Beginning,
    /// Nothing.
    Nothing,
}

/// All bindings.
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// A line of the help: the keys of an action, and what it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HelpLine {
    /// Where the keys count.
    pub context: Context,
    /// The keys, as written in the help.
    pub keys: String,
    /// What they do.
    pub action: Action,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut keymap = Self { bindings: Vec::new() };
        let warnings = keymap.lay_over(DEFAULTS);
        debug_assert!(warnings.is_empty(), "the defaults are understood: {warnings:?}");
        keymap
    }
}

impl Keymap {
    /// Lays a user's file over the bindings; what cannot be understood is left out and warned of.
    pub fn lay_over(&mut self, text: &str) -> Vec<Warning> {
        let (settings, mut warnings) = overrides::read(text);
        for setting in settings {
            let mut warn = |what: String| warnings.push(Warning { line: setting.line, what });
            let Some((context, _)) = Context::ALL.iter().find(|(_, name)| *name == setting.section) else {
                warn(format!("there is no section [{}]", setting.section));
                continue;
            };
            let Some(keys) = parse_sequence(&setting.key) else {
                warn(format!("`{}` is no key", setting.key));
                continue;
            };
            let action = Action::named(&setting.word);
            if action.is_none() && setting.word != "none" {
                warn(format!("there is no action `{}`", setting.word));
                continue;
            }
            self.bindings.retain(|binding| binding.context != *context || binding.keys != keys);
            if let Some(action) = action {
                self.bindings.push(Binding { context: *context, keys, action });
            }
        }
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }

    /// What `pressed` means on `tab`; the tab's own keys come before those that count everywhere.
    #[must_use]
    pub fn meaning(&self, tab: Tab, pressed: &[Chord]) -> Meaning {
        for context in [Context::On(tab), Context::Everywhere] {
            let mut here = self.bindings.iter().filter(|binding| binding.context == context);
            if let Some(binding) = here.clone().find(|binding| binding.keys == pressed) {
                return Meaning::Action(binding.action);
            }
            if here.any(|binding| binding.keys.starts_with(pressed)) {
                return Meaning::Beginning;
            }
        }
        Meaning::Nothing
    }

    /// The keys that do `action` on `tab`, the first bound first; empty when there are none.
    #[must_use]
    pub fn keys(&self, tab: Tab, action: Action) -> Vec<String> {
        let bound = |context: Context| {
            self.bindings
                .iter()
                .filter(move |binding| binding.context == context && binding.action == action)
                .map(|binding| written(&binding.keys))
        };
        bound(Context::On(tab)).chain(bound(Context::Everywhere)).collect()
    }

    /// The help: every bound action once a context, in the order of the actions.
    #[must_use]
    pub fn help(&self) -> Vec<HelpLine> {
        let mut lines = Vec::new();
        for (context, _) in Context::ALL {
            for (action, _, _) in TABLE {
                let keys: Vec<String> = self
                    .bindings
                    .iter()
                    .filter(|binding| binding.context == context && binding.action == *action)
                    .map(|binding| written(&binding.keys))
                    .collect();
                if !keys.is_empty() {
                    lines.push(HelpLine { context, keys: keys.join("  "), action: *action });
                }
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(text: &str) -> Vec<Chord> {
        parse_sequence(text).unwrap()
    }

    #[test]
    fn the_defaults_are_understood_and_reach_every_action() {
        let (settings, warnings) = overrides::read(DEFAULTS);
        assert!(warnings.is_empty() && settings.len() > 60);
        let mut keymap = Keymap { bindings: Vec::new() };
        assert_eq!(keymap.lay_over(DEFAULTS), []);
        for (action, name, _) in TABLE {
            assert!(Tab::ALL.iter().any(|tab| !keymap.keys(*tab, *action).is_empty()), "no key for {name}");
        }
    }

    #[test]
    fn every_line_of_the_defaults_says_what_its_action_does() {
        for line in DEFAULTS.lines().filter(|line| line.starts_with('"')) {
            let (setting, explanation) = line.split_once('#').unwrap();
            let name = setting.split('"').nth(3).unwrap();
            assert_eq!(explanation.trim(), Action::named(name).unwrap().description(), "{line}");
        }
    }

    #[test]
    fn a_tab_s_key_comes_before_one_that_counts_everywhere() {
        let mut keymap = Keymap::default();
        let warnings = keymap.lay_over("[results]\n\"s\" = \"arrangement\"\n\"-\" = \"lower-threshold\"\n");
        assert_eq!(warnings, []);
        assert_eq!(keymap.meaning(Tab::Results, &press("s")), Meaning::Action(Action::Arrangement));
        assert_eq!(keymap.meaning(Tab::Files, &press("s")), Meaning::Action(Action::Similar));
        assert_eq!(keymap.meaning(Tab::Results, &press("-")), Meaning::Action(Action::LowerThreshold));
        assert_eq!(keymap.meaning(Tab::Vault, &press("-")), Meaning::Nothing);
    }

    #[test]
    fn sequences_begin_and_end() {
        let keymap = Keymap::default();
        assert_eq!(keymap.meaning(Tab::Files, &press("g")), Meaning::Beginning);
        assert_eq!(keymap.meaning(Tab::Files, &press("g g")), Meaning::Action(Action::Top));
        assert_eq!(keymap.meaning(Tab::Files, &press("g x")), Meaning::Nothing);
    }

    #[test]
    fn a_user_s_file_changes_takes_away_and_is_warned_of_by_line() {
        let mut keymap = Keymap::default();
        let warnings = keymap.lay_over(
            "[everywhere]\n\"ctrl-q\" = \"quit\"\n\"q\" = \"none\"\n\"w\" = \"qiut\"\n\"hyper-x\" = \"up\"\n[tabs]\n\"a\" = \"up\"\n",
        );
        assert_eq!(keymap.meaning(Tab::Files, &press("q")), Meaning::Nothing);
        assert_eq!(keymap.meaning(Tab::Files, &press("ctrl-q")), Meaning::Action(Action::Quit));
        let lines: Vec<(usize, bool)> = warnings.iter().map(|w| (w.line, w.what.contains("qiut"))).collect();
        assert_eq!(lines, [(4, true), (5, false), (7, false)]);
    }

    #[test]
    fn shift_is_in_the_letter() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!([Chord::of(event)], press("G")[..]);
        assert_eq!(press("ctrl--")[0].to_string(), "ctrl--");
        assert_eq!(written(&press("g g")), "gg");
    }
}
