//! The services' own lists over HTTP: their requests as they arrive, their signatures, their refusals.

use std::time::Duration;

use airshed_aws::{Aws, AwsConfig};
use airshed_collect::{
    CallErrorKind, Cloud, Scope,
    cloud::{Answer, Page, ResourceEntry, ServiceList},
};

use crate::{
    scripted::{aws, config, ok},
    server::{Reply, Request},
    signature::Signed,
};

const NONE: [(ServiceList, &str); 5] = [
    (ServiceList::Ec2Instances, "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"),
    (ServiceList::Ec2Volumes, "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>"),
    (
        ServiceList::RdsInstances,
        "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances/></DescribeDBInstancesResult>\
         </DescribeDBInstancesResponse>",
    ),
    (ServiceList::LambdaFunctions, r#"{"Functions":[]}"#),
    (ServiceList::DynamoDbTables, r#"{"TableNames":[]}"#),
];

async fn list(aws: &Aws, list: ServiceList, next: Option<&str>) -> Answer<Page<ResourceEntry>> {
    let scope = Scope { account: "111122223333".into(), region: "us-east-2".into() };
    aws.listed_resources(&scope, list, next).await
}

/// What a request asks for; the members of a form in the order of their names.
fn asked(request: &Request) -> String {
    let mut members: Vec<_> = request.body.split('&').collect();
    members.sort_unstable();
    format!("{} {}", request.first_line().trim_end_matches(" HTTP/1.1"), members.join("&"))
}

/// Each list, the service that signs, and the requests for its first page and for that of the token `a+b/ c=`. They are
/// those of the SDK's clients of the four services, as of November 2026.
const ASKED: [(&str, &str, &str); 5] = [
    (
        "ec2",
        "POST / Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=pending&\
         Filter.1.Value.2=running&Filter.1.Value.3=shutting-down&Filter.1.Value.4=stopping&\
         Filter.1.Value.5=stopped&MaxResults=500&Version=2016-11-15",
        "POST / Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=pending&\
         Filter.1.Value.2=running&Filter.1.Value.3=shutting-down&Filter.1.Value.4=stopping&\
         Filter.1.Value.5=stopped&MaxResults=500&NextToken=a%2Bb%2F%20c%3D&Version=2016-11-15",
    ),
    (
        "ec2",
        "POST / Action=DescribeVolumes&MaxResults=500&Version=2016-11-15",
        "POST / Action=DescribeVolumes&MaxResults=500&NextToken=a%2Bb%2F%20c%3D&Version=2016-11-15",
    ),
    (
        "rds",
        "POST / Action=DescribeDBInstances&MaxRecords=100&Version=2014-10-31",
        "POST / Action=DescribeDBInstances&Marker=a%2Bb%2F%20c%3D&MaxRecords=100&Version=2014-10-31",
    ),
    ("lambda", "GET /2015-03-31/functions ", "GET /2015-03-31/functions?Marker=a%2Bb%2F%20c%3D "),
    ("dynamodb", r#"POST / {"Limit":100}"#, r#"POST / {"ExclusiveStartTableName":"a+b/ c=","Limit":100}"#),
];

#[tokio::test]
async fn requests_are_in_the_words_of_their_services_and_signed() {
    for ((kind, none), (service, first, second)) in NONE.into_iter().zip(ASKED) {
        let (aws, server) = aws(config(), move |_, _| ok(none.into())).await;
        for next in [None, Some("a+b/ c=")] {
            let page = list(&aws, kind, next).await.unwrap();
            assert_eq!((page.items.len(), page.next), (0, None));
        }
        let requests = server.requests();
        assert_eq!(requests[1..].iter().map(asked).collect::<Vec<_>>(), [first, second]);
        for request in &requests[1..] {
            let signed = Signed::new(request, "session-secret");
            assert_eq!(signed.signature, signed.expected, "{request:?}");
            assert_eq!(signed.scope, ("us-east-2".to_owned(), service.to_owned()));
            for name in ["host", "x-amz-date", "x-amz-security-token"] {
                assert!(
                    signed.headers.iter().any(|header| header == name),
                    "{name} is not signed: {request:?}"
                );
            }
            assert!(request.header("user-agent").unwrap().starts_with("airshed/"));
        }
    }
    let (aws, server) = aws(config(), move |_, _| ok(NONE[4].1.into())).await;
    list(&aws, ServiceList::DynamoDbTables, None).await.unwrap();
    let request = &server.requests()[1];
    assert_eq!(request.header("content-type"), Some("application/x-amz-json-1.0"));
    assert_eq!(request.header("x-amz-target"), Some("DynamoDB_20120810.ListTables"));
    assert!(Signed::new(request, "session-secret").headers.contains(&"x-amz-target".to_owned()));
}

/// Each service's words for the same refusals.
/// Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>, the pages "Common Errors" of
/// RDS, Lambda and DynamoDB, and <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>.
#[tokio::test]
async fn refusals_are_told_apart_in_every_protocol() {
    use CallErrorKind::{Denied, Expired, Throttled, Transient};
    let ec2 = |code: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>said &lt;so&gt;</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID>\
             </Response>"
        )
    };
    let rds = |code: &str| {
        format!(
            "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\n  <Error>\n    <Type>Sender</Type>\n    \
             <Code>{code}</Code>\n    <Message>said &lt;so&gt;</Message>\n  </Error>\n  \
             <RequestId>5f1a8f4b-example</RequestId>\n</ErrorResponse>"
        )
    };
    let lambda = |code: &str| format!(r#"{{"__type":"{code}","Message":"said <so>","Type":"User"}}"#);
    let dynamodb =
        |code: &str| format!(r#"{{"__type":"com.amazon.coral.service#{code}","message":"said <so>"}}"#);
    for (kind, status, code, body, expected) in [
        (ServiceList::Ec2Instances, 503, "RequestLimitExceeded", ec2("RequestLimitExceeded"), Throttled),
        (ServiceList::Ec2Instances, 400, "RequestExpired", ec2("RequestExpired"), Expired),
        (ServiceList::Ec2Volumes, 401, "AuthFailure", ec2("AuthFailure"), Denied),
        (ServiceList::Ec2Volumes, 500, "InternalError", ec2("InternalError"), Transient),
        (ServiceList::RdsInstances, 400, "Throttling", rds("Throttling"), Throttled),
        (ServiceList::RdsInstances, 403, "AccessDenied", rds("AccessDenied"), Denied),
        (ServiceList::RdsInstances, 403, "ExpiredToken", rds("ExpiredToken"), Expired),
        (
            ServiceList::LambdaFunctions,
            429,
            "TooManyRequestsException",
            lambda("TooManyRequestsException"),
            Throttled,
        ),
        (ServiceList::LambdaFunctions, 403, "AccessDeniedException", lambda("AccessDeniedException"), Denied),
        (ServiceList::LambdaFunctions, 500, "ServiceException", lambda("ServiceException"), Transient),
        (ServiceList::DynamoDbTables, 400, "ThrottlingException", dynamodb("ThrottlingException"), Throttled),
        (
            ServiceList::DynamoDbTables,
            400,
            "ExpiredTokenException",
            dynamodb("ExpiredTokenException"),
            Expired,
        ),
        (
            ServiceList::DynamoDbTables,
            400,
            "AccessDeniedException",
            dynamodb("AccessDeniedException"),
            Denied,
        ),
        (ServiceList::DynamoDbTables, 500, "InternalServerError", dynamodb("InternalServerError"), Transient),
    ] {
        let (aws, server) = aws(config(), move |_, _| Reply::Answer(status, None, body.clone())).await;
        let error = list(&aws, kind, None).await.unwrap_err();
        assert_eq!((error.kind, error.message), (expected, format!("{code}: said <so>")), "{kind:?}");
        assert_eq!(server.requests().len(), 2, "{code}: one attempt");
    }
}

/// What is no list of the kind that was asked for is no empty list.
#[tokio::test]
async fn what_cannot_be_read_is_tried_again() {
    for (kind, none) in NONE {
        let other = NONE.into_iter().find(|(other, _)| *other != kind).unwrap().1;
        let bodies = ["", "<html>bad gateway</html>", "{}", "[]", "null", other, &none[..none.len() - 1]];
        for body in bodies.map(str::to_owned) {
            for reply in [ok(body.clone()), Reply::CutAfter(body)] {
                let played = reply.clone();
                let (aws, server) = aws(config(), move |_, _| played.clone()).await;
                let error = list(&aws, kind, None).await.unwrap_err();
                assert_eq!(error.kind, CallErrorKind::Transient, "{kind:?} {reply:?}: {error}");
                assert_eq!(server.requests().len(), 2);
            }
        }
        let (aws, _server) = aws(config(), move |_, _| Reply::CutAfter(none.into())).await;
        assert_eq!(list(&aws, kind, None).await.unwrap_err().kind, CallErrorKind::Transient, "{kind:?}");
    }
}

/// Over 32 MiB. All that is too much is white space: the answer could be read.
#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let config = AwsConfig { attempt_timeout: Duration::from_mins(1), ..config() };
    let answer = r#"{"TableNames":[]}"#;
    let (aws, _server) = aws(config, move |request, _| {
        let is_long = request.body.contains("ExclusiveStartTableName");
        ok(format!("{answer}{}", " ".repeat(if is_long { 32 << 20 } else { 31 << 20 })))
    })
    .await;
    assert!(list(&aws, ServiceList::DynamoDbTables, None).await.unwrap().items.is_empty());
    let error = list(&aws, ServiceList::DynamoDbTables, Some("more")).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Transient, "{error}");
    assert!(error.message.contains("length limit exceeded"), "{error}");
}
