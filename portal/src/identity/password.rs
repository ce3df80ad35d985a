//! What may be a password or a PIN (NIST SP 800-63B): long, and nothing that everybody tries first.

/// NIST asks for 15 where it is the only factor, 8 beside another.
const SHORTEST: usize = 12;

/// Bytes: a sentence fits, and nobody has us hash a book.
const LONGEST: usize = 256;

/// Different characters.
const DIFFERENT: usize = 5;

const PIN: std::ops::RangeInclusive<usize> = 6..=12;

/// Words and runs of keys of which the well-known lists of common passwords consist, a line each.
const COMMON: &str = include_str!("common.txt");

/// Why it is refused, for its owner; None: it will do.
pub(crate) fn weakness(password: &str, login: &str) -> Option<&'static str> {
    if password.chars().count() < SHORTEST {
        return Some("at least 12 characters");
    }
    if password.len() > LONGEST {
        return Some("at most 256 bytes");
    }
    let mut letters: Vec<_> = password.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < DIFFERENT {
        return Some("too few different characters");
    }
    let plain = plain(password);
    let common = plain.len() < 4 || words(&plain).is_some_and(|words| words <= 2) || repeats(&plain);
    if common {
        return Some("too common: it is among the first that are tried");
    }
    let login: String = login.to_lowercase();
    if login.len() >= 4 && password.to_lowercase().contains(&login) {
        return Some("it contains the user name");
    }
    None
}

pub(crate) fn pin_weakness(pin: &str) -> Option<&'static str> {
    if !PIN.contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("6 to 12 digits");
    }
    let steps: Vec<_> = pin.as_bytes().windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0])).collect();
    if steps.iter().all(|step| *step == steps[0]) || repeats(pin) {
        return Some("too easy to guess");
    }
    None
}

/// In small letters, without what people hang on a word, and with letters where they put digits for them.
fn plain(password: &str) -> String {
    let undone = password.to_lowercase();
    let undone = undone.trim_matches(|letter: char| !letter.is_alphabetic() && !matches!(letter, '@' | '$'));
    undone
        .chars()
        .filter_map(|letter| match letter {
            '0' => Some('o'),
            '1' | '!' | '|' => Some('i'),
            '3' => Some('e'),
            '4' | '@' => Some('a'),
            '5' | '$' => Some('s'),
            '7' => Some('t'),
            letter => letter.is_alphabetic().then_some(letter),
        })
        .collect()
}

/// Of how few common words all of it consists.
fn words(text: &str) -> Option<usize> {
    let mut fewest: Vec<Option<usize>> = vec![None; text.len() + 1];
    fewest[0] = Some(0);
    for start in 0..text.len() {
        let Some(so_far) = fewest[start] else { continue };
        for word in COMMON.lines().filter(|word| !word.is_empty() && !word.starts_with('#')) {
            if text.as_bytes()[start..].starts_with(word.as_bytes()) {
                let end = &mut fewest[start + word.len()];
                *end = Some(end.map_or(so_far + 1, |other| other.min(so_far + 1)));
            }
        }
    }
    fewest[text.len()]
}

/// One part again and again.
fn repeats(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=bytes.len() / 2)
        .any(|length| bytes.len().is_multiple_of(length) && bytes.chunks(length).all(|chunk| chunk == &bytes[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        for password in [
            "short",
            "Password1234",
            "P@ssw0rd2026!",
            "qwertyuiop123",
            "123456789012",
            "welcome2hospital",
            "iloveyou!!!!!!",
            "letmeinletmein",
            "Vigilvigilvigil",
            "aaaaaaaaaaaaaaab",
            "summer-Winter-2026",
            "anna.berg@2026-Mar",
        ] {
            assert!(weakness(password, "anna.berg").is_some(), "{password}");
        }
        assert!(weakness(&"a long sentence ".repeat(20), "anna.berg").is_some());
        for password in
            ["correct horse battery staple", "tulip-Quarry-79-lantern", "ein langer Satz über nichts", "x7#Kp!2vQm9z"]
        {
            assert_eq!(weakness(password, "anna.berg"), None, "{password}");
        }
    }

    #[test]
    fn a_pin_is_of_digits_and_no_pattern() {
        for pin in ["12345", "1234567890123", "12345a", "111111", "123456", "987654", "121212", "123123", ""] {
            assert!(pin_weakness(pin).is_some(), "{pin}");
        }
        for pin in ["271828", "5820937", "130598"] {
            assert_eq!(pin_weakness(pin), None, "{pin}");
        }
    }
}
