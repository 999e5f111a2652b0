//! A cloud for tests: an organisation that is calculated when it is asked for.
//!
//! Nothing is stored of accounts, resources or values: all follow from indices, so that 10,000 accounts of 5,000 resources
//! cost nothing, and a test can calculate what must come out ([`StandIn::resource`], [`StandIn::value`]). Accounts,
//! units and regions follow from a [`Shape`]; a history of resources from a [`State`]; faults, waits and tampering
//! from a [`Hook`]. Calls are counted.

mod answers;
mod metrics;
mod places;
mod things;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;

pub use metrics::is_share;
pub use things::Kind;

use crate::{
    cloud::{Answer, Page, Scope},
    error::{CallError, CallErrorKind},
};

/// What the organisation looks like.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Accounts. The first is the management account.
    pub accounts: u32,
    /// Organisational units below the one root; each holds up to three others. Accounts are dealt out over the root and
    /// them.
    pub units: u32,
    /// Every how many accounts one is suspended; 0 for none.
    pub suspended_every: u32,
    /// Regions.
    pub regions: Vec<String>,
    /// Every how many accounts one has the last region switched off; 0 for none.
    pub region_off_every: u32,
    /// Resources of an account and region.
    pub resources: u32,
    /// Kinds of resources, dealt out in turns.
    pub kinds: Vec<Kind>,
    /// Every how many resources one has no tags; 0 for none. It is unknown to the tagging API.
    pub untagged_every: u32,
    /// Sizes of pages.
    pub pages: PageSizes,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            accounts: 10,
            units: 3,
            suspended_every: 0,
            regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
            region_off_every: 0,
            resources: 20,
            kinds: Kind::MIX.to_vec(),
            untagged_every: 4,
            pages: PageSizes::default(),
        }
    }
}

/// Entries of a page, by API; the most that AWS answers.
#[derive(Debug, Clone, Copy)]
pub struct PageSizes {
    /// Organizations, and Account ListRegions.
    pub organization: usize,
    /// GetResources, SelectAggregateResourceConfig.
    pub tagging: usize,
    /// The services' own lists.
    pub lists: usize,
    /// ListMetrics.
    pub metrics: usize,
    /// Values of a page of GetMetricData.
    pub values: usize,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { organization: 20, tagging: 100, lists: 100, metrics: 500, values: 100_800 }
    }
}

/// One call, as hooks and the log see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Name of the method of [`Cloud`](crate::Cloud).
    pub name: &'static str,
    /// Where it was made; for calls about an account without a region, the region is empty.
    pub scope: Option<Scope>,
    /// What it asks for: a parent, a list, a namespace, an aggregator; else empty.
    pub about: String,
    /// The page's token.
    pub next: Option<String>,
    /// Number of the call in this stand-in, from 0.
    pub number: u64,
}

/// Runs before a call is answered: may wait, and may make it fail.
pub type Hook = Arc<dyn Fn(Call) -> BoxFuture<'static, Option<CallErrorKind>> + Send + Sync>;

/// What became of the resource of an index in a place: its revision (0 as made), or nothing while it is not there.
pub type State = Arc<dyn Fn(&Scope, u32) -> Option<u32> + Send + Sync>;

/// The stand-in.
pub struct StandIn {
    shape: Shape,
    hook: Option<Hook>,
    state: Mutex<Option<State>>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    calls: u64,
    counts: BTreeMap<&'static str, u64>,
    kept: Option<Vec<Call>>,
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl StandIn {
    /// An organisation of a shape, without faults or changes.
    pub fn new(shape: Shape) -> Self {
        Self { shape, hook: None, state: Mutex::default(), log: Mutex::default() }
    }

    /// With a hook before each call.
    #[must_use]
    pub fn with_hook(mut self, hook: Hook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// With calls that fail where `fault` says so.
    #[must_use]
    pub fn with_faults(self, fault: impl Fn(&Call) -> Option<CallErrorKind> + Send + Sync + 'static) -> Self {
        self.with_hook(Arc::new(move |call| {
            let outcome = fault(&call);
            Box::pin(async move { outcome })
        }))
    }

    /// With all calls kept, not only counted.
    #[must_use]
    pub fn with_log(self) -> Self {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).kept = Some(Vec::new());
        self
    }

    /// What becomes of the resources from now on.
    pub fn set_state(&self, state: impl Fn(&Scope, u32) -> Option<u32> + Send + Sync + 'static) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(state));
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Calls so far, failed ones included.
    pub fn calls(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).calls
    }

    /// Calls so far by name.
    pub fn calls_by_name(&self) -> BTreeMap<&'static str, u64> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }

    /// The calls that were kept, in their order.
    pub fn log(&self) -> Vec<Call> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).kept.clone().unwrap_or_default()
    }

    /// The revision of a resource; nothing while it is not there.
    fn revision(&self, scope: &Scope, index: u32) -> Option<u32> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.map_or(Some(0), |state| state(scope, index))
    }

    /// Counts a call and lets the hook have it.
    async fn begin(
        &self,
        name: &'static str,
        scope: Option<&Scope>,
        about: &str,
        next: Option<&str>,
    ) -> Answer<()> {
        let call = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let number = log.calls;
            log.calls += 1;
            *log.counts.entry(name).or_default() += 1;
            let (scope, about, next) = (scope.cloned(), about.to_owned(), next.map(str::to_owned));
            let call = Call { name, scope, about, next, number };
            if let Some(kept) = &mut log.kept {
                kept.push(call.clone());
            }
            call
        };
        if let Some(hook) = &self.hook
            && let Some(kind) = hook(call).await
        {
            return Err(CallError::new(kind, name, "injected by the test"));
        }
        Ok(())
    }
}

/// The page of an index range: the first `size` of `0..total` from the token on that are something. The token is the
/// index that comes next.
fn page<T>(total: u64, size: usize, next: Option<&str>, item: impl Fn(u64) -> Option<T>) -> Answer<Page<T>> {
    let wrong = || CallError::new(CallErrorKind::Invalid, "page", "the token is not one of ours");
    let mut index = next.map_or(Ok(0), |token| token.parse::<u64>().map_err(|_| wrong()))?;
    let mut items = Vec::new();
    while index < total && items.len() < size {
        items.extend(item(index));
        index += 1;
    }
    Ok(Page { items, next: (index < total).then(|| index.to_string()) })
}

#[cfg(test)]
mod tests;
