//! What documents are held against what the fold of the log gives.

use views::opensearch::Documents;

/// What of a partition's documents is not as the fold gives it, in words. For a store that is quiet and holds the fold to
/// its end: exactly its documents are there.
pub fn differences(expected: &Documents, held: &Documents) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, (version, source)) in expected {
        match held.get(id) {
            None => wrong.push(format!(
                "{id} is missing; it is {source} at version {version}"
            )),
            Some((held, said)) if (held, said) != (version, source) => wrong.push(format!(
                "{id} is {said} at version {held}, not {source} at version {version}"
            )),
            Some(_) => {}
        }
    }
    let more = held.iter().filter(|(id, _)| !expected.contains_key(*id));
    wrong.extend(more.map(|(id, (version, source))| {
        format!("{id} is there, which no record gave: {source} at version {version}")
    }));
    wrong
}

/// What of a partition's documents is behind the fold, in words. For a store at any moment, with the fold to the
/// checkpoint that it shows: every document is there, of that version or a later one.
pub fn behind(expected: &Documents, held: &Documents) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, (version, source)) in expected {
        match held.get(id) {
            None => wrong.push(format!(
                "{id} is missing; it is {source} at version {version}"
            )),
            Some((held, _)) if held < version => {
                wrong.push(format!("{id} is at version {held}, behind {version}"));
            }
            Some((held, said)) if held == version && said != source => {
                wrong.push(format!(
                    "{id} is {said}, not {source}, at version {version}"
                ));
            }
            Some(_) => {}
        }
    }
    wrong
}
