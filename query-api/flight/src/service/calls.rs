//! The calls of Flight SQL, each to what answers it.
//!
//! Every call asks first who makes it. What changes something, and transactions, are refused.

use std::pin::Pin;

use airshed_query_api::{Error, ErrorKind, Result};
use arrow::datatypes::Schema;
use arrow_flight::{
    Action, BasicAuth, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse,
    Ticket,
    flight_service_server::FlightService,
    sql::{
        ActionBeginTransactionRequest, ActionBeginTransactionResult, ActionClosePreparedStatementRequest,
        ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, CommandGetCatalogs,
        CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
        CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
        CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
        CommandStatementIngest, CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult,
        ProstMessageExt, SqlInfo, TicketStatementQuery,
        server::{FlightSqlService, PeekableFlightDataStream},
    },
};
use async_trait::async_trait;
use futures::{Stream, stream};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};

use super::{Service, actions};
use crate::{
    answer::{self, Messages},
    catalog,
    connection::LetIn,
    failure::status,
    statement::Statement,
    wire,
};

const NO_TRANSACTIONS: &str = "there are no transactions: each statement reads one state of the ledger";

type Handshakes = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;
type Actions<S> = Response<<S as FlightService>::DoActionStream>;

#[async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Handshakes>, Status> {
        let (metadata, extensions, mut messages) = request.into_parts();
        let first = async {
            let message = messages.message().await?.unwrap_or_default();
            BasicAuth::decode(message.payload)
                .map_err(|_| Status::unauthenticated("sign in by name and password"))
        };
        let bearer = self.door.sign_in(&metadata, first).await?;
        LetIn::mark(&extensions);
        let answer =
            HandshakeResponse { payload: bearer.reveal().to_owned().into(), ..HandshakeResponse::default() };
        let mut response: Response<Handshakes> = Response::new(Box::pin(stream::iter([Ok(answer)])));
        let header = format!("Bearer {}", bearer.reveal()).parse();
        let header = header.map_err(|_| Status::unauthenticated("this cannot be a token"))?;
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let who = self.door.caller(&request)?;
        no_transactions(query.transaction_id.as_deref())?;
        let statement = Statement::asked(query.query, request.metadata()).map_err(|error| status(&error))?;
        let schema = self.planned(&who, &statement).await?;
        info(&schema, &TicketStatementQuery { statement_handle: statement.handle() }, request.into_inner())
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let who = self.door.caller(&request)?;
        let statement = Statement::from_handle(&ticket.statement_handle).map_err(|error| status(&error))?;
        self.run(&who, &statement).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let who = self.door.caller(&request)?;
        let statement =
            Statement::from_handle(&query.prepared_statement_handle).map_err(|error| status(&error))?;
        let schema = self.planned(&who, &statement).await?;
        info(&schema, &query, request.into_inner())
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let who = self.door.caller(&request)?;
        let statement =
            Statement::from_handle(&query.prepared_statement_handle).map_err(|error| status(&error))?;
        self.run(&who, &statement).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let who = self.door.caller(&request)?;
        no_transactions(query.transaction_id.as_deref())?;
        let statement = Statement::asked(query.query, request.metadata()).map_err(|error| status(&error))?;
        let prepared = async {
            let session = self.session(&who, &statement.moment()).await?;
            let (plan, parameters) = statement.prepare(&session).await?;
            actions::prepared(&statement, &wire::schema(plan.schema().as_arrow()), &parameters)
        };
        prepared.await.map_err(|error| self.refused(&who, &statement.sql, &error))
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        self.door.caller(&request)?;
        let bound = async {
            let statement = Statement::from_handle(&query.prepared_statement_handle)?;
            statement.bound(request.into_inner()).await
        };
        let statement = bound.await.map_err(|error| status(&error))?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(statement.handle()) })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        // Nothing is kept of it.
        self.door.caller(&request).map(drop)
    }

    async fn do_action_begin_transaction(
        &self,
        _: ActionBeginTransactionRequest,
        request: Request<Action>,
    ) -> Result<ActionBeginTransactionResult, Status> {
        self.door.caller(&request)?;
        Err(Status::unimplemented(NO_TRANSACTIONS))
    }

    async fn do_action_fallback(&self, request: Request<Action>) -> Result<Actions<Self>, Status> {
        self.door.caller(&request)?;
        let closed = actions::close_session(&request.get_ref().r#type)?;
        self.door.sign_out(request.metadata());
        Ok(Response::new(Box::pin(stream::iter([Ok(closed)]))))
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(self.read_only(&request, &command.query))
    }

    async fn do_put_statement_ingest(
        &self,
        command: CommandStatementIngest,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(self.read_only(&request, &format!("(ingest into {})", command.table)))
    }

    async fn do_put_prepared_statement_update(
        &self,
        command: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let statement = Statement::from_handle(&command.prepared_statement_handle);
        let sql = statement.map(|statement| statement.sql).unwrap_or_default();
        Err(self.read_only(&request, &sql))
    }

    async fn get_flight_info_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &command.into_builder().schema(), request)
    }

    async fn do_get_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, catalog::catalogs(command))
    }

    async fn get_flight_info_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &command.clone().into_builder().schema(), request)
    }

    async fn do_get_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, catalog::schemas(command))
    }

    async fn get_flight_info_tables(
        &self,
        command: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &command.clone().into_builder().schema(), request)
    }

    async fn do_get_tables(
        &self,
        command: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        Ok(Response::new(answer::table(self.tables(command, &request).await?)))
    }

    async fn get_flight_info_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &command.into_builder().schema(), request)
    }

    async fn do_get_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, catalog::table_types(command))
    }

    async fn get_flight_info_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &self.server.schema(), request)
    }

    async fn do_get_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, command.into_builder(&self.server).build().map_err(catalog::defect))
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        command: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &self.xdbc_types.schema(), request)
    }

    async fn do_get_xdbc_type_info(
        &self,
        command: CommandGetXdbcTypeInfo,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, command.into_builder(&self.xdbc_types).build().map_err(catalog::defect))
    }

    async fn get_flight_info_primary_keys(
        &self,
        command: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &catalog::primary_keys().schema(), request)
    }

    async fn do_get_primary_keys(
        &self,
        _: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, Ok(catalog::primary_keys()))
    }

    async fn get_flight_info_exported_keys(
        &self,
        command: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &catalog::foreign_keys().schema(), request)
    }

    async fn do_get_exported_keys(
        &self,
        _: CommandGetExportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, Ok(catalog::foreign_keys()))
    }

    async fn get_flight_info_imported_keys(
        &self,
        command: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &catalog::foreign_keys().schema(), request)
    }

    async fn do_get_imported_keys(
        &self,
        _: CommandGetImportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, Ok(catalog::foreign_keys()))
    }

    async fn get_flight_info_cross_reference(
        &self,
        command: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&command, &catalog::foreign_keys().schema(), request)
    }

    async fn do_get_cross_reference(
        &self,
        _: CommandGetCrossReference,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        self.list(&request, Ok(catalog::foreign_keys()))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}

impl Service {
    /// Where a table of the catalogue is fetched: by the same command.
    fn listed<C: ProstMessageExt>(
        &self,
        command: &C,
        schema: &Schema,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.door.caller(&request)?;
        info(schema, command, request.into_inner())
    }
}

fn info(
    schema: &Schema,
    ticket: &impl ProstMessageExt,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
    let told = FlightInfo::new().try_with_schema(schema);
    let told = told.map_err(|error| {
        status(&Error::with_source(ErrorKind::Corrupt, "the schema cannot be encoded", error))
    })?;
    Ok(Response::new(told.with_endpoint(endpoint).with_descriptor(descriptor)))
}

fn no_transactions(id: Option<&[u8]>) -> Result<(), Status> {
    match id {
        None | Some([]) => Ok(()),
        Some(_) => Err(Status::unimplemented(NO_TRANSACTIONS)),
    }
}
