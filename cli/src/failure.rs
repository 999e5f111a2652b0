//! How a command can fail: the exit code for scripts, and one message with its causes and a hint for people.
//!
//! Libraries return errors and never log them; here each is printed exactly once, as a chain. The exit code follows
//! from what the caller can do next, which the libraries' error kinds say.

use std::{error::Error, fmt, process::ExitCode};

/// How the process ends. The numbers are documented in `airshed --help` and are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    VerifyFailed = 3,
    CoverageLow = 5,
    TryAgain = 75,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit code of an error: the first cause that says what can be done next decides.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<Problem>() {
            return problem.exit;
        }
        error.chain().find_map(exit_of_cause).unwrap_or(Self::Failed)
    }
}

fn exit_of_cause(cause: &(dyn Error + 'static)) -> Option<Exit> {
    if let Some(problem) = cause.downcast_ref::<Problem>() {
        return Some(problem.exit);
    }
    if let Some(error) = cause.downcast_ref::<airshed_ingest::Error>() {
        return Some(match error.kind() {
            airshed_ingest::ErrorKind::Retry => Exit::TryAgain,
            airshed_ingest::ErrorKind::Cancelled => Exit::Interrupted,
            airshed_ingest::ErrorKind::Input | airshed_ingest::ErrorKind::Bug => Exit::Failed,
        });
    }
    if let Some(error) = cause.downcast_ref::<airshed_lake::Error>() {
        return Some(match error.kind() {
            airshed_lake::ErrorKind::Retry => Exit::TryAgain,
            airshed_lake::ErrorKind::Input | airshed_lake::ErrorKind::Corrupt => Exit::Failed,
        });
    }
    if let Some(error) = cause.downcast_ref::<airshed_estimate::Error>() {
        return (error.kind() == airshed_estimate::ErrorKind::Retry).then_some(Exit::TryAgain);
    }
    if let Some(error) = cause.downcast_ref::<airshed_rollup::Error>() {
        return (error.kind() == airshed_rollup::ErrorKind::Retry).then_some(Exit::TryAgain);
    }
    if let Some(error) = cause.downcast_ref::<airshed_query_api::Error>() {
        return (error.kind() == airshed_query_api::ErrorKind::Retry).then_some(Exit::TryAgain);
    }
    None
}

/// Whether a library found the ledger to hold what it should not.
pub(crate) fn is_corrupt(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let is = |lake: Option<&airshed_lake::Error>| {
            lake.is_some_and(|error| error.kind() == airshed_lake::ErrorKind::Corrupt)
        };
        is(cause.downcast_ref())
            || cause
                .downcast_ref::<airshed_estimate::Error>()
                .is_some_and(|error| error.kind() == airshed_estimate::ErrorKind::Corrupt)
            || cause
                .downcast_ref::<airshed_rollup::Error>()
                .is_some_and(|error| error.kind() == airshed_rollup::ErrorKind::Corrupt)
    })
}

/// A failure that the command line itself finds, with the exit code and what to do about it.
#[derive(Debug)]
pub(crate) struct Problem {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Problem {
    /// The command or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// The command was right and could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), hint: None }
    }

    /// The ledger is not what it should be.
    pub(crate) fn not_verified(message: impl Into<String>) -> Self {
        Self { exit: Exit::VerifyFailed, message: message.into(), hint: None }
    }

    /// Says what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {}

/// Whether the reader of our output went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// `error: ...`, each cause on a line of its own, then the hint.
pub(crate) fn as_text(error: &anyhow::Error) -> String {
    let mut messages = messages(error).into_iter();
    let mut text = format!("error: {}", messages.next().unwrap_or_default().trim_end());
    for cause in messages {
        text.push_str("\n  because: ");
        text.push_str(&cause.trim_end().replace('\n', "\n  "));
    }
    if let Some(hint) = hint(error) {
        text.push_str("\n  hint: ");
        text.push_str(&hint);
    }
    text
}

/// The same as one JSON object.
pub(crate) fn as_json(error: &anyhow::Error) -> String {
    let messages = messages(error);
    let (first, causes) =
        messages.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    serde_json::json!({
        "error": first,
        "causes": causes,
        "hint": hint(error),
        "exit_code": Exit::of(error) as u8,
    })
    .to_string()
}

/// An error and its causes on one line, for a failure that is reported and not returned.
pub(crate) fn in_one_line(error: &(dyn Error + 'static)) -> String {
    distinct(anyhow::Chain::new(error)).join(": ")
}

fn messages(error: &anyhow::Error) -> Vec<String> {
    distinct(error.chain())
}

/// The messages of a chain, without those that an outer one already repeats.
fn distinct(chain: anyhow::Chain<'_>) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for message in chain.map(ToString::to_string) {
        if !message.is_empty() && !messages.iter().any(|outer| outer.contains(&message)) {
            messages.push(message);
        }
    }
    messages
}

fn hint(error: &anyhow::Error) -> Option<String> {
    let own = error.downcast_ref::<Problem>();
    let own = own.or_else(|| error.chain().find_map(|cause| cause.downcast_ref::<Problem>()));
    if let Some(hint) = own.and_then(|problem| problem.hint.clone()) {
        return Some(hint);
    }
    let all = messages(error).join("\n").to_lowercase();
    let no_credentials = ["credential", "unauthenticated", "metadata", "forbidden", "access denied", "403"];
    if all.contains("s3") && no_credentials.iter().any(|word| all.contains(word)) {
        return Some(
            "credentials for S3 come from AWS_ACCESS_KEY_ID, a web identity or the instance; with profiles or SSO, run \
             eval \"$(aws configure export-credentials --format env)\" first"
                .to_owned(),
        );
    }
    (Exit::of(error) == Exit::TryAgain)
        .then(|| "the same command may succeed later; nothing was lost".to_owned())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_chain_is_printed_once_with_its_hint() {
        let error = anyhow::Error::new(Problem::usage("bad colour").hint("use blue"))
            .context("bad colour")
            .context("cannot paint");
        assert_eq!(as_text(&error), "error: cannot paint\n  because: bad colour\n  hint: use blue");
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(
            as_json(&error),
            r#"{"causes":["bad colour"],"error":"cannot paint","exit_code":2,"hint":"use blue"}"#
        );
    }

    #[test]
    fn a_problem_may_stand_above_its_cause() {
        let io = Err::<(), _>(std::io::Error::other("disk on fire"));
        let error = io.context(Problem::failed("cannot read bill.csv")).unwrap_err();
        assert_eq!(as_text(&error), "error: cannot read bill.csv\n  because: disk on fire");
        assert_eq!(Exit::of(&error), Exit::Failed);
    }

    #[test]
    fn a_closed_pipe_is_recognised() {
        let io = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(is_broken_pipe(&io.context("cannot write").unwrap_err()));
    }
}
