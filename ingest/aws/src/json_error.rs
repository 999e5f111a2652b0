//! Errors of services that answer in JSON.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>.

use aws_smithy_types::error::ErrorMetadata;
use serde_json::Value;

/// Code and message of an error, as far as they can be read. What a header says of the code goes before the body.
pub(crate) fn metadata(body: Option<&Value>, header: Option<&str>) -> ErrorMetadata {
    let text = |names: &[&str]| names.iter().find_map(|name| body?[name].as_str());
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = header.or_else(|| text(&["code", "__type"])) {
        metadata = metadata.code(bare(code));
    }
    if let Some(message) = text(&["message", "Message", "errorMessage"]) {
        metadata = metadata.message(message);
    }
    metadata.build()
}

/// A code without its namespace, and without the URL or the name of the guilty that follows it.
fn bare(code: &str) -> &str {
    let code = code.split([':', ';']).next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The spellings are those of the protocol's page.
    #[test]
    fn codes_are_found_wherever_they_stand() {
        let url = "FooError:http://internal.amazon.com/coral/com.amazon.coral.validate/";
        for (body, header) in [
            (json!({ "__type": "FooError" }), None),
            (json!({ "__type": "aws.protocoltests.restjson#FooError" }), None),
            (json!({ "code": url }), None),
            (json!({ "__type": "Other" }), Some("FooError")),
            (json!({}), Some("aws.protocoltests.restjson#FooError:http://internal.amazon.com/")),
            (json!([1]), Some("FooError;Sender")),
        ] {
            assert_eq!(metadata(Some(&body), header).code(), Some("FooError"), "{body} {header:?}");
        }
        assert_eq!(metadata(None, None), ErrorMetadata::default());
        let capital = json!({ "__type": "FooError", "Message": "said" });
        assert_eq!(metadata(Some(&capital), None).message(), Some("said"));
    }
}
