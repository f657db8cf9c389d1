//! Wrong tokens by address: how often one may be tried before the answers stop saying anything.
//!
//! Nobody guesses 256 bits. The limit keeps a program that goes on with a wrong token from filling logs; a good token
//! is served whatever came from its address before, for many people may share one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong tokens that an address may send in a [`WINDOW`].
pub(super) const MOST_ATTEMPTS: u32 = 20;
/// How long they are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are counted apart at a time; of others all wrong tokens are too many.
const MOST_ADDRESSES: usize = 4_096;
/// Whoever has one IPv6 address has 2^64 of them.
const IPV6_NETWORK: u128 = !0 << 64;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<IpAddr, Counted>);

#[derive(Debug)]
struct Counted {
    since: Instant,
    wrong: u32,
}

/// What becomes of a wrong token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is refused.
    Refused,
    /// It is the first of too many.
    FirstTooMany,
    /// It is one of too many.
    TooMany,
}

impl Attempts {
    /// Counts a wrong token of that address.
    pub(super) fn wrong(&mut self, address: IpAddr, now: Instant) -> Verdict {
        let address = network_of(address);
        if self.0.len() >= MOST_ADDRESSES && !self.0.contains_key(&address) {
            self.0.retain(|_, counted| !counted.is_over(now));
            if self.0.len() >= MOST_ADDRESSES {
                return Verdict::TooMany;
            }
        }
        let new = || Counted {
            since: now,
            wrong: 0,
        };
        let counted = self.0.entry(address).or_insert_with(new);
        if counted.is_over(now) {
            *counted = new();
        }
        counted.wrong = counted.wrong.saturating_add(1);
        match counted.wrong {
            ..=MOST_ATTEMPTS => Verdict::Refused,
            wrong if wrong == MOST_ATTEMPTS + 1 => Verdict::FirstTooMany,
            _ => Verdict::TooMany,
        }
    }
}

impl Counted {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_address_has_so_many_attempts_in_a_window_and_then_again() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..MOST_ATTEMPTS {
            assert_eq!(attempts.wrong(address(1), now), Verdict::Refused);
        }
        assert_eq!(attempts.wrong(address(1), now), Verdict::FirstTooMany);
        assert_eq!(attempts.wrong(address(1), now), Verdict::TooMany);
        assert_eq!(attempts.wrong(address(2), now), Verdict::Refused);
        assert_eq!(attempts.wrong(address(1), now + WINDOW), Verdict::Refused);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_what_is_over() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..2 * MOST_ADDRESSES as u32 {
            attempts.wrong(address(number), now);
        }
        assert_eq!(attempts.0.len(), MOST_ADDRESSES);
        assert_eq!(attempts.wrong(address(u32::MAX), now), Verdict::TooMany);
        let later = now + WINDOW;
        assert_eq!(attempts.wrong(address(u32::MAX), later), Verdict::Refused);
        assert_eq!(attempts.0.len(), 1);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_counted_together() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for host in 0..=u128::from(MOST_ATTEMPTS) {
            attempts.wrong(Ipv6Addr::from_bits(0x2001_0db8 << 96 | host).into(), now);
        }
        assert_eq!(attempts.0.len(), 1);
    }
}
