//! The store as one process sees it: slow, failing before or after the deed, silent, or doing it long after.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

use super::{LEASE, chance::Chance, time::Time};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails and was not done.
    Lost,
    /// It was done and seems to have failed.
    Kept,
    /// It was not done, and there is no answer.
    Silent,
    /// There is no answer, and it is done later.
    Late,
}

/// Work that the store does after its caller has gone.
pub(super) type Late = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// The store with its faults.
#[derive(Clone)]
pub(super) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    time: Arc<Time>,
    late: Late,
    how: Arc<How>,
}

struct How {
    chance: Mutex<Chance>,
    /// Faults in 1000 calls.
    rate: Mutex<u64>,
    slow: Mutex<Duration>,
    out: AtomicBool,
    /// Faults of the next write whose path holds the text.
    planned: Mutex<Vec<(&'static str, Fault)>>,
}

impl FaultStore {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, time: Arc<Time>, late: Late, chance: Chance) -> Self {
        let how = How {
            chance: Mutex::new(chance),
            rate: Mutex::default(),
            slow: Mutex::default(),
            out: AtomicBool::new(false),
            planned: Mutex::default(),
        };
        Self { inner, time, late, how: Arc::new(how) }
    }

    /// Fails so many of 1000 calls, and answers each after up to `slow`, twice.
    pub(super) fn storm(&self, rate: u64, slow: Duration) {
        *self.how.rate.lock().unwrap() = rate;
        *self.how.slow.lock().unwrap() = slow;
    }

    /// Whether it fails everything.
    pub(super) fn set_out(&self, out: bool) {
        self.how.out.store(out, Ordering::SeqCst);
    }

    /// The next write to a path with `text` in it fails so.
    pub(super) fn plan(&self, text: &'static str, fault: Fault) {
        self.how.planned.lock().unwrap().push((text, fault));
    }

    fn fault(&self, path: &Path, write: bool) -> Option<Fault> {
        let mut planned = self.how.planned.lock().unwrap();
        if let Some(at) = planned.iter().position(|(text, _)| write && path.as_ref().contains(text)) {
            return Some(planned.remove(at).1);
        }
        if self.how.out.load(Ordering::SeqCst) {
            return Some(Fault::Lost);
        }
        let mut chance = self.how.chance.lock().unwrap();
        let hit = chance.below(1000) < *self.how.rate.lock().unwrap();
        hit.then(|| [Fault::Lost, Fault::Kept, Fault::Silent, Fault::Late][chance.index(4)])
    }

    async fn wait(&self) {
        let slow = *self.how.slow.lock().unwrap();
        if !slow.is_zero() {
            let wait = self.how.chance.lock().unwrap().duration(slow);
            self.time.sleep(wait).await;
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        path: &Path,
        write: bool,
        call: BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let fault = self.fault(path, write);
        self.wait().await;
        match fault {
            None => {
                let answer = call.await;
                self.wait().await;
                answer
            }
            Some(Fault::Lost) => Err(failed()),
            Some(Fault::Kept) => {
                call.await?;
                Err(failed())
            }
            Some(Fault::Silent) => futures::future::pending().await,
            Some(Fault::Late) => {
                let time = Arc::clone(&self.time);
                let delay = self.how.chance.lock().unwrap().duration(LEASE * 3);
                let deed = async move {
                    time.sleep(delay).await;
                    drop(call.await);
                };
                self.late.lock().unwrap().push(deed.boxed());
                futures::future::pending().await
            }
        }
    }
}

fn failed() -> Error {
    Error::Generic { store: "fault", source: "no luck".into() }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultStore")
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let (inner, path) = (Arc::clone(&self.inner), location.clone());
        self.call(location, true, async move { inner.put_opts(&path, payload, opts).await }.boxed()).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (inner, path) = (Arc::clone(&self.inner), location.clone());
        self.call(location, false, async move { inner.get_opts(&path, options).await }.boxed()).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |path: Result<Path>| {
            let store = store.clone();
            async move {
                let path = path?;
                let (inner, doomed) = (Arc::clone(&store.inner), path.clone());
                let call = async move { inner.delete(&doomed).await }.boxed();
                store.call(&path, true, call).await.map(|()| path)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let prefix = prefix.cloned().unwrap_or_default();
        let list = async move {
            let (inner, within) = (Arc::clone(&store.inner), prefix.clone());
            let call = async move { inner.list(Some(&within)).try_collect::<Vec<_>>().await }.boxed();
            let found = store.call(&prefix, false, call).await?;
            Ok::<_, Error>(stream::iter(found.into_iter().map(Ok)))
        };
        stream::once(list).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
