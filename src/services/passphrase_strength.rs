//! How hard a passphrase is to guess, shown when one is chosen. Must never: keep, log or print a passphrase.

/// How hard a passphrase is to guess.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Strength {
    /// Quickly guessed.
    Weak,
    /// Takes determination to guess.
    Fair,
    /// Too costly to guess.
    Strong,
}

/// An upper estimate in bits, from length and kinds of characters, not counting repetitions and sequences (`aaa`,
/// `abc`). Natural-language words hold less entropy than their letters suggest, so letters are counted cautiously.
#[must_use]
pub fn strength(passphrase: &[u8]) -> (Strength, u32) {
    let alphabet: u32 = [
        (passphrase.iter().any(u8::is_ascii_lowercase), 26),
        (passphrase.iter().any(u8::is_ascii_uppercase), 26),
        (passphrase.iter().any(u8::is_ascii_digit), 10),
        (passphrase.iter().any(|byte| byte.is_ascii_punctuation() || *byte == b' '), 33),
        (!passphrase.is_ascii(), 64),
    ]
    .into_iter()
    .filter_map(|(used, size)| used.then_some(size))
    .sum();
    let continues = |pair: &[u8]| pair[1].abs_diff(pair[0]) <= 1;
    let runs = passphrase.windows(2).filter(|pair| continues(pair)).count();
    let fresh = (passphrase.len() - runs) as f64;
    // Letters of words carry about 2.5 bits each; letters mixed with digits or punctuation carry more.
    let words_only = passphrase.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
    let each = if words_only { 2.5 } else { f64::from(alphabet.max(1)).log2() * 0.75 };
    let bits = (fresh * each) as u32;
    let strength = match bits {
        0..42 => Strength::Weak,
        42..55 => Strength::Fair,
        _ => Strength::Strong,
    };
    (strength, bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Strength {
        strength(text.as_bytes()).0
    }

    #[test]
    fn length_and_variety_count_and_repetition_does_not() {
        for weak in ["", "password", "aaaaaaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwx", "12345678901", "Tr0ub4dor"]
        {
            assert_eq!(of(weak), Strength::Weak, "{weak}");
        }
        assert_eq!(of("correct horse battery"), Strength::Fair);
        assert_eq!(of("correct horse battery staple"), Strength::Strong);
        assert_eq!(of("x7#Qp!v9Lm2$Zk"), Strength::Strong);
    }
}
