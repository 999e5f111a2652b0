//! The crate's one public error.

use datafusion::error::DataFusionError;

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The statement or a parameter is wrong or not allowed.
    Statement,
    /// The role does not allow it.
    Denied,
    /// It took more than it may.
    Limit(Exceeded),
    /// What was asked for (a run, a lake) is not there.
    NotFound,
    /// The same call may go through later.
    Retry,
    /// A defect, or a damaged lake.
    Corrupt,
}

/// What a statement took too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Time.
    Time,
    /// Memory.
    Memory,
    /// Rows of its answer.
    Rows,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of a query.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the reader of Parquet files says before the error of a condition.
const CONDITION: &str = "Error evaluating filter predicate: ";

impl Error {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the server's log is told: everything.
    pub fn private_message(&self) -> String {
        let first = std::error::Error::source(self);
        let causes = std::iter::successors(first, |cause| cause.source());
        causes.fold(self.context.clone(), |text, cause| format!("{text}: {cause}"))
    }

    /// What a stranger may be told: of errors about the statement all, of others no internals.
    pub fn public_message(&self) -> String {
        match self.kind {
            ErrorKind::Statement | ErrorKind::Denied | ErrorKind::Limit(_) | ErrorKind::NotFound => {
                self.private_message()
            }
            ErrorKind::Retry => "the ledger cannot be read for the moment; try again".to_owned(),
            ErrorKind::Corrupt => "the ledger could not be read; the server's log says why".to_owned(),
        }
    }

    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// An error with its cause.
    pub fn with_source(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, context: context.into(), source: Some(source.into()) }
    }

    /// What somebody else was told, who asked the same.
    pub(crate) fn of_another(other: &Self) -> Self {
        Self::new(other.kind, other.private_message())
    }

    fn memory() -> Self {
        let message = "the statement needs more memory than it may use; sum up earlier or ask for less";
        Self::new(ErrorKind::Limit(Exceeded::Memory), message)
    }

    /// An error of the query engine, by whose fault it is: the statement's, the limits' or ours.
    pub fn from_engine(error: DataFusionError) -> Self {
        use DataFusionError as E;
        let error = match error {
            // Our own, that came through the engine.
            E::External(inner) => match inner.downcast::<Self>() {
                Ok(own) => return *own,
                Err(other) => E::External(other),
            },
            error => error,
        };
        let (kind, context) = match error.find_root() {
            E::ResourcesExhausted(_) => return Self::memory(),
            // A condition that is told while files are read: the reader keeps the text of its error alone.
            E::ParquetError(read) if let Some((_, cause)) = read.to_string().split_once(CONDITION) => {
                if cause.starts_with("ResourcesExhausted") {
                    return Self::memory();
                }
                return Self::new(ErrorKind::Statement, format!("a condition cannot be told: {cause}"));
            }
            E::ObjectStore(_) | E::IoError(_) => (ErrorKind::Retry, "the ledger cannot be read"),
            E::ParquetError(_) | E::Internal(_) | E::External(_) | E::ExecutionJoin(_) => {
                (ErrorKind::Corrupt, "the query broke off")
            }
            _ => (ErrorKind::Statement, "the query failed"),
        };
        Self::with_source(kind, context, error.strip_backtrace())
    }
}

impl From<airshed_lake::Error> for Error {
    fn from(error: airshed_lake::Error) -> Self {
        let kind = match error.kind() {
            airshed_lake::ErrorKind::Retry => ErrorKind::Retry,
            airshed_lake::ErrorKind::Input => ErrorKind::NotFound,
            airshed_lake::ErrorKind::Corrupt => ErrorKind::Corrupt,
        };
        Self::with_source(kind, "the lake refused", error)
    }
}
