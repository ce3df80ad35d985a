use crate::DeviceName;

/// What a device sends (design §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream<'a> {
    Vitals,
    Waves { channel: &'a str },
    Status,
}

/// A topic a client may publish to, parsed. `gateway` is set for `vigil/v1/{gateway}/relay/{device}/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic<'a> {
    pub gateway: Option<&'a str>,
    pub device: &'a str,
    pub stream: Stream<'a>,
}

const PREFIX: &str = "vigil/v1/";

impl<'a> Topic<'a> {
    /// None: not a topic of ours. Wildcards, control and non-ASCII characters never pass, since names are a closed alphabet.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let rest = topic.strip_prefix(PREFIX)?;
        let (first, rest) = rest.split_once('/')?;
        let (gateway, device, rest) = match rest.strip_prefix("relay/") {
            Some(rest) => {
                let (device, rest) = rest.split_once('/')?;
                (Some(first), device, rest)
            }
            None => (None, first, rest),
        };
        let stream = match rest {
            "vitals" => Stream::Vitals,
            "status" => Stream::Status,
            _ => {
                Stream::Waves { channel: rest.strip_prefix("waves/").filter(|channel| DeviceName::is_valid(channel))? }
            }
        };
        let names_valid = DeviceName::is_valid(device) && gateway.is_none_or(DeviceName::is_valid);
        names_valid.then_some(Self { gateway, device, stream })
    }
}

impl std::fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(PREFIX)?;
        if let Some(gateway) = self.gateway {
            write!(f, "{gateway}/relay/")?;
        }
        write!(f, "{}/", self.device)?;
        match self.stream {
            Stream::Vitals => f.write_str("vitals"),
            Stream::Status => f.write_str("status"),
            Stream::Waves { channel } => write!(f, "waves/{channel}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_print_as_they_parse() {
        for topic in [
            "vigil/v1/bed-01/vitals",
            "vigil/v1/bed-01/status",
            "vigil/v1/bed.1/waves/ecg_ii",
            "vigil/v1/gw/relay/bed-01/vitals",
        ] {
            assert_eq!(Topic::parse(topic).expect(topic).to_string(), topic);
        }
    }

    #[test]
    fn what_is_not_ours_does_not_parse() {
        for topic in [
            "",
            "vigil/v1/",
            "vigil/v1/bed",
            "vigil/v1/bed/vitals/",
            "vigil/v1/+/vitals",
            "vigil/v1/#",
            "vigil/v1//vitals",
            "vigil/v2/bed/vitals",
            "vigil/v1/bed/down/x",
            "vigil/v1/bed/waves/",
            "vigil/v1/bed/waves/a/b",
            "vigil/v1/gw/relay/bed",
            "$SYS/x",
            "vigil/v1/bé/vitals",
            "vigil/v1/gw/relay/bed/relay/x/vitals",
        ] {
            assert_eq!(Topic::parse(topic), None, "{topic}");
        }
    }
}
