//! Sweeps of resources on their way into `resources`: many in one commit, and reported only when they are in.

use airshed_lake::Lake;
use tokio::sync::Mutex;

use crate::{
    cloud::Scope,
    error::Result,
    health::{Health, Status},
    inventory::{Held, InventoryWriter, Published, Swept},
};

/// Changed accounts and regions that are published together.
const PUBLISHED_TOGETHER: usize = 256;

/// The writer of a process, and what it has not published yet.
#[derive(Debug)]
pub(super) struct Inventory(Mutex<State>);

#[derive(Debug)]
struct State {
    writer: InventoryWriter,
    waiting: Vec<(Scope, Health)>,
}

/// What became of a sweep.
#[derive(Debug)]
pub(super) enum Added {
    /// Reports that are true now, of this sweep and of others that waited.
    Reports(Vec<Health>),
    /// Another process published the same account and region meanwhile.
    Lost,
}

impl Inventory {
    pub(super) async fn open(lake: &Lake) -> Result<Self> {
        let writer = InventoryWriter::open(lake, PUBLISHED_TOGETHER).await?;
        Ok(Self(Mutex::new(State { writer, waiting: Vec::new() })))
    }

    pub(super) async fn held(&self, scope: &Scope) -> Held {
        self.0.lock().await.writer.held(scope)
    }

    pub(super) async fn regions_of(&self, account: &str) -> Vec<String> {
        self.0.lock().await.writer.regions_of(account)
    }

    /// Takes a sweep and its report.
    pub(super) async fn add(&self, swept: Swept, report: Health) -> Result<Added> {
        let mut state = self.0.lock().await;
        if !swept.has_changed() {
            return Ok(Added::Reports(vec![report]));
        }
        let scope = swept.scope.clone();
        state.waiting.push((scope.clone(), report));
        let published = state.writer.add(swept).await?;
        if published.published == 0 && published.lost.contains(&scope) {
            state.waiting.retain(|(waiting, _)| *waiting != scope);
            return Ok(Added::Lost);
        }
        Ok(Added::Reports(state.reports(&published)))
    }

    /// Publishes what waits.
    pub(super) async fn publish(&self) -> Result<Vec<Health>> {
        let mut state = self.0.lock().await;
        let published = state.writer.publish().await?;
        Ok(state.reports(&published))
    }
}

impl State {
    fn reports(&mut self, published: &Published) -> Vec<Health> {
        if published.published == 0 && published.lost.is_empty() {
            return Vec::new();
        }
        let lost = "another process listed the same resources meanwhile; its list stands";
        let reports = self.waiting.drain(..).map(|(scope, mut health)| {
            if published.lost.contains(&scope) {
                health.rows = 0;
                health.status = Status::Partial;
                health.detail = Some(lost.to_owned());
            }
            health
        });
        reports.collect()
    }
}
