//! How often one user may ask in a while: a program that goes on asking is told so before it costs the log anything.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Requests of a user in a [`WINDOW`].
const MOST_REQUESTS: u32 = 20;
/// How long they are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
/// Users that are counted in a window. Further ones are not: a stampede of people is what this is for.
const MOST_USERS: usize = 100_000;

/// The counts of one window.
#[derive(Debug)]
pub(crate) struct Rate {
    most: u32,
    since: Option<Instant>,
    users: HashMap<String, u32>,
}

impl Default for Rate {
    fn default() -> Self {
        Self::of(MOST_REQUESTS)
    }
}

impl Rate {
    /// So many requests of each in a window.
    pub(crate) fn of(most: u32) -> Self {
        Self {
            most,
            since: None,
            users: HashMap::new(),
        }
    }

    /// Counts a request; whether it may be served.
    pub(crate) fn allows(&mut self, user: &str, now: Instant) -> bool {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= WINDOW;
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.users.clear();
        }
        if let Some(count) = self.users.get_mut(user) {
            *count = count.saturating_add(1);
            return *count <= self.most;
        }
        if self.users.len() < MOST_USERS {
            self.users.insert(user.to_owned(), 1);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_requests_in_a_window_and_then_again() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        for _ in 0..MOST_REQUESTS {
            assert!(rate.allows("u1", now));
        }
        assert!(!rate.allows("u1", now));
        assert!(rate.allows("u2", now));
        assert!(rate.allows("u1", now + WINDOW));
    }

    #[test]
    fn users_beyond_the_table_are_served_and_not_remembered() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        for number in 0..MOST_USERS + 10 {
            assert!(rate.allows(&number.to_string(), now));
        }
        assert_eq!(rate.users.len(), MOST_USERS);
    }
}
