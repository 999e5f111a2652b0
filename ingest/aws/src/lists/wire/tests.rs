use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
use serde_json::json;

use super::*;

fn refusal(format: Format, header: Option<&'static str>, body: &str) -> (Option<String>, Option<String>) {
    let mut response = HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::empty());
    if let Some(value) = header {
        response.headers_mut().insert(ERROR_TYPE, value);
    }
    let refusal = format.refusal(response.headers(), body.as_bytes());
    (refusal.code().map(str::to_owned), refusal.message().map(str::to_owned))
}

fn said(code: &str, message: &str) -> (Option<String>, Option<String>) {
    (Some(code.to_owned()), Some(message.to_owned()))
}

/// The first is the example of
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>, the second that of
/// <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.
#[test]
fn errors_in_xml() {
    let ec2 = "<Response>\n    <Errors>\n         <Error>\n           <Code>InvalidInstanceID.Malformed</Code>\n           \
               <Message>Invalid id: \"i-&lt;1&gt;\"</Message>\n         </Error>\n    </Errors>\n    \
               <RequestID>ea966190-f9aa-478e-9ede-example</RequestID>\n</Response>";
    assert_eq!(refusal(Format::Xml, None, ec2), said("InvalidInstanceID.Malformed", "Invalid id: \"i-<1>\""));
    let query = "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\n  \
                 <Error>\n    <Type>Sender</Type>\n    <Code>InvalidGreeting</Code>\n    <Message>Hi</Message>\n    \
                 <AnotherSetting>setting</AnotherSetting>\n  </Error>\n  <RequestId>foo-id</RequestId>\n</ErrorResponse>";
    assert_eq!(refusal(Format::Xml, None, query), said("InvalidGreeting", "Hi"));
    for odd in
        ["", "<html><body>502</body></html>", "<Response><Errors/></Response>", "<Response><Errors>", "{}"]
    {
        assert_eq!(refusal(Format::Xml, None, odd), (None, None), "{odd}");
    }
}

#[test]
fn errors_in_json() {
    let body = r#"{"Message":"Rate exceeded","Type":"User"}"#;
    let header = "TooManyRequestsException:http://internal.amazon.com/coral/com.amazonaws.awsgirapi/";
    assert_eq!(refusal(Format::Json, Some(header), body), said("TooManyRequestsException", "Rate exceeded"));
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow"}"#;
    assert_eq!(refusal(Format::Json, None, body), said("ThrottlingException", "slow"));
    let code = Some("ServiceException".to_owned());
    assert_eq!(refusal(Format::Json, Some("ServiceException"), "<html>"), (code, None));
    for odd in ["", "<html>", "[1]", "null", r#"{"__type":1}"#] {
        assert_eq!(refusal(Format::Json, None, odd), (None, None), "{odd}");
    }
}

#[test]
fn values_are_encoded_as_signatures_want_them() {
    let request = Request::get("/path", &[("a", Some("~-._ +/=&*ü")), ("b", None), ("c", Some(""))]);
    assert_eq!(request.path_and_query, "/path?a=~-._%20%2B%2F%3D%26%2A%C3%BC&c=");
    assert_eq!(Request::get("/path", &[("b", None)]).path_and_query, "/path");
    let request = Request::query("Do", "1", &[("Token", None), ("Most", Some("5"))]).to_http().unwrap();
    assert_eq!(request.body().bytes(), Some(&b"Action=Do&Version=1&Most=5"[..]));
    assert_eq!(request.headers().get("content-length"), Some("26"));
    let request = Request::json("T.Do", &json!({ "Limit": 1 })).to_http().unwrap();
    assert_eq!((request.method(), request.uri()), ("POST", "/"));
    assert_eq!(request.headers().get("x-amz-target"), Some("T.Do"));
}
