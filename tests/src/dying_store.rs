//! An object store that dies: after a number of writes every call fails, as after `kill -9`.

use std::{
    fmt,
    path::Path as FsPath,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use airshed_lake::{Lake, Location, StoreOptions};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// What happens to the write on which the store dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastWrite {
    /// It never reached the store.
    Lost,
    /// It reached the store; its answer did not reach the writer.
    Kept,
}

/// The store.
#[derive(Debug)]
pub struct DyingStore {
    inner: Arc<dyn ObjectStore>,
    left: AtomicI64,
    dead: AtomicBool,
    last_write: LastWrite,
}

impl DyingStore {
    /// A store that takes `writes` writes and dies on the next.
    pub fn new(inner: Arc<dyn ObjectStore>, writes: i64, last_write: LastWrite) -> Self {
        Self { inner, left: AtomicI64::new(writes), dead: AtomicBool::new(false), last_write }
    }

    /// Writes that were still to come when the work was done; negative when it died.
    pub fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    fn alive(&self) -> Result<()> {
        if self.dead.load(Ordering::SeqCst) { Err(killed()) } else { Ok(()) }
    }

    /// Counts a write. `Ok(true)`: go on. `Ok(false)`: do it, then die.
    fn write(&self) -> Result<bool> {
        self.alive()?;
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(true);
        }
        self.dead.store(true, Ordering::SeqCst);
        match self.last_write {
            LastWrite::Lost => Err(killed()),
            LastWrite::Kept => Ok(false),
        }
    }
}

/// A lake in a local folder that dies after so many writes, and the store to ask how many were left.
///
/// # Panics
/// When the folder is not a path that a lake can have.
pub fn dying_lake(folder: &FsPath, writes: i64, last_write: LastWrite) -> (Lake, Arc<DyingStore>) {
    let location =
        Location::parse(&folder.display().to_string(), &StoreOptions::new()).expect("a local path");
    let store = Arc::new(DyingStore::new(Arc::clone(&location.store), writes, last_write));
    let shared: Arc<dyn ObjectStore> = Arc::<DyingStore>::clone(&store);
    (Lake::at(Location::in_store(shared, &location.url).expect("a local path")), store)
}

fn killed() -> object_store::Error {
    object_store::Error::Generic { store: "dying", source: "killed".into() }
}

impl fmt::Display for DyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dying({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let go_on = self.write()?;
        let result = self.inner.put_opts(location, payload, opts).await?;
        if go_on { Ok(result) } else { Err(killed()) }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.alive()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.write() {
            Ok(_) => self.inner.delete_stream(locations),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.alive() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.alive()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let go_on = self.write()?;
        self.inner.copy_opts(from, to, options).await?;
        if go_on { Ok(()) } else { Err(killed()) }
    }
}
