//! Requests and answers in the protocols that the services speak.
//!
//! Sources: <https://smithy.io/2.0/aws/protocols/index.html>, pages `ec2Query`, `awsQuery`, `restJson1` and
//! `awsJson1_0`. The query protocols differ in how they wrap an error; so do the two of JSON. Both ways are read of
//! either.

use aws_smithy_runtime_api::{box_error::BoxError, client::orchestrator::HttpRequest, http::Headers};
use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::json_error;

/// Sent with every request, so that an account sees in CloudTrail who asked.
const USER_AGENT: &str = concat!("airshed/", env!("CARGO_PKG_VERSION"));

/// Where the code of an error stands that a service of `restJson1` answers.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// Encoded in a form or a query: all but what RFC 3986 calls unreserved, as signatures want it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request before it has a host and a signature.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    method: &'static str,
    path_and_query: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    /// A call of a query protocol. Members without a value are left out.
    pub(super) fn query(action: &str, version: &str, members: &[(&str, Option<&str>)]) -> Self {
        let call = [("Action", Some(action)), ("Version", Some(version))];
        Self::post("application/x-www-form-urlencoded", encoded(call.iter().chain(members)))
    }

    /// A call of `awsJson1_0`.
    pub(super) fn json(target: &str, body: &Value) -> Self {
        let mut request = Self::post("application/x-amz-json-1.0", body.to_string());
        request.headers.push(("x-amz-target", target.to_owned()));
        request
    }

    /// A call of `restJson1` that only reads.
    pub(super) fn get(path: &str, members: &[(&str, Option<&str>)]) -> Self {
        let query = encoded(members);
        let separator = if query.is_empty() { "" } else { "?" };
        let path_and_query = format!("{path}{separator}{query}");
        Self { method: "GET", path_and_query, headers: Vec::new(), body: String::new() }
    }

    fn post(content_type: &str, body: String) -> Self {
        let headers =
            vec![("content-type", content_type.to_owned()), ("content-length", body.len().to_string())];
        Self { method: "POST", path_and_query: "/".into(), headers, body }
    }

    pub(super) fn to_http(&self) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(SdkBody::from(self.body.as_str()));
        request.set_method(self.method)?;
        request.set_uri(self.path_and_query.as_str())?;
        for (name, value) in &self.headers {
            request.headers_mut().try_insert(*name, value.clone())?;
        }
        request.headers_mut().try_insert("user-agent", USER_AGENT)?;
        Ok(request)
    }
}

/// Names and values for a form or a query.
fn encoded<'a>(members: impl IntoIterator<Item = &'a (&'a str, Option<&'a str>)>) -> String {
    let given = members.into_iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let pairs = given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    pairs.collect::<Vec<_>>().join("&")
}

/// What answers are written in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// XML; a type of answers is an enum with one variant, the name of the root.
    Xml,
    /// JSON.
    Json,
}

impl Format {
    /// A whole answer.
    pub(super) fn read<T: DeserializeOwned>(self, body: &[u8]) -> Result<T, BoxError> {
        match self {
            Self::Xml => Ok(quick_xml::de::from_str(std::str::from_utf8(body)?)?),
            Self::Json => Ok(serde_json::from_slice(body)?),
        }
    }

    /// Code and message of an answer that is an error, as far as they can be read.
    pub(super) fn refusal(self, headers: &Headers, body: &[u8]) -> ErrorMetadata {
        match self {
            Self::Xml => self.read::<Refusal>(body).unwrap_or_default().into_metadata(),
            Self::Json => {
                json_error::metadata(serde_json::from_slice(body).ok().as_ref(), headers.get(ERROR_TYPE))
            }
        }
    }
}

/// An error of a query protocol: EC2's stands in a list of errors.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    error: Option<Reason>,
    errors: Option<Reasons>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reasons {
    #[serde(default)]
    error: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

impl Refusal {
    fn into_metadata(self) -> ErrorMetadata {
        let listed = self.errors.and_then(|reasons| reasons.error.into_iter().next());
        let Some(Reason { code, message }) = self.error.or(listed) else {
            return ErrorMetadata::default();
        };
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        if let Some(message) = message {
            metadata = metadata.message(message);
        }
        metadata.build()
    }
}

#[cfg(test)]
mod tests;
