//! An object store in memory that dies, or never answers.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What becomes of the call at which it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It does nothing.
    Before,
    /// It is done, and its answer lost.
    After,
}

#[derive(Debug, Clone)]
pub struct Objects {
    pub inner: Arc<InMemory>,
    /// Calls until it dies.
    left: Arc<AtomicI64>,
    death: Death,
    /// Names of calls, in order.
    pub calls: Arc<Mutex<Vec<&'static str>>>,
    /// No call is ever answered.
    silent: bool,
}

impl fmt::Display for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("objects in memory")
    }
}

impl Objects {
    pub fn new() -> Self {
        Self::dying(i64::MAX, Death::Before)
    }

    pub fn dying(calls: i64, death: Death) -> Self {
        Self {
            inner: Arc::new(InMemory::new()),
            left: Arc::new(AtomicI64::new(calls)),
            death,
            calls: Arc::default(),
            silent: false,
        }
    }

    pub fn silent() -> Self {
        Self {
            silent: true,
            ..Self::new()
        }
    }

    /// The same objects, with nothing wrong.
    pub fn revived(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ..Self::new()
        }
    }

    pub fn store(&self) -> processor::snapshots::Store {
        // Small parts, so that uploads have several.
        processor::snapshots::Store::of(Arc::new(self.clone())).with_parts(20_000)
    }

    pub async fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .inner
            .list(None)
            .map(|object| object.unwrap().location.to_string())
            .collect()
            .await;
        names.sort();
        names
    }

    /// Whether the call is done, and whether it is answered.
    fn fate(&self, call: &'static str) -> (bool, bool) {
        self.calls.lock().unwrap().push(call);
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            left if left > 1 => (true, true),
            1 => (self.death == Death::After, false),
            _ => (false, false),
        }
    }

    async fn answer<T>(
        &self,
        call: &'static str,
        does: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if self.silent {
            return std::future::pending().await;
        }
        let (is_done, is_answered) = self.fate(call);
        let outcome = if is_done { Some(does.await) } else { None };
        match outcome {
            Some(outcome) if is_answered => outcome,
            _ => Err(died()),
        }
    }
}

fn died() -> Error {
    Error::Generic {
        store: "test",
        source: "it died".into(),
    }
}

#[derive(Debug)]
struct Upload {
    of: Objects,
    inner: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (of, part) = (self.of.clone(), self.inner.put_part(data));
        Box::pin(async move { of.answer("part", part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let of = self.of.clone();
        of.answer("complete", self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let of = self.of.clone();
        of.answer("abort", self.inner.abort()).await
    }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(location, payload, options);
        self.answer("put", put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(location, options);
        let inner = self.answer("begin", begun).await?;
        let of = self.clone();
        Ok(Box::new(Upload { of, inner }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.answer("get", self.inner.get_opts(location, options))
            .await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        locations
            .then(move |path| {
                let this = this.clone();
                async move {
                    let path = path?;
                    let mut gone = this.inner.delete_stream(stream::iter([Ok(path)]).boxed());
                    let delete = async { gone.next().await.unwrap() };
                    this.answer("delete", delete).await
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, found) = (self.clone(), self.inner.list(prefix));
        let listed = async move {
            match this.answer("list", async { Ok(()) }).await {
                Ok(()) => found,
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
