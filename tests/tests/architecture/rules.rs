//! The tables of the design. A new crate or dependency starts with a line here, and a reason in the change.

/// Which crates of ours a crate may depend on, for any kind of dependency.
pub(crate) const ALLOWED: &[(&str, &[&str])] = &[
    ("airshed-domain", &[]),
    ("airshed-emission-factors", &["airshed-domain"]),
    ("airshed-lake", &["airshed-domain"]),
    ("airshed-ingest", &["airshed-lake", "airshed-domain"]),
    ("airshed-metric-stream", &["airshed-domain"]),
    ("airshed-collect", &["airshed-ingest", "airshed-metric-stream", "airshed-lake", "airshed-domain"]),
    ("airshed-aws", &["airshed-collect"]),
    ("airshed-kernels", &["airshed-emission-factors", "airshed-domain"]),
    ("airshed-estimate", &["airshed-kernels", "airshed-lake", "airshed-emission-factors", "airshed-domain"]),
    (
        "airshed-remote",
        // It estimates files of runs for others, by the stage's own code.
        &[
            "airshed-estimate",
            "airshed-kernels",
            "airshed-lake",
            "airshed-emission-factors",
            "airshed-domain",
        ],
    ),
    ("airshed-rollup", &["airshed-lake", "airshed-domain"]),
    (
        "airshed-query-api",
        // The factors and kernels serve the functions of SQL: a figure in a statement is found as one in a run.
        &["airshed-rollup", "airshed-kernels", "airshed-emission-factors", "airshed-lake", "airshed-domain"],
    ),
    ("airshed-http", &["airshed-query-api", "airshed-rollup", "airshed-lake", "airshed-domain"]),
    ("airshed-postgres", &["airshed-query-api", "airshed-lake", "airshed-domain"]),
    ("airshed-flight", &["airshed-query-api", "airshed-lake", "airshed-domain"]),
    ("airshed", &["*"]),
    ("airshed-tests", &["*"]),
];

/// What must not be in a crate, however deep. `*` at the end stands for any ending.
pub(crate) const MUST_NOT_CONTAIN: &[(&str, &[&str])] = &[
    ("airshed-domain", &["tokio", "object_store", "datafusion*", "aws-*", "parquet"]),
    ("airshed-emission-factors", PURE),
    ("airshed-kernels", PURE),
    (
        "airshed-metric-stream",
        &["tokio", "object_store", "datafusion*", "aws-*", "parquet", "reqwest", "hyper"],
    ),
    ("airshed-lake", &["axum", "aws-sdk-*"]),
    ("airshed-ingest", &["axum", "aws-sdk-*"]),
    ("airshed-collect", &["axum", "aws-sdk-*"]),
    ("airshed-aws", &["axum"]),
    ("airshed-rollup", &["axum"]),
    ("airshed-query-api", &["aws-sdk-*"]),
    ("airshed-postgres", &["aws-sdk-*"]),
    ("airshed-flight", &["aws-sdk-*"]),
    ("airshed-http", &["aws-sdk-*"]),
    // Only what travels is of gRPC: the stage itself knows no network.
    ("airshed-estimate", &["axum", "tonic"]),
    ("airshed-remote", &["aws-sdk-*", "datafusion-distributed"]),
];

/// Auditors can run a number again: no I/O, no query engine, no network.
const PURE: &[&str] = &["tokio", "object_store", "datafusion*", "aws-*", "reqwest", "hyper"];

/// What only the binary may name in its manifest, because it decides how the process behaves.
pub(crate) const LIBRARIES_MUST_NOT_NAME: &[&str] =
    &["anyhow", "tracing-subscriber", "clap", "indicatif", "rand", "fastrand"];

/// The binary, and the suites that drive it.
pub(crate) const BINARY: &[&str] = &["airshed", "airshed-tests"];

/// Types of these stand in each other's signatures; a second version would not fit the first.
pub(crate) const ONE_VERSION: &[&str] =
    &["arrow-array", "arrow-schema", "parquet", "object_store", "datafusion", "deltalake-core"];

/// Folders of the libraries: all members but the binary and the suites.
pub(crate) const LIBRARY_FOLDERS: &[&str] = &[
    "domain",
    "emission-factors",
    "lake",
    "ingest",
    "ingest/metric-stream",
    "ingest/collect",
    "ingest/aws",
    "calc-engine/kernels",
    "calc-engine/estimate",
    "calc-engine/remote",
    "rollup",
    "query-api",
    "query-api/http",
    "query-api/postgres",
    "query-api/flight",
];

/// Libraries that wait for others and end a wait by tokio's clock, which tests can stop. No figure depends on it.
pub(crate) const SERVERS: &[&str] =
    &["calc-engine/remote", "query-api", "query-api/http", "query-api/postgres", "query-api/flight"];

/// Text that must not stand in a library that is no server, outside comments and tests, with the reason.
pub(crate) const ONLY_SERVERS_MAY_CALL: &[(&str, &str)] = &[("Instant::now", "the time is an argument")];

/// Text that must not stand in a library, outside comments and tests, with the reason.
pub(crate) const LIBRARIES_MUST_NOT_CALL: &[(&str, &str)] = &[
    ("std::env", "the binary reads the environment and passes values"),
    ("env::var", "the binary reads the environment and passes values"),
    ("println!", "the binary prints"),
    ("print!(", "the binary prints"),
    ("dbg!(", "the binary prints"),
    ("SystemTime::now", "the time is an argument"),
    ("Timestamp::now", "the time is an argument"),
    ("Zoned::now", "the time is an argument"),
    ("Utc::now", "the time is an argument"),
    ("Uuid::new_v4", "chance makes numbers that nobody can repeat"),
    ("getrandom", "chance makes numbers that nobody can repeat"),
    ("RandomState::new", "an order that changes from run to run"),
    ("process::exit", "the binary decides how the process ends"),
];
