//! The checkpoints of a partition on this machine.
//!
//! One file is the usual one. A process that stands still goes on holding it; whoever is given its partition
//! meanwhile takes a file of its own beside it, which is moved into the usual place when that is free. Two owners
//! harm nothing: each file is fold(log[0..n)) of some n, and stores take no step back.

use std::time::{Duration, Instant};

use super::{Arrived, Checkpoints, Opened, Origin};
use crate::checkpoint::{Checkpoint, Error, Place};
use crate::snapshots::image;

const PAUSE: Duration = Duration::from_millis(50);

/// The file that this process will write.
pub struct Held {
    pub place: Place,
    /// Whether it is the usual one; else another process holds that.
    pub is_usual: bool,
}

impl Checkpoints {
    /// Holds the usual file, once its owner lets go of it, else one of our own.
    pub(super) fn hold(&self, partition: u32) -> Result<Held, Error> {
        let usual = self.usual(partition);
        let held = self.handover.spend(|left| {
            let deadline = Instant::now() + left;
            loop {
                match Place::hold(usual.clone()) {
                    Err(Error::Held(_)) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                    held => return held,
                }
            }
        });
        match held {
            Err(Error::Held(_)) => {
                let place = Place::own(&usual)?;
                tracing::warn!(
                    partition,
                    held = %usual.display(),
                    own = %place.path().display(),
                    "another process, which may stand still, holds the checkpoint's file; a file of our own is used"
                );
                Ok(Held {
                    place,
                    is_usual: false,
                })
            }
            held => Ok(Held {
                place: held?,
                is_usual: true,
            }),
        }
    }

    /// The furthest sound checkpoint that nobody holds, in its place or in that of an owner who is gone; and the files
    /// of those that it outran.
    pub(super) fn local(
        &self,
        partition: u32,
        held: &Held,
    ) -> Result<(Option<Opened>, Vec<Place>), Error> {
        let mut files = vec![held.place.clone()];
        files.extend(Place::left_beside(&self.usual(partition))?);
        let mut open = Vec::new();
        for place in files {
            if let Some(file) = self.open(partition, place)? {
                open.push((file.position()?.map_or(0, |(offset, _)| offset), file));
            }
        }
        open.sort_by_key(|(offset, _)| std::cmp::Reverse(*offset));
        let (mut found, mut outrun): (Option<Opened>, _) = (None, Vec::new());
        for (offset, file) in open {
            if offset > 0 && found.is_none() {
                found = self.load(file)?;
            } else {
                outrun.extend(file.close().filter(|place| is_other(place, held)));
            }
        }
        let found = found
            .map(|found| bring_home(partition, found, held))
            .transpose()?;
        Ok((found, outrun))
    }

    /// Opens a file; `None` where it was damaged and is set aside.
    fn open(&self, partition: u32, place: Place) -> Result<Option<Checkpoint>, Error> {
        let opened = Checkpoint::open_at(place.clone(), partition);
        match opened.and_then(|file| file.position().map(|_| file)) {
            Err(error @ Error::Damaged { .. }) => self.set_aside(partition, &place, error),
            opened => opened.map(Some),
        }
    }

    fn load(&self, file: Checkpoint) -> Result<Option<Opened>, Error> {
        let partition = file.partition();
        match file.load(self.settings.definition.clone(), &self.readers) {
            Ok(restored) => Ok(Some(Opened {
                file,
                restored,
                from: Origin::Checkpoint,
            })),
            Err(error @ Error::Damaged { .. }) => match file.close() {
                Some(place) => self.set_aside(partition, &place, error),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Where there are snapshots to go on from, a damaged checkpoint is kept for a person and left behind. Without
    /// them the person must know first: what follows is a fold of the whole log.
    fn set_aside<T>(
        &self,
        partition: u32,
        place: &Place,
        error: Error,
    ) -> Result<Option<T>, Error> {
        if self.snapshots.is_none() {
            return Err(error);
        }
        let aside = place.set_aside()?;
        tracing::error!(
            partition, %error, aside = %aside.display(),
            "a damaged checkpoint is set aside; the partition goes on from a snapshot, or from the log's start"
        );
        Ok(None)
    }

    /// A copy of the usual file while its owner, who holds it, stands still; if it is further than what is at hand.
    pub(super) fn copy_of_held(&self, partition: u32, at_hand: Option<&Opened>) -> Option<Arrived> {
        let definition = &self.settings.definition;
        let copied = || {
            let staged = self.staging.file(&format!("{partition:04}.copied"))?;
            image::copy(&self.usual(partition), staged.path(), definition, partition)?;
            let checked = image::check(staged.path(), definition, partition, &self.readers)?;
            Ok::<_, crate::snapshots::Error>((staged, checked))
        };
        match copied() {
            Ok((staged, Some((offset, _, restored))))
                if at_hand.is_none_or(|at_hand| at_hand.position() < offset) =>
            {
                Some(Arrived {
                    staged,
                    restored,
                    from: Origin::Copy,
                })
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(partition, %error, "the checkpoint that another process holds can't be copied");
                None
            }
        }
    }

    fn usual(&self, partition: u32) -> std::path::PathBuf {
        let settings = &self.settings;
        Place::usual(&settings.state_folder, &settings.definition, partition)
    }
}

fn is_other(place: &Place, held: &Held) -> bool {
    place.path() != held.place.path()
}

/// Moves a checkpoint that lies beside the file we hold into it.
fn bring_home(partition: u32, found: Opened, held: &Held) -> Result<Opened, Error> {
    if found.file.file() == held.place.path() {
        return Ok(found);
    }
    let Opened {
        file,
        restored,
        from,
    } = found;
    let home = match file.close() {
        Some(place) => match place.clone().move_to(&held.place)? {
            true => held.place.clone(),
            false => place,
        },
        None => held.place.clone(),
    };
    Ok(Opened {
        file: Checkpoint::open_at(home, partition)?,
        restored,
        from,
    })
}
