//! Who is a member of a consumer group, and which partitions each has.

use rdkafka::admin::AdminClient;

use super::report::{self, Reporting};
use super::{ANSWER_TIMEOUT, Config};
use crate::Error;

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it calls itself (`client.id`).
    pub client: String,
    /// The host from which the broker sees it come.
    pub host: String,
    /// Its partitions of the topic.
    pub partitions: Vec<u32>,
}

/// The members of `group` with their partitions of `topic`; none where nobody has joined it.
///
/// # Errors
/// [`Error::Transient`] when the cluster doesn't answer; [`Error::Fatal`] when the settings are refused.
pub fn members(config: &Config, group: &str, topic: &str) -> Result<Vec<Member>, Error> {
    let client: AdminClient<Reporting> = config
        .client(&[], &[])
        .create_with_context(Reporting)
        .map_err(|error| report::refused(&error))?;
    let groups = client
        .inner()
        .fetch_group_list(Some(group), ANSWER_TIMEOUT)
        .map_err(|error| report::unanswered(&format!("group {group}"), "DESCRIBE", &error))?;
    let members = groups.groups().iter().flat_map(|found| found.members());
    Ok(members
        .map(|member| Member {
            client: member.client_id().to_owned(),
            host: member.client_host().trim_start_matches('/').to_owned(),
            partitions: assigned(member.assignment().unwrap_or_default(), topic)
                .unwrap_or_default(),
        })
        .collect())
}

/// The partitions of `topic` in an assignment, which has the form of the consumer protocol: a version, and topics, each
/// a name and its partitions, all with lengths before them. `None` when it is cut short.
fn assigned(mut bytes: &[u8], topic: &str) -> Option<Vec<u32>> {
    let bytes = &mut bytes;
    take::<2>(bytes)?;
    let mut partitions = Vec::new();
    for _ in 0..u32::from_be_bytes(take(bytes)?) {
        let length = u16::from_be_bytes(take(bytes)?).into();
        let (name, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        for _ in 0..u32::from_be_bytes(take(bytes)?) {
            let partition = u32::from_be_bytes(take(bytes)?);
            if name == topic.as_bytes() {
                partitions.push(partition);
            }
        }
    }
    Some(partitions)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_assignment_names_the_partitions_of_each_topic() {
        let mut bytes = vec![0, 1, 0, 0, 0, 2];
        for (name, partitions) in [("a", vec![7]), ("events", vec![0, 258])] {
            bytes.extend((name.len() as u16).to_be_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend((partitions.len() as u32).to_be_bytes());
            for partition in partitions {
                bytes.extend(u32::to_be_bytes(partition));
            }
        }
        // User data of the assignor follow.
        bytes.extend([0xff; 4]);
        assert_eq!(assigned(&bytes, "events"), Some(vec![0, 258]));
        assert_eq!(assigned(&bytes, "b"), Some(vec![]));
        assert_eq!(assigned(&bytes[..12], "events"), None);
        assert_eq!(assigned(&[], "events"), None);
    }
}
