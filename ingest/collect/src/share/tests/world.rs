//! Processes in virtual time over one store, and what must always be true of them.
//!
//! Everything runs in one thread without a tokio runtime, where also the store of a local folder does its work at once:
//! the same seed gives the same story.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use airshed_lake::{Lake, Location, StoreOptions};
use futures::{
    FutureExt as _,
    executor::LocalPool,
    future::{AbortHandle, Abortable, LocalBoxFuture},
    task::LocalSpawnExt as _,
};
use jiff::SignedDuration;
use object_store::{ObjectStore, memory::InMemory};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    LEASE,
    chance::Chance,
    faults::{FaultStore, Late},
    time::{SkewedClock, Time},
};
use crate::{
    config::ShareConfig,
    error::Result,
    share::{Held, Share},
    unit::Shard,
};

/// How a process differs from the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) off: SignedDuration,
    pub(super) rate: u32,
    /// Whether it releases what is wanted back, and how soon at the latest.
    pub(super) releases: Option<Duration>,
}

impl Default for Manner {
    fn default() -> Self {
        Self { off: SignedDuration::ZERO, rate: 1000, releases: Some(Duration::from_secs(1)) }
    }
}

/// A process of the test.
pub(super) struct Process {
    pub(super) name: String,
    pub(super) store: FaultStore,
    pub(super) share: Rc<RefCell<Option<Share>>>,
    pub(super) ended: Rc<RefCell<Option<Result<()>>>>,
    halt: Rc<Halt>,
    abort: AbortHandle,
}

impl Process {
    pub(super) fn held(&self) -> BTreeMap<Shard, Held> {
        self.share.borrow().as_ref().map(|share| share.held().borrow().clone()).unwrap_or_default()
    }

    pub(super) fn share(&self) -> Share {
        self.share.borrow().clone().unwrap()
    }

    /// Stops it as a long pause of the machine would.
    pub(super) fn halt(&self) {
        self.halt.halted.set(true);
    }

    pub(super) fn resume(&self) {
        self.halt.halted.set(false);
        if let Some(waker) = self.halt.waker.take() {
            waker.wake();
        }
    }
}

/// All of it.
pub(super) struct World {
    pub(super) time: Arc<Time>,
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) processes: Vec<Process>,
    location: Location,
    shards: u16,
    pool: LocalPool,
    late: Late,
    chance: Chance,
    /// Who ever held a shard under an epoch, by number of the process.
    claims: BTreeMap<(Shard, u64), usize>,
    started: usize,
    numbers: Vec<usize>,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    pub(super) fn in_memory(shards: u16, seed: u64) -> Self {
        let url = "memory://bucket/some/lake".parse().unwrap();
        let location = Location::in_store(Arc::new(InMemory::new()), &url).unwrap();
        Self::new(location, None, shards, seed)
    }

    pub(super) fn in_folder(shards: u16, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location =
            Location::parse(folder.path().join("lake").to_str().unwrap(), &StoreOptions::new()).unwrap();
        Self::new(location, Some(folder), shards, seed)
    }

    /// A world of each store.
    pub(super) fn each(shards: u16) -> [Self; 2] {
        [Self::in_memory(shards, 1), Self::in_folder(shards, 1)]
    }

    fn new(location: Location, folder: Option<tempfile::TempDir>, shards: u16, seed: u64) -> Self {
        Self {
            time: Arc::default(),
            inner: Arc::clone(&location.store),
            processes: Vec::new(),
            location,
            shards,
            pool: LocalPool::new(),
            late: Late::default(),
            chance: Chance(seed),
            claims: BTreeMap::new(),
            started: 0,
            numbers: Vec::new(),
            _folder: folder,
        }
    }

    /// Path of a file of the collectors.
    pub(super) fn path(&self, below: &str) -> object_store::path::Path {
        let root = &self.location.path;
        object_store::path::Path::from(format!("{root}/_collectors/{below}"))
    }

    /// Starts a process; the number is where it stands in `processes`.
    pub(super) fn start(&mut self, name: &str, manner: Manner) -> usize {
        self.started += 1;
        let mut chance = Chance(self.chance.next());
        let store = FaultStore::new(
            Arc::clone(&self.inner),
            Arc::clone(&self.time),
            Arc::clone(&self.late),
            Chance(chance.next()),
        );
        let clock = Arc::new(SkewedClock {
            time: Arc::clone(&self.time),
            off: manner.off,
            started: chance.duration(LEASE * 1000),
            rate: manner.rate,
        });
        let lake = Lake::at(Location { store: Arc::new(store.clone()), ..self.location.clone() });
        let config = ShareConfig { shards: self.shards, lease: LEASE };
        let (share, ended) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
        let (shown, end, collector, time) =
            (Rc::clone(&share), Rc::clone(&ended), name.to_owned(), Arc::clone(&self.time));
        let life = async move {
            let joined = loop {
                match Share::join(&lake, &config, &collector, Arc::clone(&clock) as _).await {
                    Ok(joined) => break joined,
                    Err(error) if error.kind() == crate::ErrorKind::Bug => {
                        *end.borrow_mut() = Some(Err(error));
                        return;
                    }
                    Err(_) => time.sleep(LEASE / 10).await,
                }
            };
            *shown.borrow_mut() = Some(joined.clone());
            let cancel = CancellationToken::new();
            let run = joined.clone().run(cancel);
            let work = work(joined, time, manner.releases, chance);
            let done = tokio::select! { biased; done = run => done, () = work => unreachable!() };
            *end.borrow_mut() = Some(done);
        };
        let (abort, registration) = AbortHandle::new_pair();
        let halt = Rc::new(Halt::default());
        let life = Abortable::new(Haltable { halt: Rc::clone(&halt), life: Box::pin(life) }, registration);
        self.spawn(life.map(|_ended| ()));
        self.processes.push(Process { name: name.to_owned(), store, share, ended, halt, abort });
        self.numbers.push(self.started);
        self.processes.len() - 1
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.pool.spawner().spawn_local(task).unwrap();
    }

    /// Kills a process: nothing of it runs on, but calls that the store has already.
    pub(super) fn kill(&mut self, number: usize) {
        self.processes.remove(number).abort.abort();
        self.numbers.remove(number);
        self.settle();
    }

    /// Forgets a process that has ended by itself.
    pub(super) fn bury(&mut self, number: usize) {
        self.processes.remove(number);
        self.numbers.remove(number);
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.time.now() + duration;
        loop {
            self.settle();
            let Some(next) = self.time.next().filter(|next| *next <= until) else { break };
            self.time.advance_to(next);
        }
        self.time.advance_to(until);
        self.settle();
    }

    fn settle(&mut self) {
        for deed in std::mem::take(&mut *self.late.lock().unwrap()) {
            self.pool.spawner().spawn_local(deed).unwrap();
        }
        self.pool.run_until_stalled();
        self.check();
    }

    /// No epoch has two holders, ever, and no shard two of which both run, at any time, unless they share a name.
    fn check(&mut self) {
        let mut working: BTreeMap<Shard, &str> = BTreeMap::new();
        for (process, number) in self.processes.iter().zip(&self.numbers) {
            for (shard, held) in process.held() {
                let first = *self.claims.entry((shard, held.epoch)).or_insert(*number);
                assert_eq!(first, *number, "{} has epoch {} of {shard} again", process.name, held.epoch);
                assert!(!held.lost.is_cancelled());
                if !process.halt.halted.get() {
                    let other = working.insert(shard, &process.name).filter(|other| *other != process.name);
                    assert_eq!(other, None, "{} has {shard} too at {:?}", process.name, self.time.now());
                }
            }
        }
    }

    /// Asserts that each shard is held by the one whose hash with it is highest.
    pub(super) fn assert_fair(&self) {
        let names: BTreeSet<&str> = self.processes.iter().map(|process| process.name.as_str()).collect();
        for shard in (0..self.shards).map(Shard) {
            let weight = |name: &str| xxh3_64_with_seed(name.as_bytes(), shard.0.into());
            let fair = names.iter().max_by_key(|name| weight(name));
            let holders: Vec<&str> = self
                .processes
                .iter()
                .filter(|process| process.held().contains_key(&shard))
                .map(|process| process.name.as_str())
                .collect();
            assert_eq!(holders, fair.into_iter().copied().collect::<Vec<_>>(), "shard {shard}");
        }
    }
}

/// Releases what is wanted back, some time later.
async fn work(share: Share, time: Arc<Time>, releases: Option<Duration>, mut chance: Chance) {
    let mut held = share.held();
    let Some(most) = releases else { return std::future::pending().await };
    loop {
        let wanted =
            held.borrow_and_update().iter().find(|(_, held)| held.wanted_back).map(|(wanted, _)| *wanted);
        let Some(wanted) = wanted else {
            if held.changed().await.is_err() {
                return std::future::pending().await;
            }
            continue;
        };
        time.sleep(chance.duration(most)).await;
        if let Err(error) = share.release(wanted, None).await {
            assert_eq!(error.kind(), crate::ErrorKind::Fenced, "{error}");
        }
    }
}

#[derive(Default)]
struct Halt {
    halted: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A process that does nothing while it is halted.
struct Haltable {
    halt: Rc<Halt>,
    life: LocalBoxFuture<'static, ()>,
}

impl Future for Haltable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.halt.halted.get() {
            *self.halt.waker.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        self.life.as_mut().poll(context)
    }
}
