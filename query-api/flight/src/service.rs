//! The service: what its calls have in common.

mod actions;
mod calls;

use std::{sync::Arc, time::Duration};

use airshed_query_api::{
    AsOf, Error, ErrorKind, READ_ONLY, Result, RowStream, Session, Snapshots, access::Principal, audit::Audit,
};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use arrow_flight::{
    error::FlightError,
    sql::{
        CommandGetTables,
        metadata::{SqlInfoData, XdbcTypeInfoData},
    },
};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use crate::{
    answer::{self, Messages, Running},
    catalog,
    door::Door,
    failure::status,
    note::Note,
    statement::{Statement, asked_moment},
    wire,
};

/// What the service reaches.
pub(crate) struct Reach {
    pub(crate) snapshots: Snapshots,
    pub(crate) audit: Arc<dyn Audit>,
    /// Most statements that run at the same time.
    pub(crate) statements: usize,
    /// How long a client may not read what it asked for.
    pub(crate) stall_timeout: Duration,
}

/// The service.
pub(crate) struct Service {
    reach: Reach,
    door: Door,
    places: Arc<Semaphore>,
    server: SqlInfoData,
    xdbc_types: XdbcTypeInfoData,
}

impl Service {
    /// # Errors
    /// A defect.
    pub(crate) fn new(reach: Reach, door: Door) -> Result<Self, FlightError> {
        let places = Arc::new(Semaphore::new(reach.statements));
        Ok(Self { reach, door, places, server: catalog::server()?, xdbc_types: catalog::xdbc_types()? })
    }

    async fn session(&self, who: &Principal, moment: &AsOf) -> Result<Session> {
        self.reach.snapshots.at(moment).await?.session(&who.scope).await
    }

    fn note(&self, who: &Principal, sql: &str) -> Note {
        Note::new(&self.reach.audit, &who.name, sql)
    }

    /// What a client is told of a statement that is not run, and notes it: one that goes through is noted when it is run.
    fn refused(&self, who: &Principal, sql: &str, error: &Error) -> Status {
        self.note(who, sql).failed(error.kind());
        status(error)
    }

    /// The schema of a statement's rows, before it is run.
    async fn planned(&self, who: &Principal, statement: &Statement) -> Result<SchemaRef, Status> {
        let plan = async {
            let session = self.session(who, &statement.moment()).await?;
            statement.plan(&session).await
        };
        match plan.await {
            Ok(plan) => Ok(wire::schema(plan.schema().as_arrow())),
            Err(error) => Err(self.refused(who, &statement.sql, &error)),
        }
    }

    /// The rows of a statement.
    async fn run(&self, who: &Principal, statement: &Statement) -> Result<Response<Messages>, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let most = self.reach.statements;
            Status::resource_exhausted(format!("{most} statements are running, and no more may; try again"))
        })?;
        let note = self.note(who, &statement.sql);
        match self.begin(who, statement).await {
            Ok((rows, schema)) => {
                let stall_timeout = self.reach.stall_timeout;
                Ok(Response::new(answer::stream(Running { rows, schema, place, stall_timeout, note })))
            }
            Err(error) => {
                note.failed(error.kind());
                Err(status(&error))
            }
        }
    }

    async fn begin(&self, who: &Principal, statement: &Statement) -> Result<(RowStream, SchemaRef)> {
        let session = self.session(who, &statement.moment()).await?;
        let plan = statement.plan(&session).await?;
        let schema = wire::schema(plan.schema().as_arrow());
        Ok((session.run(plan).await?, schema))
    }

    async fn tables<T>(
        &self,
        command: CommandGetTables,
        request: &Request<T>,
    ) -> Result<RecordBatch, Status> {
        let who = self.door.caller(request)?;
        let tables = async {
            let session = self.session(&who, &asked_moment(request.metadata())?).await?;
            catalog::tables(command, &session).await
        };
        tables.await.map_err(|error| status(&error))
    }

    /// A table of the catalogue.
    fn list<T>(
        &self,
        request: &Request<T>,
        table: Result<RecordBatch>,
    ) -> Result<Response<Messages>, Status> {
        self.door.caller(request)?;
        Ok(Response::new(answer::table(table.map_err(|error| status(&error))?)))
    }

    /// Refuses what would change something.
    fn read_only<T>(&self, request: &Request<T>, sql: &str) -> Status {
        match self.door.caller(request) {
            Ok(who) => {
                self.refused(&who, sql, &Error::with_source(ErrorKind::Statement, "refused", READ_ONLY))
            }
            Err(status) => status,
        }
    }
}
