//! The frame as nearly every device sends it: one object, plain keys, plain numbers. Read by hand, because reading is the
//! dearest thing that we do with a frame; whatever is not quite so plain goes to the reader in `json.rs`, which must say
//! the same of what is read here (a property test holds them together).

use crate::{Parameter, Timestamp};

/// What a plain frame can say.
pub(super) struct Plain {
    pub(super) t: Option<Timestamp>,
    pub(super) seq: Option<i64>,
    pub(super) values: [Option<f64>; Parameter::COUNT],
}

/// Digits that a double holds exactly, so that one division by a power of ten rounds as a slow parser would.
const DIGITS: usize = 15;
const TENS: [f64; DIGITS + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// None: not plain, which says nothing about whether it is a frame.
pub(super) fn read(payload: &[u8]) -> Option<Plain> {
    let mut plain = Plain { t: None, seq: None, values: [None; Parameter::COUNT] };
    let mut text = Text(payload);
    text.skip(b'{')?;
    loop {
        let key = text.string()?;
        text.skip(b':')?;
        match key {
            "t" => plain.t = Some(Timestamp::parse_utc(text.string()?.as_bytes())?),
            "seq" => match text.number()? {
                Number { mantissa, decimals: 0, negative: false } => plain.seq = Some(mantissa as i64),
                _ => return None,
            },
            key => {
                let parameter = Parameter::from_key(key)?;
                plain.values[parameter.index()] = Some(text.number()?.value());
            }
        }
        match text.next()? {
            b',' => {}
            b'}' if text.0.is_empty() => return Some(plain),
            _ => return None,
        }
    }
}

struct Text<'a>(&'a [u8]);

struct Number {
    mantissa: u64,
    decimals: usize,
    negative: bool,
}

impl Number {
    fn value(self) -> f64 {
        let value = self.mantissa as f64 / TENS[self.decimals];
        if self.negative { -value } else { value }
    }
}

impl<'a> Text<'a> {
    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        loop {
            let (&first, rest) = self.0.split_first()?;
            self.0 = rest;
            if first != b' ' {
                return Some(first);
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Between quotes: visible ASCII that nothing escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let end = self.0.iter().position(|&byte| byte == b'"')?;
        let (inside, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        let plain = inside.iter().all(|&byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
        if plain { std::str::from_utf8(inside).ok() } else { None }
    }

    /// Digits, perhaps with a point; no exponent, and no zero that is not needed.
    fn number(&mut self) -> Option<Number> {
        let mut first = self.next()?;
        let negative = first == b'-';
        if negative {
            first = *self.0.split_off_first()?;
        }
        if !first.is_ascii_digit() {
            return None;
        }
        let (mut mantissa, mut digits, mut decimals) = (u64::from(first - b'0'), 1, 0);
        let mut point = false;
        while let Some(&byte) = self.0.first() {
            match byte {
                b'0'..=b'9' if point || mantissa > 0 => {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    digits += 1;
                    decimals += usize::from(point);
                    if digits > DIGITS {
                        return None;
                    }
                }
                b'.' if !point => point = true,
                b',' | b'}' | b' ' => break,
                _ => return None,
            }
            self.0 = &self.0[1..];
        }
        // A point wants a digit behind it, and minus zero is a number of its own.
        let odd = point && decimals == 0 || negative && mantissa == 0;
        (!odd).then_some(Number { mantissa, decimals, negative })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::json::{decode, thorough};
    use super::*;

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (-400_i32..2_300, 0_u32..1_000).prop_map(|(whole, part)| format!("{whole}.{part}")),
            4 => any::<i32>().prop_map(|whole| whole.to_string()),
            2 => any::<f64>().prop_map(|value| value.to_string()),
            1 => "-?[0-9]{1,18}(\\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?",
            1 => Just("null".to_owned()),
        ]
    }

    fn entry() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            6 => prop::sample::select(Parameter::ALL).prop_map(|parameter| parameter.key().to_owned()),
            1 => prop::sample::select(vec!["seq", "boot", "hist", "mode", "q", "bp", "t", ""]).prop_map(str::to_owned),
        ];
        let time =
            "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,9})?(Z|[+-]0[0-9]:00)";
        prop_oneof![
            4 => (key, number()).prop_map(|(key, number)| format!("\"{key}\":{number}")),
            1 => time.prop_map(|time| format!("\"t\":\"{time}\"")),
            1 => any::<u64>().prop_map(|seq| format!("\"seq\": {seq}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// The quick reader never says anything else than the thorough one.
        #[test]
        fn what_is_read_by_hand_is_what_is_read(
            entries in vec(entry(), 0..8),
            comma in prop::sample::select(vec![",", ", ", " ,", ",,"]),
            cut in prop::option::weighted(0.1, 0_usize..200),
            instead in prop::option::weighted(0.1, (0_usize..200, any::<u8>())),
        ) {
            let mut payload = format!("{{{}}}", entries.join(comma)).into_bytes();
            payload.truncate(cut.unwrap_or(usize::MAX));
            if let Some((place, byte)) = instead && place < payload.len() {
                payload[place] = byte;
            }
            let (mut quick, mut slow) = (Vec::new(), Vec::new());
            prop_assert_eq!(decode(&payload, &mut quick), thorough(&payload, &mut slow));
            prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn the_usual_frame_is_read_by_hand() {
        for payload in [
            r#"{"t":"2026-11-23T10:00:00.250Z","seq":4711,"hr":72,"spo2":97.5,"temp":36.8}"#,
            r#"{"hr": 72, "abp_sys": -3.25}"#,
        ] {
            assert!(read(payload.as_bytes()).is_some(), "{payload}");
        }
    }
}
