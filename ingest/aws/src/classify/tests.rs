//! Codes as the services spell them.

use aws_smithy_runtime_api::{client::result::ConnectorError, http::StatusCode};
use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

use super::*;

/// A modelled error of some service.
#[derive(Debug)]
struct Modelled(ErrorMetadata);

impl std::fmt::Display for Modelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("service error")
    }
}

impl Error for Modelled {}

impl ProvideErrorMetadata for Modelled {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn answered(status: u16, code: &str, message: &str, date: &str) -> CallError {
    let mut raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
    raw.headers_mut().insert("date", date.to_owned());
    let mut meta = ErrorMetadata::builder();
    if !code.is_empty() {
        meta = meta.code(code);
    }
    if !message.is_empty() {
        meta = meta.message(message);
    }
    call_error("ListThings in 1, r", &SdkError::service_error(Modelled(meta.build()), raw), now())
}

fn kind(status: u16, code: &str) -> CallErrorKind {
    answered(status, code, "said", "Sun, 01 Mar 2026 12:00:00 GMT").kind
}

#[test]
fn kinds_follow_from_codes() {
    use CallErrorKind::{Denied, Expired, Invalid, Throttled, Transient};
    for (status, code, expected) in [
        // CloudWatch, STS, RDS
        (400, "Throttling", Throttled),
        (400, "RequestLimitExceeded", Throttled),
        (400, "LimitExceeded", Throttled),
        // Organizations, Lambda, tagging, DynamoDB, Config, SQS
        (400, "TooManyRequestsException", Throttled),
        (429, "TooManyRequestsException", Throttled),
        (400, "ThrottledException", Throttled),
        (400, "ThrottlingException", Throttled),
        (400, "LimitExceededException", Throttled),
        (400, "ProvisionedThroughputExceededException", Throttled),
        (403, "RequestThrottled", Throttled),
        (400, "OverLimit", Throttled),
        // EC2 and S3
        (503, "Client.RequestLimitExceeded", Throttled),
        (503, "EC2ThrottledException", Throttled),
        (503, "SlowDown", Throttled),
        (429, "", Throttled),
        (500, "InternalFailure", Transient),
        (400, "InternalServiceError", Transient),
        (503, "ServiceUnavailable", Transient),
        (500, "Whatever", Transient),
        (502, "", Transient),
        (400, "RequestTimeout", Transient),
        (408, "", Transient),
        (403, "RequestTimeTooSkewed", Transient),
        (403, "ExpiredToken", Expired),
        (400, "ExpiredTokenException", Expired),
        (400, "RequestExpired", Expired),
        (400, "TokenRefreshRequired", Expired),
        (403, "AccessDenied", Denied),
        (400, "AccessDeniedException", Denied),
        (400, "AccessDeniedForDependencyException", Denied),
        (403, "UnauthorizedOperation", Denied),
        (401, "AuthFailure", Denied),
        (403, "OptInRequired", Denied),
        (403, "SubscriptionRequiredException", Denied),
        (403, "InvalidClientTokenId", Denied),
        (400, "UnrecognizedClientException", Denied),
        (403, "SignatureDoesNotMatch", Denied),
        (403, "RegionDisabledException", Denied),
        (403, "", Denied),
        (401, "", Denied),
        (400, "ValidationError", Invalid),
        (400, "InvalidNextToken", Invalid),
        (400, "AWSOrganizationsNotInUseException", Invalid),
        (404, "ResourceNotFoundException", Invalid),
        (400, "", Invalid),
        (200, "", Transient),
        (501, "", Invalid),
    ] {
        assert_eq!(kind(status, code), expected, "{status} {code}");
    }
}

#[test]
fn a_refused_signature_is_put_down_to_the_clock_where_the_clock_is_wrong() {
    let on_time = "Sun, 01 Mar 2026 12:03:59 GMT";
    let off = "Sun, 01 Mar 2026 12:20:00 GMT";
    for code in ["SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", "AccessDenied"] {
        assert_eq!(answered(403, code, "no", on_time).kind, CallErrorKind::Denied, "{code}");
        let skewed = answered(403, code, "no", off);
        assert_eq!(skewed.kind, CallErrorKind::Transient, "{code}");
        assert!(skewed.message.contains("differs from the service's by 1200 s"), "{}", skewed.message);
    }
    let told =
        answered(403, "SignatureDoesNotMatch", "Signature expired: 20260301T1 is now earlier than 2", "x");
    assert_eq!(told.kind, CallErrorKind::Transient);
    assert_eq!(answered(403, "OptInRequired", "no", off).kind, CallErrorKind::Denied);
}

#[test]
fn what_never_was_an_answer_is_tried_again() {
    let failed = |error: SdkError<Modelled, HttpResponse>| call_error("Call", &error, now());
    let io = || std::io::Error::other("connection reset by peer");
    let cut = failed(SdkError::dispatch_failure(ConnectorError::io(Box::new(io()))));
    assert_eq!(cut.kind, CallErrorKind::Transient);
    assert!(cut.message.ends_with("connection reset by peer"), "{}", cut.message);
    assert_eq!(failed(SdkError::timeout_error("stalled")).kind, CallErrorKind::Transient);
    for (status, kind) in
        [(200, CallErrorKind::Transient), (403, CallErrorKind::Denied), (404, CallErrorKind::Invalid)]
    {
        let raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        assert_eq!(failed(SdkError::response_error(io(), raw)).kind, kind, "{status}");
    }
    let wordless = answered(502, "", "", "Sun, 01 Mar 2026 12:00:00 GMT");
    assert_eq!(wordless.message, "HTTP 502: service error");
    assert_eq!(failed(SdkError::construction_failure("no")).kind, CallErrorKind::Invalid);
    let user = ConnectorError::user("no such scheme".into());
    assert_eq!(failed(SdkError::dispatch_failure(user)).kind, CallErrorKind::Invalid);
}

/// Text after S3's and IAM's: what is wrong with a signature repeats the request.
#[test]
fn messages_hold_no_credentials() {
    let token = "FwoGZXIvYXdzEJr//////////wEaDGV4YW1wbGUxMjM0NTY3ODkwYWJjZGVmZ2hpamtsbW5vcA==";
    let date = "Sun, 01 Mar 2026 12:00:00 GMT";
    let signature = format!(
        "The request signature we calculated does not match the signature you provided. The Canonical String for \
         this request should have been 'POST\n/\n\nx-amz-security-token:{token}'"
    );
    let error = answered(403, "SignatureDoesNotMatch", &signature, date);
    let expected = "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided";
    assert_eq!(error.message, expected);

    for message in [format!("token {token} is wrong"), format!("{{\"t\":\"{token}\"}}"), token.to_owned()] {
        let error = answered(400, "ValidationError", &message, date);
        assert!(!error.message.contains("FwoG") && error.message.contains("***"), "{}", error.message);
    }
    let plain = "User: arn:aws:sts::111122223333:assumed-role/airshed-collector/airshed-Host-1 is not authorized to \
                 perform: ec2:DescribeInstances because no identity-based policy allows the action";
    assert_eq!(answered(403, "AccessDenied", plain, date).message, format!("AccessDenied: {plain}"));
}
