use warp::http::{HeaderMap, HeaderValue, header};

/// Of which version of a thing a request speaks (RFC 9110 §13.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// As it is now, whatever that is.
    #[default]
    Any,
    /// One of these. None: of tags that are no version of ours.
    Versions(Vec<i32>),
}

impl IfMatch {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Self::Any;
        }
        let mut versions = Vec::new();
        for tag in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim) {
            match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) {
                None if tag == "*" => return Self::Any,
                // Weak ones never match, and no version has a sign or a zero before it.
                tag => {
                    versions.extend(tag.and_then(|tag| tag.parse().ok().filter(|version| entity_tag(*version) == tag)))
                }
            }
        }
        Self::Versions(versions)
    }

    pub(crate) fn matches(&self, version: i32) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

fn entity_tag(version: i32) -> String {
    version.to_string()
}

/// What an answer about this version says.
pub(crate) fn etag(version: i32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{}\"", entity_tag(version))).expect("digits in quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_of_ours_matches() {
        for (lines, of_three) in [
            (&[][..], true),
            (&["*"], true),
            (&["\"3\""], true),
            (&["\"2\", \"3\""], true),
            (&["\"2\"", "\"3\""], true),
            (&["\"2\""], false),
            (&["W/\"3\""], false),
            (&["3"], false),
            (&["\"03\""], false),
            (&["\"+3\""], false),
            (&["\"three\""], false),
            (&["\"3"], false),
            (&[""], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_MATCH, HeaderValue::from_static(line));
            }
            assert_eq!(IfMatch::read(&headers).matches(3), of_three, "{lines:?}");
        }
        assert_eq!(etag(3), "\"3\"");
    }
}
