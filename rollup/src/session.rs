//! DataFusion with a bound on memory: what does not fit goes to disk.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};

use crate::error::{Error, Result};

/// What checks may use.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Threads.
    pub threads: usize,
    /// Memory of all operators together, bytes.
    pub memory_bytes: usize,
    /// Where operators spill; the system's temporary folder when `None`.
    pub spill_dir: Option<PathBuf>,
}

/// A session within the resources.
pub(crate) fn session(resources: &Resources) -> Result<SessionContext> {
    let mode = match &resources.spill_dir {
        Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(resources.memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()
        .map_err(|e| Error::query("cannot set up the query engine", e))?;
    let config = SessionConfig::new().with_target_partitions(resources.threads.max(1));
    Ok(SessionContext::new_with_config_rt(config, runtime))
}
