//! People who do not exist. No two of 800 in a row are called the same.

use crate::patients::HumanName;

const FAMILIES: [&str; 29] = [
    "Abara",
    "Bergström",
    "Castellanos",
    "Dimitrov",
    "Eriksen",
    "Fontaine",
    "Grünwald",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lefèvre",
    "Mbeki",
    "Nakamura",
    "O'Rourke",
    "Papadakis",
    "Quintero",
    "Rosenthal",
    "Szabó",
    "Takahashi",
    "Uddin",
    "Vandenberg",
    "Whitaker",
    "Ximenes",
    "Yilmaz",
    "Zhang",
    "Ashworth",
    "Belmonte",
    "Carlisle",
];

/// Every second one is a woman's.
const GIVEN: [&str; 31] = [
    "Alice", "Bruno", "Chiara", "Dmitri", "Elif", "Felix", "Greta", "Hassan", "Ingrid", "Jonas", "Keiko", "Luca",
    "Maren", "Nils", "Olga", "Pablo", "Ruth", "Samuel", "Teresa", "Umar", "Vera", "Walter", "Xenia", "Yusuf", "Zoe",
    "Anton", "Beatriz", "Cyril", "Dora", "Emre", "Frida",
];

pub(super) struct Somebody {
    pub(super) name: HumanName,
    pub(super) sex: &'static str,
    /// ISO 8601.
    pub(super) born: String,
}

pub(super) fn somebody(number: u32) -> Somebody {
    let at = number as usize;
    let given = at % GIVEN.len();
    let name = HumanName {
        prefix: None,
        given: vec![GIVEN[given].to_owned()],
        family: Some(FAMILIES[at % FAMILIES.len()].to_owned()),
        suffix: None,
    };
    let born = format!("{}-{:02}-{:02}", 1936 + number * 17 % 68, 1 + number * 5 % 12, 1 + number * 11 % 28);
    Somebody { name, sex: if given.is_multiple_of(2) { "female" } else { "male" }, born }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_is_somebody_else() {
        let everybody: Vec<_> = (1..=800).map(somebody).collect();
        let names: BTreeSet<_> = everybody.iter().map(|one| one.name.whole()).collect();
        assert_eq!(names.len(), 800);
        let dates = everybody.iter().map(|one| one.born.parse::<jiff::civil::Date>().unwrap());
        assert!(dates.into_iter().all(|born| (1936..2004).contains(&born.year())));
    }
}
