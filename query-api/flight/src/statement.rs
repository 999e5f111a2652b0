//! A statement as it travels: in a ticket, or as the handle of a prepared statement.
//!
//! It is not signed, because it gives nobody anything: whoever presents one could as well ask for it, and gets what
//! their own role and scope allow.

mod parameters;

use airshed_domain::id::RunId;
use airshed_query_api::{AsOf, Error, ErrorKind, Result, Session};
use arrow::datatypes::Schema;
use arrow_flight::FlightData;
use bytes::Bytes;
use datafusion::logical_expr::LogicalPlan;
use futures::Stream;
use prost::Message as _;
use tonic::{Status, metadata::MetadataMap};

/// Header with the run whose moment is asked for, in place of now.
const AS_OF: &str = "x-airshed-as-of";

/// A statement and what belongs to it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Statement {
    /// As it was written.
    #[prost(string, tag = "1")]
    pub(crate) sql: String,
    /// The run whose moment is asked for; empty for now.
    #[prost(string, tag = "2")]
    as_of: String,
    /// The values of its parameters: one row as an Arrow stream, or nothing.
    #[prost(bytes = "bytes", tag = "3")]
    parameters: Bytes,
}

impl Statement {
    /// A statement that was asked for now.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] where the header is no text.
    pub(crate) fn asked(sql: String, metadata: &MetadataMap) -> Result<Self> {
        Ok(Self { sql, as_of: as_of(metadata)?.to_owned(), parameters: Bytes::new() })
    }

    /// A statement that was asked for before.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] where this server did not make it.
    pub(crate) fn from_handle(handle: &[u8]) -> Result<Self> {
        let own = "the ticket or prepared statement is not of this server";
        Self::decode(handle).map_err(|error| Error::with_source(ErrorKind::Statement, own, error))
    }

    /// What the client brings back.
    pub(crate) fn handle(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// The state of the ledger that it asks.
    pub(crate) fn moment(&self) -> AsOf {
        moment(&self.as_of)
    }

    /// The statement with values for its parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] unless they are one row.
    pub(crate) async fn bound(
        self,
        rows: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    ) -> Result<Self> {
        Ok(Self { parameters: parameters::received(rows).await?, ..self })
    }

    /// Plans it, with its parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Statement`] when it is wrong or not allowed, or its parameters do not fit.
    pub(crate) async fn plan(&self, session: &Session) -> Result<LogicalPlan> {
        let plan = session.plan(&parameters::numbered(&self.sql)?).await?;
        parameters::bind(plan, &self.parameters)
    }

    /// Plans it without its parameters, and says of what types they are.
    ///
    /// # Errors
    /// As of [`plan`](Self::plan).
    pub(crate) async fn prepare(&self, session: &Session) -> Result<(LogicalPlan, Schema)> {
        let plan = session.plan(&parameters::numbered(&self.sql)?).await?;
        let expected = parameters::expected(&plan)?;
        Ok((plan, expected))
    }
}

/// The state of the ledger that a call asks.
///
/// # Errors
/// [`ErrorKind::Statement`] where the header is no text.
pub(crate) fn asked_moment(metadata: &MetadataMap) -> Result<AsOf> {
    as_of(metadata).map(moment)
}

fn as_of(metadata: &MetadataMap) -> Result<&str> {
    let Some(value) = metadata.get(AS_OF) else { return Ok("") };
    let wrong = |error| Error::with_source(ErrorKind::Statement, format!("{AS_OF} is no text"), error);
    value.to_str().map(str::trim).map_err(wrong)
}

fn moment(as_of: &str) -> AsOf {
    if as_of.is_empty() { AsOf::Now } else { AsOf::Run(RunId::new(as_of)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_read_as_they_are_written() {
        let statement =
            Statement { sql: "SELECT 1".into(), as_of: "run-1".into(), parameters: vec![1, 2].into() };
        assert_eq!(Statement::from_handle(&statement.handle()).unwrap(), statement);
        assert_eq!(Statement::from_handle(b"\xff\xff").unwrap_err().kind(), ErrorKind::Statement);
    }

    #[test]
    fn the_moment_is_the_header_s() {
        let mut metadata = MetadataMap::new();
        assert_eq!(Statement::asked("SELECT 1".into(), &metadata).unwrap().as_of, "");
        metadata.insert(AS_OF, " run-1 ".parse().unwrap());
        assert_eq!(Statement::asked("SELECT 1".into(), &metadata).unwrap().as_of, "run-1");
    }
}
