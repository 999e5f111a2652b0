//! Settings of `airshed serve`.

use super::{Key, Kind};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "serve.http",
        kind: Kind::Text,
        what: "Address of dashboard and API; any other than of this machine takes users and TLS",
        absent: "",
        example: "\"127.0.0.1:8080\"",
    },
    Key {
        name: "serve.pg",
        kind: Kind::Text,
        what: "Address of the Postgres protocol, or off",
        absent: "",
        example: "\"127.0.0.1:5433\"",
    },
    Key {
        name: "serve.flight",
        kind: Kind::Text,
        what: "Address of Arrow Flight SQL, or off",
        absent: "",
        example: "\"127.0.0.1:32010\"",
    },
    Key {
        name: "serve.tls_cert",
        kind: Kind::Path,
        what: "Certificates, PEM, the server's own first",
        absent: "no TLS",
        example: "\"/etc/airshed/cert.pem\"",
    },
    Key {
        name: "serve.tls_key",
        kind: Kind::Path,
        what: "Private key of the certificate, PEM",
        absent: "no TLS",
        example: "\"/etc/airshed/key.pem\"",
    },
    Key {
        name: "serve.access",
        kind: Kind::Path,
        what: "Where users and tokens are kept: a folder or s3://bucket/prefix",
        absent: "the folder _access of the ledger",
        example: "\"/etc/airshed/access\"",
    },
    Key {
        name: "serve.audit_log",
        kind: Kind::Path,
        what: "File to which each statement is added as a line of JSON: when, who, what, and why it failed",
        absent: "the log of the process",
        example: "\"/var/log/airshed/queries.jsonl\"",
    },
    Key {
        name: "serve.connections",
        kind: Kind::Integer,
        what: "Connections at the same time, of each interface",
        absent: "",
        example: "500",
    },
    Key {
        name: "serve.query_memory_mib",
        kind: Kind::Integer,
        what: "Memory of one statement, MiB; a statement that needs more is stopped, or uses the disk where it can",
        absent: "",
        example: "512",
    },
    Key {
        name: "serve.query_timeout_s",
        kind: Kind::Integer,
        what: "Time of one statement, seconds",
        absent: "",
        example: "60",
    },
    Key {
        name: "serve.query_rows",
        kind: Kind::Integer,
        what: "Most rows of one answer",
        absent: "",
        example: "10000000",
    },
    Key {
        name: "serve.refresh_s",
        kind: Kind::Integer,
        what: "How often the ledger is looked at for new runs, seconds",
        absent: "",
        example: "10",
    },
];
