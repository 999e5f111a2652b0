//! Signatures of AWS, calculated a second time and by other code than the SDK's, from what arrived at a server.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::server::Request;

/// What a request says of its signature.
pub(crate) struct Signed {
    /// Region and service.
    pub(crate) scope: (String, String),
    /// Names of the headers that are signed.
    pub(crate) headers: Vec<String>,
    /// The signature that it carries.
    pub(crate) signature: String,
    /// The signature that it should carry.
    pub(crate) expected: String,
}

impl Signed {
    /// Path and query must be in canonical form already: names and values encoded, names in order.
    pub(crate) fn new(request: &Request, secret: &str) -> Self {
        let authorization = request.header("authorization").unwrap();
        let part = |name: &str| {
            let (_, rest) = authorization.split_once(name).unwrap();
            rest.split(", ").next().unwrap()
        };
        let (names, credential) = (part("SignedHeaders="), part("Credential="));
        let [_, date, region, service, end] = credential.split('/').collect::<Vec<_>>().try_into().unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 ") && end == "aws4_request", "{authorization}");

        let [method, target, _] = request.first_line().split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut canonical = format!("{method}\n{path}\n{query}\n");
        for name in names.split(';') {
            writeln!(canonical, "{name}:{}", request.header(name).unwrap()).unwrap();
        }
        write!(canonical, "\n{names}\n{}", hex(&hash(request.body.as_bytes()))).unwrap();

        let time = request.header("x-amz-date").unwrap();
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&hash(canonical.as_bytes())));
        let first = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
        let key = [region, service, end].iter().fold(first, |key, part| hmac(&key, part.as_bytes()));
        Self {
            scope: (region.to_owned(), service.to_owned()),
            headers: names.split(';').map(str::to_owned).collect(),
            signature: part("Signature=").to_owned(),
            expected: hex(&hmac(&key, text.as_bytes())),
        }
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// RFC 2104 with SHA-256, for keys that are not longer than its block.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| -> Vec<u8> {
        (0..64).map(|index| key.get(index).copied().unwrap_or_default() ^ pad).collect()
    };
    hash(&[padded(0x5c), hash(&[&padded(0x36), text].concat()).to_vec()].concat())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// AWS's own example: its request, key and signature.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>, formerly
/// "Task 1: Create a canonical request" and following of the General Reference.
#[test]
fn the_published_example_comes_out() {
    let head = "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\r\n\
                content-type: application/x-www-form-urlencoded; charset=utf-8\r\nhost: iam.amazonaws.com\r\n\
                x-amz-date: 20150830T123600Z\r\nauthorization: AWS4-HMAC-SHA256 \
                Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, \
                Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\r\n";
    let signed = Signed::new(&Request::new(head, ""), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    assert_eq!(signed.expected, signed.signature);
}
