//! The state of the ledger that a statement sees, and how a plan is run on it.

use std::sync::Arc;

use airshed_domain::id::RunId;
use airshed_query_api::{AsOf, Limits, Session, Snapshot};
use datafusion::{logical_expr::LogicalPlan, prelude::SessionContext};
use datafusion_postgres::pgwire::api::portal::Format;

use super::{Connection, unless_stopped};
use crate::{
    answer::{Answer, Columns},
    failure::{Failure, code},
    server::Shared,
    settings::AS_OF,
};

/// A state of the ledger, as one user sees it.
pub(super) struct Pinned {
    pub(super) snapshot: Arc<Snapshot>,
    session: Session,
    /// With the system catalogue.
    pub(super) context: SessionContext,
}

impl Connection {
    /// Makes sure that the user is still let in and a state is pinned: the newest, or what `airshed.as_of` names.
    pub(super) async fn pin(&mut self) -> Result<(), Failure> {
        self.shared
            .gatekeeper
            .still(&self.who)
            .map_err(|error| Failure { is_fatal: true, ..Failure::core(&error, code::NOT_LET_IN) })?;
        if self.is_settled && self.pinned.is_some() {
            return Ok(());
        }
        let as_of = self.settings(|settings| settings.get(AS_OF).map(str::to_owned))?;
        let snapshot = Box::pin(snapshot(&self.shared, &as_of)).await?;
        if !self.pinned.as_ref().is_some_and(|pinned| Arc::ptr_eq(&pinned.snapshot, &snapshot)) {
            let session = Box::pin(snapshot.session(&self.who.scope)).await;
            let session = session.map_err(|error| Failure::core(&error, code::DEFECT))?;
            let context = Box::pin(self.shared.catalogue.context(&session, &self.person)).await;
            let context = context.map_err(Failure::engine)?;
            self.pinned = Some(Pinned { snapshot, session, context });
        }
        self.is_settled = true;
        Ok(())
    }

    /// What is pinned.
    pub(super) fn pinned(&self) -> Result<&Pinned, Failure> {
        self.pinned.as_ref().ok_or_else(|| Failure::new(code::DEFECT, "no state of the ledger is pinned"))
    }

    /// What is pinned, with the limits of the server and, where it is shorter, the client's own timeout.
    pub(super) fn limited(&self) -> Result<Session, Failure> {
        let own = self.settings(crate::settings::Settings::statement_timeout);
        let session = &self.pinned()?.session;
        let limits = session.limits();
        let timeout = [limits.timeout, own].into_iter().flatten().min();
        Ok(session.with_limits(Limits { timeout, ..limits }))
    }

    /// Runs a plan within the limits of the server and, where it is shorter, the client's own timeout.
    pub(super) async fn run(&mut self, plan: LogicalPlan, format: &Format) -> Result<Answer, Failure> {
        let options = self.settings(crate::settings::Settings::format);
        let session = self.limited()?;
        let columns = Columns::of(plan.schema().as_arrow(), format, &options)?;
        let run = async { Box::pin(session.run(plan)).await.map_err(|error| Failure::core(&error, "22000")) };
        Ok(Answer::new(unless_stopped(&self.stop, &self.shutdown, run).await?, columns))
    }
}

/// The state that a value of `airshed.as_of` names.
pub(super) async fn snapshot(shared: &Shared, as_of: &str) -> Result<Arc<Snapshot>, Failure> {
    let as_of = if as_of.is_empty() { AsOf::Now } else { AsOf::Run(RunId::new(as_of)) };
    shared.snapshots.at(&as_of).await.map_err(|error| Failure::core(&error, code::BAD_VALUE))
}
