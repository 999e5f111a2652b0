//! What a message of the queue announces.
//!
//! S3 event notifications, as they come from S3 itself or through SNS.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>

use serde::Deserialize;
use serde_json::Value;

/// An object that was announced or listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) bucket: String,
    pub(super) key: String,
    /// Without quotes. Not every store tells it.
    pub(super) e_tag: Option<String>,
    pub(super) size_bytes: Option<u64>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: Option<S3>,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(rename = "eTag")]
    e_tag: Option<String>,
    size: Option<u64>,
}

/// The objects that a message announces; none for S3's test message and for events that create nothing.
///
/// # Errors
/// A sentence: why the message cannot be read.
pub(super) fn announced(body: &str) -> Result<Vec<Announced>, String> {
    let message: Value =
        serde_json::from_str(body).map_err(|error| format!("the message is no JSON: {error}"))?;
    if message.get("Type").and_then(Value::as_str) == Some("Notification") {
        let inner = message.get("Message").and_then(Value::as_str);
        let inner = inner.ok_or("the notification of SNS has no message")?;
        let inner =
            serde_json::from_str(inner).map_err(|error| format!("the message is no JSON: {error}"))?;
        return objects_of(inner);
    }
    objects_of(message)
}

fn objects_of(mut message: Value) -> Result<Vec<Announced>, String> {
    if message.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records =
        message.get_mut("Records").map(Value::take).ok_or("the message is no event notification of S3")?;
    let records: Vec<Record> =
        serde_json::from_value(records).map_err(|error| format!("a record cannot be read: {error}"))?;
    records
        .into_iter()
        .filter(|record| {
            let name = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
            name.starts_with("ObjectCreated:")
        })
        .map(|record| {
            let S3 { bucket, object } = record.s3.ok_or("a record names no object")?;
            let key = key_from_event(&object.key).ok_or("a key is not encoded as S3 does")?;
            let e_tag = object.e_tag.map(|e_tag| e_tag.trim_matches('"').to_owned());
            Ok(Announced { bucket: bucket.name, key, e_tag, size_bytes: object.size })
        })
        .collect()
}

/// A key as it is; events carry it as an HTML form does: `+` for a blank, and `%` before hexadecimal bytes.
fn key_from_event(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut key = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        key.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(key).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shortened from the example of AWS's page.
    const EVENT: &str = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-west-2",
        "eventTime":"1970-01-01T00:00:00.000Z","eventName":"ObjectCreated:Put",
        "s3":{"s3SchemaVersion":"1.0","configurationId":"testConfigRule",
        "bucket":{"name":"amzn-s3-demo-bucket","arn":"arn:aws:s3:::amzn-s3-demo-bucket"},
        "object":{"key":"HappyFace.jpg","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e",
        "versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}]}"#;

    fn happy_face() -> Announced {
        Announced {
            bucket: "amzn-s3-demo-bucket".to_owned(),
            key: "HappyFace.jpg".to_owned(),
            e_tag: Some("d41d8cd98f00b204e9800998ecf8427e".to_owned()),
            size_bytes: Some(1024),
        }
    }

    #[test]
    fn a_notification_announces_its_objects() {
        assert_eq!(announced(EVENT), Ok(vec![happy_face()]));
        let by_sns = serde_json::json!({"Type": "Notification", "MessageId": "m", "Message": EVENT});
        assert_eq!(announced(&by_sns.to_string()), Ok(vec![happy_face()]));
        let removed = EVENT.replace("ObjectCreated:Put", "ObjectRemoved:Delete");
        assert_eq!(announced(&removed), Ok(vec![]));
    }

    #[test]
    fn the_test_message_announces_nothing() {
        let body = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b"}"#;
        assert_eq!(announced(body), Ok(vec![]));
    }

    #[test]
    fn keys_are_decoded() {
        let key = |text: &str| key_from_event(text);
        assert_eq!(key("red+flower.jpg").as_deref(), Some("red flower.jpg"));
        assert_eq!(key("2026/01/a%2Bb%3D%C3%A9+%25").as_deref(), Some("2026/01/a+b=é %"));
        for bad in ["", "%", "%4", "%zz", "%ff", "a%2"] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_notification_says_why() {
        for bad in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"Type":"Notification"}"#,
            r#"{"Type":"Notification","Message":"x"}"#,
            r#"{"Records":{}}"#,
            r#"{"Records":[{"eventName":"ObjectCreated:Put"}]}"#,
            r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%"}}}]}"#,
        ] {
            let error = announced(bad).unwrap_err();
            assert!(!error.is_empty(), "{bad}");
        }
    }
}
