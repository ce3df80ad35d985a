//! What only its holder knows: tokens of cookies and links, and codes that a person types.

use std::fmt::Write;

use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

/// Without I, L, O and U, so that what is read aloud or from a screen is typed right (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// SHA-256 of a secret: what is kept of it. No salt, since each has 50 bits or more.
pub(crate) type Digest = [u8; 32];

/// 256 bits as 64 hexadecimal digits.
pub(crate) fn token() -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes::<32>().iter() {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

/// None: no token of ours, so that nothing else is ever looked for.
pub(crate) fn digest_of_token(text: &str) -> Option<Digest> {
    let ours = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    ours.then(|| digest_of(text))
}

/// `LENGTH` letters of five bits each, in groups of five.
pub(crate) fn code<const LENGTH: usize>() -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / 5));
    for (index, byte) in bytes::<LENGTH>().iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    text
}

/// A code as it was meant: hyphens, spaces and small letters do not matter, and what looks alike is the same.
pub(crate) fn normal(code: &str) -> Zeroizing<String> {
    let letters =
        code.chars().filter(|letter| !matches!(letter, '-' | ' ')).map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        });
    Zeroizing::new(letters.collect())
}

pub(crate) fn digest_of(text: &str) -> Digest {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

pub(crate) fn bytes<const LENGTH: usize>() -> Zeroizing<[u8; LENGTH]> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    rand::fill(&mut bytes[..]).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_none_comes_twice() {
        let (one, other) = (token(), token());
        assert_ne!(*one, *other);
        assert_eq!(digest_of_token(&one), Some(digest_of(&one)));
        let upper = one.replace(|letter: char| letter.is_ascii_digit(), "A");
        for text in ["", "0", &one[1..], &format!("{}0", *one), &upper] {
            assert_eq!(digest_of_token(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_is_what_was_meant_and_not_how_it_was_typed() {
        let code = code::<10>();
        assert_eq!((code.len(), code.as_bytes()[5]), (11, b'-'));
        assert_eq!(*normal(&code.to_lowercase().replace('-', " ")), code.replace('-', ""));
        assert_eq!(*normal("oO-iIlL"), "001111");
    }
}
