use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::scenario::Act;

/// Simulates bedside devices that publish vital signs to Vigil over MQTT.
#[derive(Parser, Debug)]
#[command(name = "device-sim")]
pub(crate) struct Args {
    /// mqtt://HOST:PORT, or mqtts://HOST:PORT together with --ca
    #[arg(long)]
    pub(crate) broker: Broker,

    /// PEM file with the authority that signed the broker's certificate
    #[arg(long)]
    pub(crate) ca: Option<PathBuf>,

    /// File of lines `device-id secret`; without it devices are sim-0001… and send no password
    #[arg(long)]
    pub(crate) credentials: Option<PathBuf>,

    /// How many devices; by default every line of the credentials, else one
    #[arg(long)]
    pub(crate) devices: Option<usize>,

    /// Frames a second that each device makes
    #[arg(long, default_value = "1", value_parser = rate)]
    pub(crate) rate: f64,

    #[arg(long, value_enum, default_value = "mixed")]
    pub(crate) protocol: Protocol,

    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub(crate) qos: u8,

    /// Frames in one message
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) batch: u16,

    /// Messages of one device that may wait for their PUBACK at a time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) window: u16,

    /// Frames one device keeps while it cannot deliver them; past it the oldest are lost and counted
    #[arg(long, default_value_t = 3_600)]
    pub(crate) keep: usize,

    /// The same seed gives the same patients
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// NAME[:DEVICE-INDEX][@START-SECONDS[/EVERY-SECONDS]], repeatable; indexes count from 0, and without one every
    /// device has it. Names: sepsis, desaturation, arrest, lead_off, network_loss, clock_wrong, clock_wrong_slow,
    /// clock_wrong_2036
    #[arg(long)]
    pub(crate) scenario: Vec<Act>,

    /// Stop after this long; without it, run until interrupted
    #[arg(long)]
    pub(crate) seconds: Option<f64>,

    /// Seconds to wait for outstanding PUBACKs at the end
    #[arg(long, default_value_t = 10)]
    pub(crate) patience: u64,

    /// Seconds between two report lines
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) report_every: u64,

    /// How much faster than real time patients live
    #[arg(long, default_value = "1", value_parser = rate)]
    pub(crate) speed: f64,
}

impl Args {
    pub(crate) fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    #[value(name = "3")]
    Three,
    #[value(name = "5")]
    Five,
    /// Every other device speaks 5.
    Mixed,
}

impl Protocol {
    pub(crate) fn is_five(self, index: usize) -> bool {
        match self {
            Self::Three => false,
            Self::Five => true,
            Self::Mixed => index % 2 == 1,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::str::FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, rest) = match text.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            _ => return Err("begins with neither mqtt:// nor mqtts://".to_owned()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| "the port is no number up to 65535".to_owned())?),
            None => (rest, if tls { 8883 } else { 1883 }),
        };
        if host.is_empty() {
            return Err("names no host".to_owned());
        }
        Ok(Self { tls, host: host.to_owned(), port })
    }
}

/// A frequency or a factor: from one in a thousand seconds to what a task can make.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=10_000.0).contains(&rate) { Ok(rate) } else { Err("not from 0.001 to 10000".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_address_names_scheme_host_and_port() {
        let broker = |tls, host: &str, port| Ok(Broker { tls, host: host.to_owned(), port });
        assert_eq!("mqtt://127.0.0.1:1884".parse(), broker(false, "127.0.0.1", 1884));
        assert_eq!("mqtts://vigil.local/".parse(), broker(true, "vigil.local", 8883));
        for wrong in ["127.0.0.1:1883", "http://x", "mqtt://", "mqtt://x:99999"] {
            assert!(wrong.parse::<Broker>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
