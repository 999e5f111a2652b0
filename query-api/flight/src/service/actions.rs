//! Answers of actions.

use airshed_query_api::{Error, ErrorKind, Result};
use arrow::{datatypes::Schema, error::ArrowError, ipc::writer::IpcWriteOptions};
use arrow_flight::{IpcMessage, SchemaAsIpc, sql::ActionCreatePreparedStatementResult};
use bytes::Bytes;
use prost::Message as _;
use tonic::Status;

use crate::statement::Statement;

const CLOSE_SESSION: &str = "CloseSession";
/// `CLOSED` of `CloseSessionResult.Status`, which `arrow-flight` does not have yet.
const CLOSED: i32 = 1;

/// `CloseSessionResult` of Flight.proto.
#[derive(Clone, PartialEq, prost::Message)]
struct CloseSessionResult {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// What is told of a prepared statement: its handle, and the schemas of its rows and parameters.
///
/// # Errors
/// [`ErrorKind::Corrupt`], a defect.
pub(super) fn prepared(
    statement: &Statement,
    rows: &Schema,
    parameters: &Schema,
) -> Result<ActionCreatePreparedStatementResult> {
    let encoded = |schema: &Schema| {
        let message: Result<IpcMessage, ArrowError> =
            SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into();
        let message = message
            .map_err(|error| Error::with_source(ErrorKind::Corrupt, "a schema cannot be encoded", error))?;
        Result::<Bytes>::Ok(message.0)
    };
    let parameter_schema = if parameters.fields().is_empty() { Bytes::new() } else { encoded(parameters)? };
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: statement.handle(),
        dataset_schema: encoded(rows)?,
        parameter_schema,
    })
}

/// The answer to whoever closes a session, which is the only action beside those of prepared statements.
///
/// # Errors
/// Unimplemented, of any other.
pub(super) fn close_session(action: &str) -> Result<arrow_flight::Result, Status> {
    if action != CLOSE_SESSION {
        return Err(Status::unimplemented(format!("there is no action `{action}` here")));
    }
    Ok(arrow_flight::Result::new(CloseSessionResult { status: CLOSED }.encode_to_vec()))
}
