//! What an error of the SDK means to the caller.
//!
//! AWS services spell the same refusal in many ways, so kinds go by the error code first, then by the HTTP status.
//! Sources: the SDK's own table (`aws-runtime`, `retries/classifiers.rs`), the common errors of the API references and
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.
//!
//! Clocks that differ: requests are signed with the time, and services refuse more than five minutes' difference. The SDK
//! learns the difference from the `Date` of every answer, also with its retries off, and signs the client's next request
//! by it. So such a refusal is transient. Services word it in ways that also mean wrong keys or missing permission;
//! it counts as skew when the code says so by itself, or when the answer's `Date` is over four minutes away, which is the
//! SDK's own measure.

use std::{error::Error, fmt::Write as _, time::Duration};

use airshed_collect::{CallError, CallErrorKind};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{DateTime, date_time::Format, error::metadata::ProvideErrorMetadata};
use jiff::Timestamp;

/// Difference of clocks from which a refused signature is put down to it.
const SKEW: Duration = Duration::from_mins(4);

/// Codes that may come from clocks that differ, and from other causes.
const MAYBE_SKEW: [&str; 4] = ["InvalidSignature", "SignatureDoesNotMatch", "AuthFailure", "AccessDenied"];

/// Codes that mean slower, beside all that contain `Throttl`.
const THROTTLED: [&str; 9] = [
    "BandwidthLimitExceeded",
    "LimitExceeded",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequests",
    "TransactionInProgress",
];

/// Codes that mean new credentials. EC2 says `RequestExpired` of a session's end.
const EXPIRED: [&str; 3] = ["ExpiredToken", "RequestExpired", "TokenRefreshRequired"];

/// Codes that mean no, beside all that begin with `AccessDenied`. Unknown keys are among them: a region that is switched
/// off in the account answers so, and there new credentials do not help.
const DENIED: [&str; 21] = [
    "AccountProblem",
    "AllAccessDisabled",
    "AuthFailure",
    "AuthorizationError",
    "Blocked",
    "Forbidden",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignature",
    "InvalidToken",
    "KMSAccessDenied",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "PendingVerification",
    "RegionDisabled",
    "SignatureDoesNotMatch",
    "SubscriptionRequired",
    "UnauthorizedOperation",
    "UnrecognizedClient",
];

/// Codes that mean again, whatever the HTTP status.
const TRANSIENT: [&str; 11] = [
    "IDPCommunicationError",
    "IncompleteBody",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "Unavailable",
];

/// Length from which a run of letters and digits is taken for a token.
const TOKEN_CHARS: usize = 40;

/// The error of a call. `now` is the time of day of this machine.
pub(crate) fn call_error<E>(
    call: impl Into<String>,
    error: &SdkError<E, HttpResponse>,
    now: Timestamp,
) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, message) = match error {
        SdkError::ServiceError(service) => {
            let refusal = Refusal {
                status: service.raw().status().as_u16(),
                code: service.err().code(),
                message: service.err().message(),
                skew: service.raw().headers().get("date").and_then(|date| skew(date, now)),
            };
            let said = refusal.to_message();
            (
                refusal.kind(),
                said.unwrap_or_else(|| format!("HTTP {}: {}", refusal.status, words(service.err()))),
            )
        }
        SdkError::TimeoutError(_) => (CallErrorKind::Transient, "no answer within the time allowed".into()),
        SdkError::DispatchFailure(failure) => {
            let kind = if failure.is_user() { CallErrorKind::Invalid } else { CallErrorKind::Transient };
            (kind, format!("not sent or not answered: {}", causes(error)))
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let kind = Refusal { status, ..Refusal::default() }.kind();
            (kind, format!("HTTP {status}, but the answer broke off or cannot be read: {}", causes(error)))
        }
        _ => (CallErrorKind::Invalid, format!("the request cannot be made: {}", causes(error))),
    };
    CallError::new(kind, call, without_tokens(&message))
}

/// What a service answered instead of what was asked.
#[derive(Debug, Default, Clone, Copy)]
struct Refusal<'a> {
    status: u16,
    code: Option<&'a str>,
    message: Option<&'a str>,
    /// How far the service's clock is from this machine's.
    skew: Option<Duration>,
}

impl Refusal<'_> {
    /// The code without the ending that only some services give it.
    fn code(&self) -> &str {
        let code = self.code.unwrap_or_default();
        let code = code.strip_prefix("Client.").or_else(|| code.strip_prefix("Server.")).unwrap_or(code);
        code.strip_suffix("Exception").unwrap_or(code)
    }

    fn kind(&self) -> CallErrorKind {
        let code = self.code();
        let is = |codes: &[&str]| codes.contains(&code);
        if code.contains("Throttl") || is(&THROTTLED) {
            CallErrorKind::Throttled
        } else if is(&EXPIRED) {
            CallErrorKind::Expired
        } else if self.is_skewed() || is(&TRANSIENT) {
            CallErrorKind::Transient
        } else if code.starts_with("AccessDenied") || is(&DENIED) {
            CallErrorKind::Denied
        } else {
            match self.status {
                429 => CallErrorKind::Throttled,
                // Not implemented: said by servers that stand in for AWS.
                501 => CallErrorKind::Invalid,
                // A success that is none: the answer is garbled.
                200..=299 | 408 | 500.. => CallErrorKind::Transient,
                401 | 403 if code.is_empty() => CallErrorKind::Denied,
                _ => CallErrorKind::Invalid,
            }
        }
    }

    fn is_skewed(&self) -> bool {
        let code = self.code();
        let message = self.message.unwrap_or_default();
        code == "RequestTimeTooSkewed"
            || MAYBE_SKEW.contains(&code)
                && (self.skew.is_some_and(|skew| skew > SKEW)
                    || message.starts_with("Signature expired")
                    || message.starts_with("Signature not yet current"))
    }

    /// The service's own words; none where it has none.
    fn to_message(self) -> Option<String> {
        let mut text = match (self.code, self.message) {
            (Some(code), Some(message)) => format!("{code}: {}", first_sentence_of_signature(code, message)),
            (Some(code), None) => code.to_owned(),
            (None, Some(message)) => format!("HTTP {}: {message}", self.status),
            (None, None) => return None,
        };
        if self.is_skewed() {
            text.push_str(" (the clock of this machine differs from the service's");
            if let Some(skew) = self.skew {
                // Writing to a string cannot fail.
                let _ = write!(text, " by {} s", skew.as_secs());
            }
            text.push_str("; the next request is signed by the service's)");
        }
        Some(text)
    }
}

/// What is said of a wrong signature repeats the signed request, session token included.
fn first_sentence_of_signature<'a>(code: &str, message: &'a str) -> &'a str {
    if code.contains("Signature") { message.split(['.', '\n']).next().unwrap_or_default() } else { message }
}

fn skew(date: &str, now: Timestamp) -> Option<Duration> {
    let date = DateTime::from_str(date, Format::HttpDate).ok()?;
    Some(Duration::from_secs(date.secs().abs_diff(now.as_second())))
}

/// An error and its causes, each with its own words, without what may be a key.
pub(crate) fn words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    without_tokens(&text)
}

fn causes(error: &(dyn Error + 'static)) -> String {
    error.source().map(words).unwrap_or_default()
}

/// Replaces what may be a key or a session token: long runs of upper case, lower case and digits.
fn without_tokens(text: &str) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '%');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(belongs) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c| !belongs(c)).unwrap_or(from.len()));
        let has = |what: fn(&char) -> bool| run.chars().any(|c| what(&c));
        let is_token = run.len() >= TOKEN_CHARS
            && has(char::is_ascii_uppercase)
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_digit);
        clean.push_str(before);
        clean.push_str(if is_token { "***" } else { run });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests;
