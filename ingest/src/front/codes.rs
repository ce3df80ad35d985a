/// Why something is refused, in MQTT 5's numbers (§2.4). 3.1.1 knows five of them, in CONNACK only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Code {
    Success = 0x00,
    NoSubscription = 0x11,
    Malformed = 0x81,
    ProtocolError = 0x82,
    UnsupportedVersion = 0x84,
    ClientIdInvalid = 0x85,
    BadLogin = 0x86,
    NotAuthorized = 0x87,
    Unavailable = 0x88,
    ShuttingDown = 0x8B,
    BadAuthMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    TakenOver = 0x8E,
    FilterInvalid = 0x8F,
    ReceiveMaximumExceeded = 0x93,
    AliasInvalid = 0x94,
    TooLarge = 0x95,
    QuotaExceeded = 0x97,
    QosNotSupported = 0x9B,
    SharedNotSupported = 0x9E,
    RateExceeded = 0x9F,
    SubscriptionIdNotSupported = 0xA1,
}

impl Code {
    pub(super) const fn v5(self) -> u8 {
        self as u8
    }

    /// The CONNACK return code of 3.1.1; None: that version closes without a word.
    pub(super) const fn v4_connack(self) -> Option<u8> {
        match self {
            Self::Success => Some(0),
            Self::UnsupportedVersion => Some(1),
            Self::ClientIdInvalid => Some(2),
            Self::Unavailable | Self::QuotaExceeded | Self::ShuttingDown | Self::RateExceeded => Some(3),
            Self::BadLogin => Some(4),
            Self::NotAuthorized => Some(5),
            _ => None,
        }
    }

    /// The label of the metric: a closed set.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::NoSubscription => "no_subscription",
            Self::Malformed => "malformed",
            Self::ProtocolError => "protocol_error",
            Self::UnsupportedVersion => "unsupported_version",
            Self::ClientIdInvalid => "client_id_invalid",
            Self::BadLogin => "bad_login",
            Self::NotAuthorized => "not_authorized",
            Self::Unavailable => "unavailable",
            Self::ShuttingDown => "shutting_down",
            Self::BadAuthMethod => "bad_auth_method",
            Self::KeepAliveTimeout => "keep_alive_timeout",
            Self::TakenOver => "taken_over",
            Self::FilterInvalid => "filter_invalid",
            Self::ReceiveMaximumExceeded => "receive_maximum_exceeded",
            Self::AliasInvalid => "alias_invalid",
            Self::TooLarge => "too_large",
            Self::QuotaExceeded => "quota_exceeded",
            Self::QosNotSupported => "qos_not_supported",
            Self::SharedNotSupported => "shared_not_supported",
            Self::RateExceeded => "rate_exceeded",
            Self::SubscriptionIdNotSupported => "subscription_id_not_supported",
        }
    }
}
