//! What a worker lets a task use.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use airshed_lake::Lake;
use async_trait::async_trait;
use datafusion::{
    common::{Result, plan_datafusion_err, plan_err, tree_node::TreeNode as _},
    datasource::sink::DataSinkExec,
    error::DataFusionError,
    execution::{
        FunctionRegistry as _, SessionState,
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
};
use datafusion_distributed::{
    DistributedExt as _, WorkerPlanRewriteEvent, WorkerPlanRewriteEventResponse, WorkerQueryContext,
    WorkerSessionBuilder,
};

use super::{STATEMENT, caught::caught, channel::Channels, codec::GuardCodec};
use crate::{files::store::OnlyTheLake, functions, grouping};

/// Makes the sessions of tasks. Tasks of one statement share its memory.
pub(super) struct Sessions {
    channels: Channels,
    /// The lake and the caches, which outlive statements.
    lake: RuntimeEnv,
    memory_bytes: usize,
    most_statements: usize,
    statements: Mutex<HashMap<String, Weak<RuntimeEnv>>>,
}

impl Sessions {
    pub(super) fn new(
        lake: &Lake,
        channels: Channels,
        memory_bytes: usize,
        most_statements: usize,
    ) -> Result<Self> {
        let lake =
            RuntimeEnvBuilder::new().with_object_store_registry(Arc::new(OnlyTheLake::new(lake))).build()?;
        Ok(Self { channels, lake, memory_bytes, most_statements, statements: Mutex::default() })
    }

    /// What a statement uses here, from its first task to the end of its last.
    fn statement(&self, name: &str) -> Result<Arc<RuntimeEnv>> {
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(begun) = statements.get(name).and_then(Weak::upgrade) {
            return Ok(begun);
        }
        statements.retain(|_, statement| statement.strong_count() > 0);
        if statements.len() >= self.most_statements {
            // Refused, not kept waiting: two statements could wait for each other on two workers.
            let busy =
                io::Error::new(io::ErrorKind::ResourceBusy, "the worker runs as many statements as it may");
            return Err(DataFusionError::IoError(busy));
        }
        let begun = RuntimeEnvBuilder::from_runtime_env(&self.lake)
            .with_memory_pool(Arc::new(FairSpillPool::new(self.memory_bytes)))
            .build_arc()?;
        statements.insert(name.to_owned(), Arc::downgrade(&begun));
        Ok(begun)
    }
}

#[async_trait]
impl WorkerSessionBuilder for Sessions {
    async fn build_session_state(&self, task: WorkerQueryContext) -> Result<SessionState> {
        let name = task.headers.get(STATEMENT).and_then(|name| name.to_str().ok());
        let name = name.ok_or_else(|| plan_datafusion_err!("a task of no statement"))?;
        let mut state = task
            .builder
            .with_runtime_env(self.statement(name)?)
            .with_distributed_user_codec(GuardCodec)
            .with_distributed_channel_resolver(self.channels.clone())
            .with_distributed_worker_plan_rewrite_handler(checked)
            .build();
        let own = functions::all().into_iter().chain(functions::bounded::all());
        for function in own.chain([grouping::function()]) {
            state.register_udf(Arc::new(function))?;
        }
        state.register_udaf(Arc::new(functions::bounded::array_agg()))?;
        Ok(state)
    }
}

/// The plan of a task: it only reads, and its panics are errors.
fn checked(task: WorkerPlanRewriteEvent<'_>) -> Result<WorkerPlanRewriteEventResponse> {
    if task.plan.exists(|step| Ok(step.is::<DataSinkExec>()))? {
        return plan_err!("a worker writes nothing");
    }
    Ok(WorkerPlanRewriteEventResponse::new(caught(task.plan)?))
}

#[cfg(test)]
mod tests {
    use airshed_lake::{Location, StoreOptions};

    use super::*;
    use crate::{
        distributed::Trust,
        error::{Error, ErrorKind},
    };

    fn sessions(most_statements: usize) -> Sessions {
        let lake = Lake::at(Location::parse("/tmp/lake", &StoreOptions::new()).unwrap());
        Sessions::new(&lake, Channels::new(&Trust::default()).unwrap(), 1 << 20, most_statements).unwrap()
    }

    #[test]
    fn tasks_of_a_statement_share_its_memory() {
        let sessions = sessions(2);
        let (one, again, other) = (sessions.statement("1"), sessions.statement("1"), sessions.statement("2"));
        let (one, again, other) = (one.unwrap(), again.unwrap(), other.unwrap());
        assert!(Arc::ptr_eq(&one.memory_pool, &again.memory_pool));
        assert!(!Arc::ptr_eq(&one.memory_pool, &other.memory_pool));
    }

    #[test]
    fn a_worker_takes_no_more_statements_than_it_may() {
        let sessions = sessions(1);
        let first = sessions.statement("1").unwrap();
        let refused = Error::from_engine(sessions.statement("2").unwrap_err());
        assert_eq!(refused.kind(), ErrorKind::Retry);
        drop(first);
        assert!(sessions.statement("2").is_ok());
    }
}
