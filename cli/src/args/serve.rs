//! The commands that open the ledger to others.

use clap::{Args, Subcommand};

/// Open the ledger: dashboard and API over HTTP, SQL over the Postgres protocol and Arrow Flight.
///
/// On this machine alone, and without users, it works at once: a one-time administrator's token is printed. On any other
/// address it starts only with users (`airshed user add`) and TLS. Everything is read-only. Serving goes on until it is
/// interrupted; then requests under way are finished.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed serve
  airshed serve --lake s3://carbon/ledger --http 127.0.0.1:8080 --pg 127.0.0.1:5433
  airshed serve --http 0.0.0.0:443 --pg 0.0.0.0:5432 --tls-cert cert.pem --tls-key key.pem
  psql \"host=127.0.0.1 port=5433 user=admin dbname=airshed\"       # the password is the token")]
pub(crate) struct ServeArgs {
    /// Address of HTTP; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<String>,
    /// Address of the Postgres protocol; `off` for none
    #[arg(long, value_name = "ADDR")]
    pub(crate) pg: Option<String>,
    /// Address of Arrow Flight SQL; `off` for none
    #[arg(long, value_name = "ADDR")]
    pub(crate) flight: Option<String>,
    /// Certificates, PEM, the server's own first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<String>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<String>,
    /// Workers that read large tables, separated by commas (docs/distributed.md)
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(crate) workers: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What workers and those who ask them share.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// File with the secret that is shown to workers
    #[arg(long, value_name = "FILE")]
    pub(crate) workers_secret_file: Option<String>,
    /// Certificates of the authority that signed those of the workers, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) workers_ca: Option<String>,
}

/// Work for others: parts of large statements of `airshed serve`, billing files of `airshed estimate`.
///
/// A worker is started on the lake of those who ask it. It knows no users: whoever shows its secret reads the whole ledger.
/// On any other address than this machine's it starts only with TLS and a secret. To estimate, it must be allowed to write
/// to the lake, and have the same factor files in its settings. It goes on until it is interrupted; then what is under way
/// is finished, for half a minute at most.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  airshed worker --listen 127.0.0.1:7001 --lake ./airshed-data
  airshed worker --listen 0.0.0.0:7001 --lake s3://carbon/ledger --tls-cert cert.pem --tls-key key.pem \\
    --workers-ca ca.pem --workers-secret-file secret.txt")]
pub(crate) struct WorkerArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: String,
    /// Certificates, PEM, the worker's own first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<String>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Say who may use `airshed serve`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user
    #[command(after_help = "\
Examples:
  airshed user add ada --role analyst --password-stdin < password.txt
  airshed user add web --role viewer --scope tag.team=web --password-stdin
  airshed user add grafana --role analyst --scope account=111122223333,account=444455556666 --password-stdin

Scopes: account=ID, ou=ID-OR-PATH, tag.KEY=VALUE, separated by commas. Values of one kind are alternatives; a row must
match every kind that is named.")]
    Add {
        /// Name to sign in with
        name: String,
        /// viewer looks at the dashboard, analyst writes SQL, compliance also sees the log of queries, admin everything
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// Which rows the user sees [default: all]
        #[arg(long, value_name = "SCOPE")]
        scope: Option<String>,
        /// Read the password from standard input, to the end of the line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Remove a user, and the tokens that stand for them
    #[command(after_help = "\
Examples:
  airshed user remove ada")]
    Remove {
        /// Name
        name: String,
    },
    /// List users
    #[command(after_help = "\
Examples:
  airshed user list -o json")]
    List,
}

/// Make tokens, for programs to use instead of a password.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token that stands for a user, and print it once
    #[command(after_help = "\
Examples:
  airshed token create grafana
  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/v1/emissions")]
    Create {
        /// Name of the user
        name: String,
    },
    /// Remove a token
    #[command(after_help = "\
Examples:
  airshed token revoke t7f3a1c09")]
    Revoke {
        /// Id of the token, as `list` shows it
        id: String,
    },
    /// List tokens, without their secrets
    #[command(after_help = "\
Examples:
  airshed token list")]
    List,
}
