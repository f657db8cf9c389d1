//! Sequences that random schedules seldom come to, each made for one check of the functions.

use views::redis::{Filling, Progress, Store};
use views::{Change, Sink};

use super::SMALL;
use super::schedule::{Material, judge_prefix, restore, save};
use super::server::Server;

/// Where fills start and end.
const FROM: u64 = 30;
const TO: u64 = 90;
const BEYOND: u64 = 110;

struct Stage<'a> {
    server: &'a Server,
    material: &'a Material,
    store: &'a Store,
    whole: &'a Change,
}

/// Plays all of them, with the functions replaced by `library` if given.
///
/// # Errors
/// What the rows were, when they were no prefix's.
pub async fn play(
    server: &Server,
    material: &Material,
    library: Option<&str>,
) -> Result<(), String> {
    let store = Store::connect(&server.url(), &material.definition)
        .await
        .unwrap();
    let store = store.with_limits(SMALL);
    if let Some(library) = library {
        server
            .command("FUNCTION", &["LOAD", "REPLACE", library])
            .await;
    }
    let stage = Stage {
        server,
        material,
        store: &store,
        whole: &material.log.whole(TO),
    };
    stage.a_server_put_back_amid_a_fill(0).await?;
    stage.a_server_put_back_amid_a_fill(1).await?;
    stage.a_chunk_after_the_fill_was_replaced().await?;
    stage.an_end_after_the_rows_were_removed().await?;
    stage.a_begin_after_the_fill_was_replaced().await?;
    stage.an_end_after_changes_went_beyond().await
}

impl<'a> Stage<'a> {
    async fn set(&self) -> Result<(), String> {
        self.server.command("FLUSHALL", &[]).await;
        let whole = self.material.log.whole(FROM);
        self.store
            .fill(&whole)
            .await
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The last chunks are lost, and the fill goes on as if they were not: with its end, or with
    /// so many chunks before it.
    async fn a_server_put_back_amid_a_fill(&self, chunks: usize) -> Result<(), String> {
        self.set().await?;
        let mut filling = self.store.filling(self.whole);
        let end = filling.steps() - 1;
        take(&mut filling, 2).await?;
        let saved = save(self.server).await;
        take(&mut filling, end - 2 - chunks).await?;
        restore(self.server, &saved).await;
        self.go_on(&mut filling).await
    }

    /// A fill lacks its end only, is replaced, its rows are removed, the next one comes as far.
    async fn an_end_after_the_rows_were_removed(&self) -> Result<(), String> {
        self.set().await?;
        let (mut first, mut second) = (
            self.store.filling(self.whole),
            self.store.filling(self.whole),
        );
        let end = first.steps() - 1;
        take(&mut first, end).await?;
        take(&mut second, 1).await?;
        self.sweep().await?;
        take(&mut second, end - 1).await?;
        self.go_on(&mut first).await?;
        self.go_on(&mut second).await
    }

    /// A delayed chunk of a fill that was replaced, when its successor is just as far.
    async fn a_chunk_after_the_fill_was_replaced(&self) -> Result<(), String> {
        self.set().await?;
        let (mut first, mut second) = (
            self.store.filling(self.whole),
            self.store.filling(self.whole),
        );
        take(&mut first, 1).await?;
        let mut delayed = first.clone();
        take(&mut first, 1).await?;
        take(&mut second, 1).await?;
        take(&mut delayed, 1).await?;
        self.go_on(&mut second).await
    }

    /// A delayed begin of a fill that was replaced.
    async fn a_begin_after_the_fill_was_replaced(&self) -> Result<(), String> {
        self.set().await?;
        let (mut first, mut second) = (
            self.store.filling(self.whole),
            self.store.filling(self.whole),
        );
        let mut delayed = first.clone();
        take(&mut first, 2).await?;
        take(&mut second, 1).await?;
        delayed.step().await.map_err(|error| error.to_string())?;
        self.sweep().await?;
        self.go_on(&mut second).await
    }

    /// Changes are applied while an older image is filled.
    async fn an_end_after_changes_went_beyond(&self) -> Result<(), String> {
        self.set().await?;
        let mut filling = self.store.filling(self.whole);
        let end = filling.steps() - 1;
        take(&mut filling, end).await?;
        for at in FROM..BEYOND {
            let applied = self
                .store
                .apply(&self.material.log.change(at, at + 1))
                .await;
            applied.map_err(|error| error.to_string())?;
        }
        take(&mut filling, 1).await?;
        judge_prefix(self.store, &self.material.log, BEYOND)
            .await
            .map(|_| ())
    }

    async fn sweep(&self) -> Result<(), String> {
        let swept = self.store.sweep(0).await;
        swept.map_err(|error| error.to_string())
    }

    /// Steps until it is over or must start again, judging after each.
    async fn go_on(&self, filling: &mut Filling<'a>) -> Result<(), String> {
        loop {
            let progress = filling.step().await.map_err(|error| error.to_string())?;
            judge_prefix(self.store, &self.material.log, FROM).await?;
            if progress != Progress::More {
                return Ok(());
            }
        }
    }
}

async fn take(filling: &mut Filling<'_>, steps: usize) -> Result<(), String> {
    for _ in 0..steps {
        filling.step().await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
