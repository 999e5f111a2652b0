"""AWS's protocols as far as the proxy has to know them: which call a request is, and what a refusal of it looks like.

Sources: the protocol pages of https://smithy.io/2.0/aws/protocols/index.html and the pages "Common Errors" of each
service. CloudWatch is sent as CBOR by new SDKs, which moto does not know; it is turned into JSON and back (cbor.py).
"""

import gzip
import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from collect import cbor

CREDENTIAL = re.compile(r"Credential=([^/,&]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
TOKENS = (b"NextToken", b"nextToken", b"PaginationToken", b"Marker", b"ExclusiveStart")
# Code of each refusal by protocol, and its HTTP status.
REFUSALS = {
    "throttle": {
        "json": ("ThrottlingException", 400), "cbor": ("ThrottlingException", 400), "query": ("Throttling", 400),
        "ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503), "rest": ("TooManyRequestsException", 429),
    },
    "expired": {
        "json": ("ExpiredTokenException", 400), "cbor": ("ExpiredTokenException", 403), "query": ("ExpiredToken", 403),
        "ec2": ("RequestExpired", 400), "s3": ("ExpiredToken", 400), "rest": ("ExpiredTokenException", 403),
    },
    "denied": {
        "json": ("AccessDeniedException", 400), "cbor": ("AccessDeniedException", 403), "query": ("AccessDenied", 403),
        "ec2": ("UnauthorizedOperation", 403), "s3": ("AccessDenied", 403), "rest": ("AccessDeniedException", 403),
    },
    "skew": {
        "json": ("InvalidSignatureException", 400), "cbor": ("InvalidSignatureException", 403),
        "query": ("SignatureDoesNotMatch", 403), "ec2": ("AuthFailure", 401), "s3": ("RequestTimeTooSkewed", 403),
        "rest": ("InvalidSignatureException", 403),
    },
    "error": {
        "json": ("InternalFailure", 500), "cbor": ("InternalFailure", 500), "query": ("InternalFailure", 500),
        "ec2": ("InternalError", 500), "s3": ("InternalError", 500), "rest": ("ServiceException", 500),
    },
}  # fmt: skip
MESSAGES = {
    "throttle": "Rate exceeded",
    "expired": "The security token included in the request is expired",
    "denied": "User is not authorized to perform this action",
    "skew": "Signature expired: 20261122T000000Z is now earlier than 20261122T001500Z (20261122T002000Z - 5 min.)",
    "error": "We encountered an internal error. Please try again.",
}


@dataclass
class Request:
    """A request as it was read from the connection."""

    method: str
    target: str
    headers: dict
    body: bytes = b""
    service: str = ""
    region: str = ""
    access_key: str = ""
    action: str = ""
    protocol: str = ""
    parameters: dict = field(default_factory=dict)

    @property
    def has_token(self):
        """Whether it asks for a further page."""
        return self.service not in ("s3", "sqs", "sts") and any(token in self.body for token in TOKENS)

    @property
    def identity(self):
        """The same for every attempt of the same call."""
        return (self.access_key, self.region, self.action, self.method, self.target, self.body)


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


def recognise(request):
    """Fills in service, region, key, action, protocol and the parameters that matter."""
    query = urlsplit(request.target).query
    found = CREDENTIAL.search(request.headers.get("authorization", "") or unquote(query))
    if found:
        request.access_key, request.region, request.service = found.groups()
    target = request.headers.get("x-amz-target", "")
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        request.protocol, request.action = "cbor", request.target.rsplit("/", 1)[1]
        request.parameters = cbor.loads(body)
    elif target:
        request.protocol, request.action = "json", target.rsplit(".", 1)[1]
        request.parameters = json.loads(body or b"{}")
    elif form:
        request.parameters = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        request.protocol = "ec2" if request.service == "ec2" else "query"
        request.action = request.parameters.get("Action", "")
    elif request.service == "s3" or not request.service:
        request.protocol, request.action = "s3", s3_action(request)
    else:
        request.protocol, request.action = "rest", rest_action(request)
        if request.headers.get("content-type", "").startswith("application/json"):
            request.parameters = json.loads(body or b"{}")
    return request


def s3_action(request):
    parts = urlsplit(request.target)
    is_object = parts.path.strip("/").count("/") > 0
    if request.method == "GET" and not is_object:
        return "ListObjectsV2" if "list-type=2" in parts.query else "GetBucket"
    return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject"}.get(request.method, request.method)


def rest_action(request):
    path = urlsplit(request.target).path.strip("/")
    known = {"listRegions": "ListRegions", "v1/estimated-carbon-emissions": "GetEstimatedCarbonEmissions"}
    if request.service == "lambda" and path.startswith("2015-03-31/functions"):
        return "ListFunctions"
    return known.get(path, f"{request.method} {path}")


def refusal(request, kind):
    """What the service says when it refuses."""
    code, status = REFUSALS[kind][request.protocol]
    message = MESSAGES[kind]
    if request.protocol == "json":
        version = request.headers.get("content-type", "application/x-amz-json-1.1")
        headers = {"content-type": version}
        if request.headers.get("x-amzn-query-mode") == "true":
            headers["x-amzn-query-error"] = f"{REFUSALS[kind]['query'][0]};Sender"
        return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())
    if request.protocol == "rest":
        headers = {"content-type": "application/json", "x-amzn-errortype": code}
        return Answer(status, headers, json.dumps({"message": message}).encode())
    if request.protocol == "cbor":
        headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Answer(status, headers, cbor.dumps({"__type": code, "message": message}))
    text = f"<Code>{code}</Code><Message>{message}</Message>"
    xml = {
        "query": f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error><RequestId>r</RequestId></ErrorResponse>",
        "ec2": f"<Response><Errors><Error>{text}</Error></Errors><RequestID>r</RequestID></Response>",
        "s3": f"<Error>{text}<RequestId>r</RequestId></Error>",
    }[request.protocol]
    body = b"" if request.method == "HEAD" else b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml.encode()
    return Answer(status, {"content-type": "text/xml"}, body)


def as_json(request):
    """A request in CBOR as moto understands it."""
    left_out = ("smithy-protocol", "accept", "content-encoding")
    headers = {key: value for key, value in request.headers.items() if key not in left_out}
    headers |= {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"GraniteServiceVersion20100801.{request.action}",
    }
    body = json.dumps(request.parameters, default=lambda instant: instant.seconds).encode()
    return Request("POST", "/", headers, body)


def as_cbor(answer):
    """moto's answer in JSON as the sender of a CBOR request expects it."""
    values = {key: value for key, value in json.loads(answer.body or b"{}").items() if value is not None}
    for series in values.get("MetricDataResults", []):
        series["Timestamps"] = [cbor.Instant(seconds) for seconds in series.get("Timestamps", [])]
    headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return Answer(answer.status, headers, cbor.dumps(values))
