//! Separates a terminal's answers from keys: late answers to a probe, and messages about a file transfer.
//!
//! Such an answer arrives as keys: letters after Alt-] (an operating system command), Alt-P (a device control string)
//! or Alt-_ (an application program command; ECMA-48 sections 8.3.89, 8.3.27 and 8.3.2). Must never: let one through as
//! keys, because its letters would be commands.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest pause within an answer over a slow link. Nobody types this fast for long.
const LONGEST_GAP: Duration = Duration::from_millis(300);
/// Longer than any expected answer.
const LONGEST_ANSWER: usize = 8192;

/// What a key event turned out to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// Part of an answer.
    Part,
    /// The end of an answer: its whole text, starting with the letter of its kind, without the terminator.
    Answer(String),
}

/// Collects answers from the stream of keys.
#[derive(Debug, Default)]
pub struct Answers {
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    text: String,
    last: Instant,
    /// The last key was ESC: a backslash after it ends the answer.
    after_escape: bool,
}

impl Answers {
    /// Classifies a key that was read `now`.
    pub fn read(&mut self, key: KeyEvent, now: Instant) -> Input {
        let Some(begun) = &mut self.begun else { return self.begin(key, now) };
        if now.duration_since(begun.last) > LONGEST_GAP || begun.text.len() > LONGEST_ANSWER {
            self.begun = None;
            return self.begin(key, now);
        }
        begun.last = now;
        let has = |modifier| key.modifiers.contains(modifier);
        let is_end = match key.code {
            // BEL, or ESC and a backslash as one event or two.
            KeyCode::Char('g') => has(KeyModifiers::CONTROL),
            KeyCode::Char('\\') => has(KeyModifiers::ALT) || begun.after_escape,
            _ => false,
        };
        if is_end {
            let text = std::mem::take(&mut begun.text);
            self.begun = None;
            return Input::Answer(text);
        }
        begun.after_escape = key.code == KeyCode::Esc;
        if let KeyCode::Char(letter) = key.code {
            begun.text.push(letter);
        }
        Input::Part
    }

    fn begin(&mut self, key: KeyEvent, now: Instant) -> Input {
        match key.code {
            KeyCode::Char(kind @ (']' | 'P' | '_')) if key.modifiers.contains(KeyModifiers::ALT) => {
                self.begun = Some(Begun { text: kind.to_string(), last: now, after_escape: false });
                Input::Part
            }
            _ => Input::Key(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that crossterm makes of a terminal's bytes: ESC and a letter become Alt with that letter.
    fn keys(bytes: &str) -> Vec<KeyEvent> {
        let mut keys = Vec::new();
        let mut letters = bytes.chars().peekable();
        while let Some(letter) = letters.next() {
            keys.push(match letter {
                '\x1b' => {
                    let after = letters.next().unwrap();
                    KeyEvent::new(KeyCode::Char(after), KeyModifiers::ALT)
                }
                '\x07' => KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL),
                letter => KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE),
            });
        }
        keys
    }

    fn hear(answers: &mut Answers, bytes: &str, now: Instant) -> Vec<Input> {
        keys(bytes).into_iter().map(|key| answers.read(key, now)).filter(|heard| *heard != Input::Part).collect()
    }

    #[test]
    fn answers_are_collected_whole_and_keys_around_them_stay_keys() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        for (bytes, answer) in [
            ("\x1b_Gi=31;OK\x1b\\", "_Gi=31;OK"),
            ("\x1b]11;rgb:0000/0000/0000\x07", "]11;rgb:0000/0000/0000"),
            ("\x1bP>|XTerm(379)\x1b\\", "P>|XTerm(379)"),
        ] {
            assert_eq!(hear(&mut answers, bytes, now), [Input::Answer(answer.to_owned())]);
        }
        let quit = keys("q")[0];
        assert_eq!(
            hear(&mut answers, "q\x1b_Gi=31;OK\x1b\\q", now),
            [Input::Key(quit), Input::Answer("_Gi=31;OK".to_owned()), Input::Key(quit)]
        );
    }

    #[test]
    fn a_terminator_in_two_pieces_ends_an_answer() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        assert!(hear(&mut answers, "\x1b]5113;ac=status", now).is_empty());
        assert_eq!(answers.read(KeyCode::Esc.into(), now), Input::Part);
        assert_eq!(answers.read(KeyCode::Char('\\').into(), now), Input::Answer("]5113;ac=status".to_owned()));
    }

    #[test]
    fn a_key_that_looks_like_the_start_of_an_answer_swallows_no_later_keys() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        assert!(hear(&mut answers, "\x1b]", now).is_empty());
        let later = now + LONGEST_GAP + Duration::from_millis(1);
        assert_eq!(hear(&mut answers, "q", later), [Input::Key(keys("q")[0])]);
    }
}
