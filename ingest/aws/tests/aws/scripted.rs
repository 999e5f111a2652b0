//! What an attempt does when the service refuses, breaks off, stalls or has another time.

use std::{sync::Arc, time::Duration};

use airshed_aws::{Aws, AwsConfig};
use airshed_collect::{
    CallErrorKind, Clock, Cloud, Scope,
    cloud::{MetricEntry, MetricQuery, MetricRequest, ServiceList},
};
use aws_smithy_types::{DateTime, date_time::Format};
use object_store::CredentialProvider;

use crate::{
    Now, environment,
    server::{Reply, Request, Server},
};

const MANAGEMENT: &str = "arn:aws:iam::999988887777:role/airshed/airshed-management";

/// A session token as STS gives them: long.
fn token(number: usize) -> String {
    format!("FwoGZXIvYXdzEJr//////////wEaDGV4YW1wbGUxMjM0NTY3ODkwYWJjZGVmZ2hpamtsbW5vcA{number}")
}

fn issued(number: usize) -> Reply {
    let token = token(number);
    ok(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>session-secret</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ))
}

pub(crate) fn ok(body: String) -> Reply {
    Reply::Answer(200, None, body)
}

/// A refusal in the words of EC2 and in those of STS.
fn refused(status: u16, code: &str, message: &str) -> Reply {
    let error = format!("<Code>{code}</Code><Message>{message}</Message>");
    Reply::Answer(
        status,
        None,
        format!("<Response><Errors><Error>{error}</Error></Errors><RequestID>1</RequestID></Response>"),
    )
}

fn refused_by_sts(code: &str) -> Reply {
    Reply::Answer(
        403,
        None,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        ),
    )
}

fn no_volumes() -> String {
    "<DescribeVolumesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><volumeSet/></DescribeVolumesResponse>"
        .to_owned()
}

pub(crate) fn config() -> AwsConfig {
    AwsConfig {
        external_id: Some("airshed-7f3c".into()),
        member_role: Some("airshed/airshed-collector".into()),
        attempt_timeout: Duration::from_millis(500),
        ..AwsConfig::of_collector("pod 1")
    }
}

/// AWS as the server plays it: it issues sessions, and answers all else as `reply` says.
pub(crate) async fn aws(
    config: AwsConfig,
    reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (Aws, Server) {
    let server =
        Server::start(
            move |request, before| {
                if request.is("AssumeRole") { issued(before) } else { reply(request, before) }
            },
        );
    let aws = Aws::over(&environment(&server.url).await, config, Arc::new(Now)).unwrap();
    (aws, server)
}

async fn volumes(aws: &Aws, account: &str) -> Result<usize, airshed_collect::CallError> {
    let scope = Scope { account: account.into(), region: "us-east-2".into() };
    aws.listed_resources(&scope, ServiceList::Ec2Volumes, None).await.map(|page| page.items.len())
}

#[tokio::test]
async fn a_role_is_assumed_once_with_external_id_and_session_name() {
    let (aws, server) = aws(config(), |_, _| ok(no_volumes())).await;
    for _ in 0..3 {
        assert_eq!(volumes(&aws, "111122223333").await.unwrap(), 0);
    }
    let requests = server.requests();
    let actions: Vec<_> = requests.iter().map(|request| request.is("AssumeRole")).collect();
    assert_eq!(actions, [true, false, false, false]);
    let assume = &requests[0];
    assert!(
        assume
            .body
            .contains("RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fairshed%2Fairshed-collector")
    );
    assert!(assume.body.contains("&RoleSessionName=airshed-pod-1&"));
    assert!(assume.body.contains("&ExternalId=airshed-7f3c"));
    // The regional endpoint's region, with the collector's own keys; then the scope's, with the session's.
    assert!(assume.header("authorization").unwrap().contains("AKIAOWN/") && assume.key() == "AKIAOWN");
    assert!(assume.header("authorization").unwrap().contains("/eu-west-1/sts/aws4_request"));
    assert!(requests[1].header("authorization").unwrap().contains("/us-east-2/ec2/aws4_request"));
    assert_eq!(requests[1].key(), "ASIA0");
    assert_eq!(requests[1].header("x-amz-security-token"), Some(token(0).as_str()));
}

#[tokio::test]
async fn accounts_are_entered_through_the_hops() {
    let hops = vec![MANAGEMENT.to_owned()];
    let management_role = Some(MANAGEMENT.to_owned());
    let (aws, server) = aws(AwsConfig { hops, management_role, ..config() }, |_, _| ok(no_volumes())).await;
    volumes(&aws, "111122223333").await.unwrap();
    volumes(&aws, "444455556666").await.unwrap();
    let assumed: Vec<_> =
        server.requests().iter().filter(|r| r.is("AssumeRole")).map(|r| r.key().to_owned()).collect();
    assert_eq!(assumed, ["AKIAOWN", "ASIA0", "ASIA0"]);
    // The management role is a hop itself: no further session for it.
    let credential = aws.object_credentials(Some(MANAGEMENT)).get_credential().await.unwrap();
    assert_eq!((credential.key_id.as_str(), credential.token.as_ref()), ("ASIA0", Some(&token(0))));
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn one_call_is_one_attempt() {
    for (status, code, kind) in [
        (503, "RequestLimitExceeded", CallErrorKind::Throttled),
        (500, "InternalError", CallErrorKind::Transient),
        (403, "UnauthorizedOperation", CallErrorKind::Denied),
        (400, "InvalidParameterValue", CallErrorKind::Invalid),
    ] {
        let (aws, server) = aws(config(), move |_, _| refused(status, code, "said so")).await;
        let error = volumes(&aws, "111122223333").await.unwrap_err();
        assert_eq!((error.kind, error.message), (kind, format!("{code}: said so")));
        assert_eq!(error.call, "DescribeVolumes in 111122223333, us-east-2");
        assert_eq!(server.requests().len(), 2, "{code}");
    }
}

#[tokio::test]
async fn answers_that_break_off_or_never_come_are_transient() {
    for reply in [Reply::CutAfter(no_volumes()), Reply::Stall, ok("<html>bad gateway</html>".into())] {
        let played = reply.clone();
        let (aws, server) = aws(config(), move |_, _| played.clone()).await;
        let error = volumes(&aws, "111122223333").await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Transient, "{reply:?} {error}");
        assert_eq!(server.requests().len(), 2);
    }
    let nobody = Aws::over(&environment("http://127.0.0.1:1").await, config(), Arc::new(Now)).unwrap();
    assert_eq!(volumes(&nobody, "111122223333").await.unwrap_err().kind, CallErrorKind::Transient);
}

#[tokio::test]
async fn an_expired_session_is_renewed_for_the_next_attempt() {
    let (aws, server) = aws(config(), |request, _| match request.key() {
        "ASIA0" => refused(400, "RequestExpired", "Request has expired."),
        _ => ok(no_volumes()),
    })
    .await;
    let error = volumes(&aws, "111122223333").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Expired);
    assert_eq!(volumes(&aws, "111122223333").await.unwrap(), 0);
    let keys: Vec<_> = server.requests().iter().map(|request| request.key().to_owned()).collect();
    assert_eq!(keys, ["AKIAOWN", "ASIA0", "AKIAOWN", "ASIA2"]);
}

#[tokio::test]
async fn a_denied_role_is_named_with_what_to_mend() {
    let server = Server::start(|_, _| refused_by_sts("AccessDenied"));
    let aws = Aws::over(&environment(&server.url).await, config(), Arc::new(Now)).unwrap();
    let error = volumes(&aws, "111122223333").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Denied);
    assert_eq!(error.call, "AssumeRole of arn:aws:iam::111122223333:role/airshed/airshed-collector");
    assert!(error.message.starts_with("AccessDenied: no; mend: the role must exist"), "{}", error.message);
    let stored = aws.object_credentials(Some(MANAGEMENT)).get_credential().await.unwrap_err();
    assert!(matches!(stored, object_store::Error::Unauthenticated { path, .. } if path == MANAGEMENT));
}

/// The service's clock is twenty minutes ahead: the first request is refused, and the next one, of another account and
/// with other keys, is signed by the service's time.
#[tokio::test]
async fn a_clock_that_differs_is_made_up_for() {
    let ahead = jiff::SignedDuration::from_mins(20);
    let date = move || {
        let time = DateTime::from_secs((Now.now() + ahead).as_second());
        Some(time.fmt(Format::HttpDate).unwrap())
    };
    let (aws, server) = aws(config(), move |request, before| {
        let message = format!("The Canonical String should have been '{}'", token(before));
        match (refused(403, "SignatureDoesNotMatch", &message), ok(no_volumes())) {
            (Reply::Answer(status, _, body), _) if request.key() == "ASIA0" => {
                Reply::Answer(status, date(), body)
            }
            (_, Reply::Answer(status, _, body)) => Reply::Answer(status, date(), body),
            (_, other) => other,
        }
    })
    .await;
    let error = volumes(&aws, "111122223333").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transient);
    assert!(error.message.contains("the clock of this machine differs from the service's by 1"), "{error}");
    assert!(!error.message.contains("FwoG"), "{error}");

    volumes(&aws, "444455556666").await.unwrap();
    let requests = server.requests();
    let signed = |request: &Request| -> jiff::civil::DateTime {
        jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", request.header("x-amz-date").unwrap()).unwrap()
    };
    let (first, second) = (&requests[1], &requests[3]);
    assert!(!first.is("AssumeRole") && !second.is("AssumeRole"));
    let minutes = (signed(second) - signed(first)).total(jiff::Unit::Minute).unwrap();
    assert!((19.0..22.0).contains(&minutes), "{minutes}");
}

fn hour() -> MetricRequest {
    let metric = MetricEntry {
        namespace: "AWS/EC2".into(),
        metric: "CPUUtilization".into(),
        dimensions: [("InstanceId".to_owned(), "i-1".to_owned())].into(),
    };
    MetricRequest {
        queries: vec![MetricQuery { metric, statistic: "Average", period_s: 300 }],
        start: "2026-03-01T11:00:00Z".parse().unwrap(),
        end: "2026-03-01T12:00:00Z".parse().unwrap(),
    }
}

fn scope() -> Scope {
    Scope { account: "111122223333".into(), region: "us-east-2".into() }
}

/// The shapes are those of the service model in botocore 1.44, `cloudwatch/2010-08-01/service-2.json`.
#[tokio::test]
async fn cloudwatch_is_asked_in_json() {
    let metrics = r#"{"Metrics":[{"Namespace":"AWS/EC2","MetricName":"CPUUtilization",
                      "Dimensions":[{"Name":"InstanceId","Value":"i-1"}]}],"NextToken":"more"}"#;
    let data = r#"{"MetricDataResults":[{"Id":"q0","Label":"CPUUtilization","StatusCode":"Complete",
                   "Timestamps":[1772362800,1772363100.5],"Values":[12,0.5]}],"Messages":[],"NextToken":""}"#;
    let (aws, server) = aws(config(), move |request, _| {
        ok(if request.header("x-amz-target").unwrap().ends_with("ListMetrics") { metrics } else { data }
            .into())
    })
    .await;
    let page = aws.metrics(&scope(), "AWS/EC2", Some("page")).await.unwrap();
    assert_eq!((page.items, page.next.as_deref()), (vec![hour().queries[0].metric.clone()], Some("more")));
    let page = aws.metric_data(&scope(), &hour(), None).await.unwrap();
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let values = vec![(time("2026-03-01T11:00:00Z"), 12.0), (time("2026-03-01T11:05:00.5Z"), 0.5)];
    assert_eq!((page.items[0].query, &page.items[0].values, page.next), (0, &values, None));

    let requests = server.requests();
    let targets: Vec<_> =
        requests[1..].iter().map(|request| request.header("x-amz-target").unwrap()).collect();
    assert_eq!(
        targets,
        ["GraniteServiceVersion20100801.ListMetrics", "GraniteServiceVersion20100801.GetMetricData"]
    );
    assert_eq!(requests[1].header("content-type"), Some("application/x-amz-json-1.0"));
    assert_eq!(requests[1].body, r#"{"Namespace":"AWS/EC2","NextToken":"page"}"#);
    let authorization = requests[2].header("authorization").unwrap();
    assert!(
        authorization.contains("/us-east-2/monitoring/aws4_request")
            && authorization.contains("x-amz-target")
    );
    let body: serde_json::Value = serde_json::from_str(&requests[2].body).unwrap();
    let expected = serde_json::json!({
        "MetricDataQueries": [{"Id": "q0", "MetricStat": {"Metric": {"Namespace": "AWS/EC2",
            "MetricName": "CPUUtilization", "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}]},
            "Period": 300, "Stat": "Average"}}],
        "StartTime": 1_772_362_800, "EndTime": 1_772_366_400, "ScanBy": "TimestampAscending",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn cloudwatchs_refusals_are_told_apart() {
    for (status, body, kind, message) in [
        (
            400,
            r#"{"__type":"com.amazonaws.cloudwatch#ThrottlingException","message":"Rate exceeded"}"#,
            CallErrorKind::Throttled,
            "ThrottlingException: Rate exceeded",
        ),
        (
            400,
            r#"{"__type":"ExpiredTokenException:","Message":"The security token is expired"}"#,
            CallErrorKind::Expired,
            "ExpiredTokenException: The security token is expired",
        ),
        (403, r#"{"__type":"AccessDeniedException"}"#, CallErrorKind::Denied, "AccessDeniedException"),
        (503, "<html>", CallErrorKind::Transient, "HTTP 503: "),
        (404, "<html>", CallErrorKind::Invalid, "HTTP 404: "),
        (200, "<html>", CallErrorKind::Transient, "HTTP 200, but the answer broke off"),
        (
            200,
            r#"{"MetricDataResults":[{"Values":["x"]}]}"#,
            CallErrorKind::Transient,
            "HTTP 200, but the answer",
        ),
    ] {
        let (aws, _server) = aws(config(), move |_, _| Reply::Answer(status, None, body.into())).await;
        let error = aws.metric_data(&scope(), &hour(), None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn without_a_role_only_the_own_account_is_entered() {
    let identity = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:role/runner</Arn><UserId>u</UserId>\
                    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let server = Server::start(|request, _| {
        ok(if request.body.contains("GetCallerIdentity") { identity.into() } else { no_volumes() })
    });
    let aws =
        Aws::over(&environment(&server.url).await, AwsConfig::of_collector("c"), Arc::new(Now)).unwrap();
    assert_eq!(volumes(&aws, "123456789012").await.unwrap(), 0);
    let error = volumes(&aws, "111122223333").await.unwrap_err();
    assert_eq!((error.kind, error.call.as_str()), (CallErrorKind::Invalid, "account 111122223333"));
    assert_eq!(aws.identity().await.unwrap().arn, "arn:aws:iam::123456789012:role/runner");
    let keys: Vec<_> = server.requests().iter().map(|request| request.key().to_owned()).collect();
    assert_eq!(keys, ["AKIAOWN", "AKIAOWN"]);
}
