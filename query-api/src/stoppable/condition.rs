//! The condition of a join, that now and then looks whether anybody waits.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, FieldRef, Schema},
};
use datafusion::{common::exec_err, error::Result, logical_expr::ColumnarValue, physical_expr::PhysicalExpr};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

use super::Waiting;

/// How long a condition may keep a thread of the runtime.
const KEEP: Duration = Duration::from_millis(10);

/// The condition of a join.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    of: Arc<dyn PhysicalExpr>,
    waiting: Waiting,
    /// When a thread was last given to others.
    rested: Arc<Mutex<Instant>>,
}

impl Condition {
    pub(super) fn new(of: Arc<dyn PhysicalExpr>, waiting: Waiting) -> Self {
        Self { of, waiting, rested: Arc::new(Mutex::new(Instant::now())) }
    }

    fn has_kept_long(&self) -> bool {
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        if rested.elapsed() < KEEP {
            return false;
        }
        *rested = Instant::now();
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.of.eq(&other.of)
    }
}

impl Eq for Condition {}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

impl PhysicalExpr for Condition {
    fn data_type(&self, input_schema: &Schema) -> Result<DataType> {
        self.of.data_type(input_schema)
    }

    fn nullable(&self, input_schema: &Schema) -> Result<bool> {
        self.of.nullable(input_schema)
    }

    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.of.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.waiting.is_over() {
            return exec_err!("the statement was stopped");
        }
        if self.has_kept_long() {
            return block_in_place(|| self.of.evaluate(batch));
        }
        self.of.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.of]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [of] = children.as_slice() else { return exec_err!("a condition is of one expression") };
        Ok(Arc::new(Self { of: Arc::clone(of), ..(*self).clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt_sql(f)
    }
}
