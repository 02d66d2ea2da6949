//! Which keys do what: the defaults, the user's file over them, and the help made from the result.

pub mod chord;
pub mod context;

use super::action::{Action, TABLE};
use super::overrides::{self, Warning};
use crate::services::settings::KEYMAP as DEFAULTS;
use chord::{Chord, parse_sequence, written};
use context::Context;

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
    /// The beginning of a longer sequence.
    Prefix,
    /// Nothing.
    Unbound,
}

/// All bindings.
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// A line of the help: an action and its keys in one context.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HelpLine {
    /// Where the keys are bound.
    pub context: Context,
    /// The keys, as the help writes them.
    pub keys: String,
    /// What they do.
    pub action: Action,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut keymap = Self { bindings: Vec::new() };
        let warnings = keymap.merge(DEFAULTS);
        debug_assert!(warnings.is_empty(), "the defaults are valid: {warnings:?}");
        keymap
    }
}

impl Keymap {
    /// Applies a keymap file over the bindings so far. Lines that cannot be used are skipped; they, and keys that
    /// conflict within a context, are returned as warnings.
    pub fn merge(&mut self, text: &str) -> Vec<Warning> {
        let (settings, mut warnings) = overrides::read(text);
        let mut set: Vec<(Context, Vec<Chord>, usize)> = Vec::new();
        for setting in settings {
            let mut warn = |what: String| warnings.push(Warning { line: setting.line, what });
            let Some(context) = Context::named(&setting.section) else {
                warn(setting.misplaced());
                continue;
            };
            let Some(keys) = parse_sequence(&setting.key) else {
                warn(format!("`{}` is not a key", setting.key));
                continue;
            };
            let action = Action::named(&setting.word);
            if action.is_none() && setting.word != "none" {
                warn(format!("there is no action `{}`", setting.word));
                continue;
            }
            if context.types_characters() && keys[0].typed().is_some() {
                warn(format!("in [{}], `{}` is typed as text", setting.section, setting.key));
                continue;
            }
            if let Some((.., line)) = set.iter().find(|(other, known, _)| *other == context && *known == keys) {
                warn(format!("`{}` is already set on line {line}", setting.key));
            }
            self.bindings.retain(|binding| binding.context != context || binding.keys != keys);
            if let Some(action) = action {
                self.bindings.push(Binding { context, keys: keys.clone(), action });
            }
            set.push((context, keys, setting.line));
        }
        for (context, keys, line) in set {
            warnings.extend(self.conflict(context, &keys).map(|what| Warning { line, what }));
        }
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }

    /// Why a sequence is never reached or keeps a longer one from being reached in its context.
    fn conflict(&self, context: Context, keys: &[Chord]) -> Option<String> {
        let mut bound = self.bindings.iter().filter(|binding| binding.context == context).map(|binding| &binding.keys);
        bound.clone().find(|known| *known == keys)?;
        let other =
            bound.find(|other| other.len() != keys.len() && (other.starts_with(keys) || keys.starts_with(other)))?;
        let (short, long) = if other.len() < keys.len() { (&other[..], keys) } else { (keys, &other[..]) };
        Some(format!("`{}` cannot be typed: `{}` comes first", written(long), written(short)))
    }

    /// What `pressed` means in `contexts`, of which the first comes first.
    #[must_use]
    pub fn meaning(&self, contexts: &[Context], pressed: &[Chord]) -> Meaning {
        for context in contexts {
            let mut here = self.bindings.iter().filter(|binding| binding.context == *context);
            if let Some(binding) = here.clone().find(|binding| binding.keys == pressed) {
                return Meaning::Action(binding.action);
            }
            if here.any(|binding| binding.keys.starts_with(pressed)) {
                return Meaning::Prefix;
            }
        }
        Meaning::Unbound
    }

    /// The keys of `action` in `contexts`, the first bound first; empty when there are none. A key that means something
    /// else in a context before is none of them.
    #[must_use]
    pub fn keys(&self, contexts: &[Context], action: Action) -> Vec<String> {
        let bound = |context: &Context| {
            let context = *context;
            self.bindings
                .iter()
                .filter(move |binding| binding.context == context && binding.action == action)
                .filter(|binding| self.meaning(contexts, &binding.keys) == Meaning::Action(action))
                .map(|binding| written(&binding.keys))
        };
        contexts.iter().flat_map(bound).collect()
    }

    /// The help: every bound action once per context, in the order of the actions.
    #[must_use]
    pub fn help(&self) -> Vec<HelpLine> {
        let mut lines = Vec::new();
        for (context, _) in Context::ALL {
            for (action, _, _) in TABLE {
                let keys = self.keys(&[context], *action);
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
    use super::super::state::Tab;
    use super::context::{of_filter, of_tab, of_unlock};
    use super::*;

    fn press(text: &str) -> Vec<Chord> {
        parse_sequence(text).unwrap()
    }

    #[test]
    fn the_defaults_are_valid_and_reach_every_action() {
        let (settings, warnings) = overrides::read(DEFAULTS);
        assert!(warnings.is_empty() && settings.len() > 100);
        let mut keymap = Keymap { bindings: Vec::new() };
        assert_eq!(keymap.merge(DEFAULTS), []);
        for (action, name, _) in TABLE {
            let is_bound = Context::ALL.iter().any(|(context, _)| !keymap.keys(&[*context], *action).is_empty());
            assert!(is_bound, "no key for {name}");
        }
    }

    #[test]
    fn every_context_is_a_section_of_the_defaults() {
        for (context, name) in Context::ALL {
            assert!(DEFAULTS.contains(&format!("\n[{name}]\n")), "{name}");
            assert_eq!(Context::named(name), Some(context));
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
    fn a_tab_s_key_takes_precedence_over_one_bound_everywhere() {
        let mut keymap = Keymap::default();
        let warnings = keymap.merge("[results]\n\"s\" = \"arrangement\"\n\"-\" = \"lower-threshold\"\n");
        assert_eq!(warnings, []);
        let meaning = |tab, keys| keymap.meaning(&of_tab(tab), &press(keys));
        assert_eq!(meaning(Tab::Results, "s"), Meaning::Action(Action::Arrangement));
        assert_eq!(meaning(Tab::Files, "s"), Meaning::Action(Action::Similar));
        assert_eq!(meaning(Tab::Results, "-"), Meaning::Action(Action::LowerThreshold));
        assert_eq!(meaning(Tab::Vault, "-"), Meaning::Unbound);
    }

    #[test]
    fn a_key_that_means_something_else_in_a_context_before_is_not_listed() {
        let keymap = Keymap::default();
        assert_eq!(keymap.keys(&of_tab(Tab::Files), Action::Quit), ["q", "ctrl-c"]);
        let of_viewer = [Context::Viewer, Context::On(Tab::Files), Context::Everywhere];
        assert_eq!(keymap.keys(&of_viewer, Action::Quit), [] as [String; 0]);
    }

    #[test]
    fn sequences_begin_and_end() {
        let keymap = Keymap::default();
        let meaning = |keys| keymap.meaning(&of_tab(Tab::Files), &press(keys));
        assert_eq!(meaning("g"), Meaning::Prefix);
        assert_eq!(meaning("g g"), Meaning::Action(Action::Top));
        assert_eq!(meaning("g x"), Meaning::Unbound);
    }

    #[test]
    fn a_user_s_file_changes_and_removes_keys_and_warnings_name_lines() {
        let mut keymap = Keymap::default();
        let warnings = keymap.merge(
            "[everywhere]\n\"ctrl-q\" = \"quit\"\n\"q\" = \"none\"\n\"w\" = \"qiut\"\n\"hyper-x\" = \"up\"\n\
             [tabs]\n\"a\" = \"up\"\n",
        );
        let meaning = |keys| keymap.meaning(&of_tab(Tab::Files), &press(keys));
        assert_eq!(meaning("q"), Meaning::Unbound);
        assert_eq!(meaning("ctrl-q"), Meaning::Action(Action::Quit));
        let lines: Vec<(usize, bool)> = warnings.iter().map(|w| (w.line, w.what.contains("qiut"))).collect();
        assert_eq!(lines, [(4, true), (5, false), (7, false)]);
    }

    #[test]
    fn conflicting_keys_cause_a_warning_within_a_context_but_not_across_contexts() {
        let mut keymap = Keymap::default();
        let warnings = keymap.merge("[everywhere]\n\"G\" = \"top\"\n\"shift-G\" = \"bottom\"\n\"g\" = \"zoom\"\n");
        let said: Vec<(usize, &str)> = warnings.iter().map(|w| (w.line, w.what.as_str())).collect();
        assert_eq!(said, [(3, "`shift-G` is already set on line 2"), (4, "`gg` cannot be typed: `g` comes first")]);
        assert_eq!(Keymap::default().merge("[vault]\n\"g\" = \"zoom\"\n\"q\" = \"zoom\"\n"), []);
    }

    #[test]
    fn in_a_text_field_a_letter_cannot_be_bound() {
        let mut keymap = Keymap::default();
        let warnings = keymap.merge("[unlock]\n\"q\" = \"quit\"\n[filter]\n\"ctrl-q\" = \"quit\"\n");
        assert_eq!(warnings, [Warning { line: 2, what: "in [unlock], `q` is typed as text".to_owned() }]);
        assert_eq!(keymap.meaning(&of_unlock(), &press("q")), Meaning::Unbound);
        assert_eq!(keymap.meaning(&of_filter(), &press("ctrl-q")), Meaning::Action(Action::Quit));
    }
}
