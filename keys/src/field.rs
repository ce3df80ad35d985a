use std::fmt;

/// What sealed bytes are: a column of a table. Sealed bytes open only as the field that they were sealed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    table: &'static str,
    column: &'static str,
}

impl Field {
    /// Of lower-case letters, digits and `_`, so that `|` parts it from what follows: anything else fails to compile in a `const`.
    pub const fn new(table: &'static str, column: &'static str) -> Self {
        assert!(is_name(table) && is_name(column), "a table and a column are of a-z 0-9 _");
        Self { table, column }
    }

    /// What is authenticated beside the sealed bytes. No two of (field, id, version) give the same bytes: names hold no
    /// `|`, and the version has four bytes.
    pub(crate) fn bound_to(self, id: &[u8], version: i32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.table.len() + self.column.len() + id.len() + 7);
        for part in [self.table.as_bytes(), self.column.as_bytes(), id] {
            bytes.extend_from_slice(part);
            bytes.push(b'|');
        }
        bytes.extend_from_slice(&version.to_be_bytes());
        bytes
    }
}

const fn is_name(text: &str) -> bool {
    let (bytes, mut at) = (text.as_bytes(), 0);
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}
