//! How a guard is written down for another process.

use std::sync::Arc;

use datafusion::{
    common::{Result, internal_err},
    error::DataFusionError,
    execution::TaskContext,
    physical_plan::ExecutionPlan,
};
use datafusion_proto::{
    physical_plan::{PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension},
    protobuf::PhysicalExprNode,
};
use prost::Message as _;

use crate::scope::GuardExec;

/// How a written guard begins, before the count of columns shown and the condition.
const MARK: &[u8; 8] = b"guard/1\n";

/// Writes and reads [`GuardExec`].
#[derive(Debug)]
pub(super) struct GuardCodec;

impl PhysicalExtensionCodec for GuardCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let written = bytes.strip_prefix(MARK).and_then(<[u8]>::split_first_chunk::<8>);
        let (Some((shown, condition)), [input]) = (written, inputs) else {
            return internal_err!("this is no guard");
        };
        let shown = usize::try_from(u64::from_le_bytes(*shown)).map_err(|e| external(e.into()))?;
        let schema = input.schema();
        if shown > schema.fields().len() {
            return internal_err!("a guard shows more columns than it has");
        }
        let condition = PhysicalExprNode::decode(condition).map_err(|e| external(e.into()))?;
        let context = PhysicalPlanDecodeContext::new(context, self);
        let rows = converter.proto_to_physical_expr(&condition, &schema, &context)?;
        Ok(Arc::new(GuardExec::new(Arc::clone(input), rows, shown)))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(guard) = node.downcast_ref::<GuardExec>() else {
            return internal_err!("`{}` cannot travel to a worker", node.name());
        };
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&(guard.shown() as u64).to_le_bytes());
        let condition = converter.physical_expr_to_proto(guard.rows(), self)?;
        condition.encode(bytes).map_err(|e| external(e.into()))
    }
}

fn external(error: Box<dyn std::error::Error + Send + Sync>) -> DataFusionError {
    DataFusionError::External(error)
}
