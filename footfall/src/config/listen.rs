//! Where HTTP is served: a host by name or address, and a port.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen {
    /// An address, without the brackets of IPv6, or a name.
    pub host: String,
    /// 0: the system chooses.
    pub port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (host, port) = text.rsplit_once(':')?;
            let bare = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            // Two colons without brackets are an address of IPv6, and where its port begins nobody knows.
            if bare.is_none() && (host.is_empty() || host.contains([':', '[', ']', '/', ' '])) {
                return None;
            }
            Some(Self {
                host: bare.unwrap_or(host).to_owned(),
                port: port.parse().ok()?,
            })
        };
        parse().ok_or_else(|| {
            format!(
                "{text:?} is no host and port; write 127.0.0.1:8080, localhost:8080 or [::1]:8080"
            )
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (text, host, port) in [
            ("127.0.0.1:8080", "127.0.0.1", 8080),
            ("localhost:0", "localhost", 0),
            ("[::1]:443", "::1", 443),
            ("numbers.example.org:65535", "numbers.example.org", 65535),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((listen.host.as_str(), listen.port), (host, port));
            assert_eq!(listen.to_string(), text);
        }
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "a:65536",
            "::1:80",
            "http://a:80",
            "[::1]",
        ] {
            let said = text.parse::<Listen>().unwrap_err();
            assert!(said.contains("localhost:8080"), "{text}: {said}");
        }
    }
}
