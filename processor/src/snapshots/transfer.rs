//! Lists, puts, fetches and prunes.

use std::future::Future;
use std::path::Path as FilePath;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{Error, Name, Snapshots};

/// Parts of one upload on their way: what an upload holds in memory, in parts.
const PARTS_AT_ONCE: usize = 2;
/// What an upload that was broken off leaves in a folder, this long after.
const LEFT_OVER: Duration = Duration::from_secs(3600);

/// A snapshot that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// Its name.
    pub name: Name,
    /// When it was taken, seconds since the epoch, by the store's clock.
    pub taken_at: i64,
}

impl Snapshots {
    /// The snapshots of a partition, newest first.
    ///
    /// # Errors
    /// When the store doesn't answer by `until`.
    pub fn list(&self, partition: u32, until: Instant) -> Result<Vec<Kept>, Error> {
        let folder = self.folder(partition);
        self.within(until, async {
            let mut objects = self.store.objects.list(Some(&folder));
            let mut found = Vec::new();
            while let Some(object) = objects.try_next().await? {
                if let Some(name) = Name::parse(partition, &object.location) {
                    let taken_at = object.last_modified.timestamp();
                    found.push(Kept { name, taken_at });
                }
            }
            found.sort_by(|a, b| b.cmp(a));
            Ok(found)
        })
    }

    /// Puts a file there in one step: it is there whole, or it is not.
    ///
    /// # Errors
    /// When the file can't be read, or the store doesn't take it by `until`.
    pub fn put(&self, file: &FilePath, name: Name, until: Instant) -> Result<(), Error> {
        let path = name.path(&self.folder(name.partition));
        self.within(until, async {
            let mut upload =
                BufWriter::with_capacity(self.store.objects.clone(), path, self.store.part)
                    .with_max_concurrency(PARTS_AT_ONCE);
            if let Err(error) = send(file, &mut upload, self.store.part).await {
                // Parts would be kept for ever; what can't be reached can't be tidied either.
                let _ = upload.abort().await;
                return Err(error);
            }
            // This tidies up after itself.
            upload.shutdown().await.map_err(of_store)
        })
    }

    /// Fetches a snapshot into a file, a piece at a time.
    ///
    /// # Errors
    /// When the store doesn't give it by `until`, or the disk has no room.
    pub fn fetch(&self, name: Name, to: &FilePath, until: Instant) -> Result<(), Error> {
        let path = name.path(&self.folder(name.partition));
        let io = |error| Error::Io(to.to_owned(), error);
        self.within(until, async {
            let mut pieces = self.store.objects.get(&path).await?.into_stream();
            let mut file = File::create(to).await.map_err(io)?;
            while let Some(piece) = pieces.try_next().await? {
                file.write_all(&piece).await.map_err(io)?;
            }
            file.sync_all().await.map_err(io)
        })
    }

    /// Removes snapshots older than the one just put, but the newest `keep` of all up to it. Those above it are
    /// another owner's, or of a log that was there before: they are nobody's to judge here.
    ///
    /// # Errors
    /// When the store doesn't answer by `until`.
    pub fn prune(&self, put: Name, keep: usize, until: Instant) -> Result<(), Error> {
        let kept = self.list(put.partition, until)?;
        let folder = self.folder(put.partition);
        let older = kept.iter().filter(|kept| kept.name.offset < put.offset);
        self.within(until, async {
            for old in older.skip(keep.saturating_sub(1)) {
                match self.store.objects.delete(&old.name.path(&folder)).await {
                    // Another owner prunes, too.
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        })?;
        self.remove_left_over(&folder);
        Ok(())
    }

    /// A process that dies while it puts a file leaves a part of it in the folder, under a name no snapshot has.
    fn remove_left_over(&self, folder: &Path) {
        if self.store.folder.is_none() {
            return;
        }
        let Ok(files) = std::fs::read_dir(FilePath::new("/").join(folder.as_ref())) else {
            return;
        };
        let is_old = |file: &std::fs::DirEntry| {
            let changed = file.metadata().and_then(|of| of.modified());
            let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            age.is_ok_and(|age| age > LEFT_OVER)
        };
        for file in files.flatten() {
            if file.file_name().to_string_lossy().contains(".sqlite#") && is_old(&file) {
                // The next one to prune tries again.
                let _ = std::fs::remove_file(file.path());
            }
        }
    }

    fn folder(&self, partition: u32) -> Path {
        Name::folder(&self.store.prefix, &self.definition.id(), partition)
    }

    /// Waits for the store, on this thread.
    pub(super) fn within<T>(
        &self,
        until: Instant,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.runtime.block_on(async {
            tokio::select! {
                answer = call => answer,
                () = tokio::time::sleep_until(until) => Err(Error::Late),
                () = self.ended() => Err(Error::Late),
            }
        })
    }

    /// Completes when the process waits for the store no longer.
    async fn ended(&self) {
        let mut end = self.end.subscribe();
        let at = match end.wait_for(Option::is_some).await {
            Ok(at) => *at,
            Err(_) => None,
        };
        match at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

async fn send(file: &FilePath, upload: &mut BufWriter, part: usize) -> Result<(), Error> {
    let io = |error| Error::Io(file.to_owned(), error);
    let mut from = File::open(file).await.map_err(io)?;
    let mut piece = Vec::with_capacity(part);
    loop {
        piece.clear();
        let read = (&mut from).take(part as u64).read_to_end(&mut piece).await;
        if read.map_err(io)? == 0 {
            return Ok(());
        }
        upload.write_all(&piece).await.map_err(of_store)?;
    }
}

/// An upload's errors come as those of files, and hold the store's.
fn of_store(error: std::io::Error) -> Error {
    match error.downcast::<object_store::Error>() {
        Ok(error) => Error::Store(error),
        Err(error) => Error::Store(object_store::Error::Generic {
            store: "upload",
            source: Box::new(error),
        }),
    }
}
