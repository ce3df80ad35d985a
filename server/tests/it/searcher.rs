//! Looks for secrets in bytes of any kind, in each of the forms in which a program writes text down by accident.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

/// Shorter ones are found by chance.
const SHORTEST: usize = 8;

struct Needle {
    /// What it is and in which form, as a finding says it.
    told: String,
    /// Of a form that has no case, in small ASCII letters.
    bytes: Vec<u8>,
    exact: bool,
}

#[derive(Default)]
pub struct Searcher {
    needles: Vec<Needle>,
    /// By the first four bytes, in small ASCII letters.
    heads: HashMap<[u8; 4], Vec<usize>>,
}

impl Searcher {
    /// A finding says `name`, never the text itself.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        for (case, text) in [("", text.to_owned()), ("lower ", text.to_lowercase()), ("upper ", text.to_uppercase())] {
            self.forms(&format!("{name} in {case}"), text.as_bytes());
            for (form, utf16) in
                [("UTF-16LE", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("UTF-16BE", u16::to_be_bytes as _)]
            {
                let wide: Vec<u8> = text.encode_utf16().flat_map(utf16).collect();
                self.forms(&format!("{name} in {case}{form} "), &wide);
            }
            let percent = |keep: fn(u8) -> bool| {
                text.bytes().fold(String::new(), |mut out, byte| {
                    match keep(byte) {
                        true => out.push(char::from(byte)),
                        false => write!(out, "%{byte:02x}").unwrap(),
                    }
                    out
                })
            };
            let sparing = percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            self.add(format!("{name} in {case}percent"), sparing.into_bytes(), false);
            self.add(format!("{name} in {case}full percent"), percent(|_| false).into_bytes(), false);
            let escaped = text.encode_utf16().fold(String::new(), |mut out, unit| {
                match u8::try_from(unit) {
                    Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
                    _ => write!(out, "\\u{unit:04x}").unwrap(),
                }
                out
            });
            self.add(format!("{name} in {case}JSON escapes"), escaped.into_bytes(), false);
        }
        self
    }

    /// What is no text, such as a seed.
    #[must_use]
    pub fn bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        self.forms(&format!("{name} in "), bytes);
        self
    }

    fn forms(&mut self, told: &str, bytes: &[u8]) {
        self.add(format!("{told}plain"), bytes.to_vec(), false);
        self.add(format!("{told}hex"), hex(bytes).into_bytes(), false);
        for shift in 0..3 {
            let standard = base64_within(bytes, shift);
            let url = standard.replace('+', "-").replace('/', "_");
            self.add(format!("{told}base64 at {shift}"), standard.into_bytes(), true);
            self.add(format!("{told}base64url at {shift}"), url.into_bytes(), true);
        }
    }

    fn add(&mut self, told: String, bytes: Vec<u8>, exact: bool) {
        assert!(bytes.len() >= SHORTEST, "{told} would be found by chance");
        let bytes = if exact { bytes } else { bytes.to_ascii_lowercase() };
        let head = bytes[..4].to_ascii_lowercase().try_into().unwrap();
        self.heads.entry(head).or_default().push(self.needles.len());
        self.needles.push(Needle { told, bytes, exact });
    }

    /// What is there, each once.
    pub fn find(&self, haystack: &[u8]) -> BTreeSet<&str> {
        let mut first_two = vec![false; 1 << 16];
        for head in self.heads.keys() {
            first_two[usize::from(u16::from_be_bytes([head[0], head[1]]))] = true;
        }
        let mut found = BTreeSet::new();
        let mut before = 0;
        for (at, byte) in haystack.iter().enumerate() {
            let byte = byte.to_ascii_lowercase();
            let pair = usize::from(u16::from_be_bytes([before, byte]));
            before = byte;
            if at > 0 && first_two[pair] {
                self.find_at(&haystack[at - 1..], &mut found);
            }
        }
        found
    }

    fn find_at<'a>(&'a self, rest: &[u8], found: &mut BTreeSet<&'a str>) {
        let Some(head) = rest.first_chunk::<4>() else { return };
        for needle in self.heads.get(&head.map(|byte| byte.to_ascii_lowercase())).into_iter().flatten() {
            let Needle { told, bytes, exact } = &self.needles[*needle];
            let Some(here) = rest.get(..bytes.len()) else { continue };
            if if *exact { here == bytes } else { here.eq_ignore_ascii_case(bytes) } {
                found.insert(told);
            }
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// The letters that stand for these bytes alone where `shift` others (mod 3) come before them.
fn base64_within(bytes: &[u8], shift: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let all: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let bit = |at: usize| usize::from(all[at / 8] >> (7 - at % 8) & 1);
    let letters = (shift * 8).div_ceil(6)..all.len() * 8 / 6;
    let value = |letter: usize| (letter * 6..letter * 6 + 6).fold(0, |value, at| value << 1 | bit(at));
    letters.map(|letter| char::from(LETTERS[value(letter)])).collect()
}

#[test]
fn base64_is_what_others_write() {
    // Of foobar, fooba, xoobar and xxobar (RFC 4648 §10): letters that hold bits of an x or of padding are not ours.
    for (bytes, shift, letters) in
        [("foobar", 0, "Zm9vYmFy"), ("fooba", 0, "Zm9vYm"), ("oobar", 1, "9vYmFy"), ("obar", 2, "vYmFy")]
    {
        assert_eq!(base64_within(bytes.as_bytes(), shift), letters);
    }
}

#[test]
fn each_form_is_found_and_nothing_else() {
    let name = "Zörbelquist";
    let searcher = Searcher::default().text("name", name).bytes("seed", &[0xfb, 0xff, 1, 2, 3, 4, 0xfe, 0xff, 9, 10]);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (form, written) in [
        ("plain", name.into()),
        ("plain", "zÖrBELQUIST".replace('Ö', "ö").into()),
        ("upper plain", "ZÖRBELQUIST".into()),
        ("hex", hex(name.as_bytes()).into()),
        ("hex", hex(name.as_bytes()).to_uppercase().into()),
        ("lower hex", hex(name.to_lowercase().as_bytes()).into()),
        ("base64 at 0", "WsO2cmJlbHF1aXN0".into()),
        ("base64 at 1", "eFrDtnJiZWxxdWlzdA==".into()),
        ("base64 at 2", "eHhaw7ZyYmVscXVpc3Q=".into()),
        ("UTF-16LE plain", wide(name)),
        ("UTF-16BE plain", big(name)),
        ("UTF-16LE hex", hex(&wide(name)).into()),
        ("percent", "Z%C3%B6rbelquist".into()),
        ("full percent", "%5a%c3%b6%72%62%65%6c%71%75%69%73%74".into()),
        ("JSON escapes", r"Z\u00f6rbelquist".into()),
    ] {
        let hay = [b"some\0noise".to_vec(), written, b"\xffmore".to_vec()].concat();
        let told = format!("name in {form}");
        assert!(searcher.find(&hay).contains(told.as_str()), "{form}: {:?}", searcher.find(&hay));
    }
    assert!(searcher.find(b"..-_8BAgME_v8JCg==").contains("seed in base64url at 0"));
    for harmless in ["Z", "", "Zörbelquis", "orbelquist", "WsO2cmJlbHF1aXN", "wso2cmjlbhf1axn0", "+/8BAgME"] {
        assert!(searcher.find(harmless.as_bytes()).is_empty(), "{harmless}: {:?}", searcher.find(harmless.as_bytes()));
    }
}
