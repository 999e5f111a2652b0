"""Objects as CloudWatch metric streams deliver them, JSON and OpenTelemetry 1.0, and the ways they are announced.

Sources: the pages of AWS that docs/metric-streams.md names; the protobuf messages are written out by hand from
https://github.com/open-telemetry/opentelemetry-proto/tree/v1.0.0.
"""

import gzip
import hashlib
import json
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import quote_plus

OTLP_UNITS = {"Percent": "%", "Bytes": "By", "Milliseconds": "ms", "Count": "{Count}", "None": "1"}


@dataclass(frozen=True)
class Point:
    """A data point of a series of the company (organization.Series)."""

    series: object
    start: datetime
    seconds: int = 60

    @property
    def end(self):
        return self.start + timedelta(seconds=self.seconds)


@dataclass
class StreamObject:
    """An object with what it holds. `damage` counts what of it has to be rejected."""

    key: str
    body: bytes
    format: str
    points: list
    damage: int = 0

    @property
    def e_tag(self):
        return hashlib.md5(self.body).hexdigest()


def json_object(key, points, packed=True):
    records = [record(point) for point in points]
    body = "\n".join(json.dumps(one, separators=(",", ":")) for one in records).encode() + b"\n"
    return StreamObject(key, gzip.compress(body, mtime=0) if packed else body, "json", list(points))


def damaged_object(key, points):
    """JSON with a record in its middle that is none."""
    whole = json_object(key, points, packed=False)
    first, rest = whole.body.split(b"\n", 1)
    return StreamObject(key, first + b'\n{"metric_stream_name": oops}\n' + rest, "json", whole.points, damage=1)


def poison_object(key):
    """Nothing that a stream delivers."""
    return StreamObject(key, b"\x00\x01 this is no metric stream", "unknown", [], damage=1)


def record(point):
    count, total, least, most = point.series.statistics(point.start)
    return {
        "metric_stream_name": "fleet", "account_id": point.series.account, "region": point.series.region,
        "namespace": point.series.namespace, "metric_name": point.series.metric,
        "dimensions": point.series.dimensions, "timestamp": int(point.start.timestamp() * 1000),
        "value": {"max": most, "min": least, "sum": total, "count": float(count)}, "unit": point.series.unit,
    }  # fmt: skip


def otlp_object(key, points, packed=True):
    """One message for each account, region and metric; a length as a varint before each."""

    def place(point):
        return (
            point.series.account,
            point.series.region,
            point.series.namespace,
            point.series.metric,
            point.series.unit,
        )

    body = b""
    for (account, region, namespace, metric, unit), group in groupby(sorted(points, key=place), key=place):
        summary = b"".join(field(1, data_point(point, namespace, metric)) for point in group)
        made = text(1, f"amazonaws.com/{namespace}/{metric}") + text(3, OTLP_UNITS[unit]) + field(11, summary)
        about = {
            "cloud.provider": "aws", "cloud.account.id": account, "cloud.region": region,
            "aws.exporter.arn": f"arn:aws:cloudwatch:{region}:{account}:metric-stream/fleet",
        }  # fmt: skip
        resource = b"".join(field(1, attribute(name, value)) for name, value in about.items())
        message = field(1, field(1, resource) + field(2, field(2, made)))
        body += varint(len(message)) + message
    return StreamObject(key, gzip.compress(body, mtime=0) if packed else body, "otlp", list(points))


def data_point(point, namespace, metric):
    count, total, least, most = point.series.statistics(point.start)
    dimensions = b"".join(field(1, attribute(name, value)) for name, value in point.series.dimensions.items())
    given = attribute("Namespace", namespace), attribute("MetricName", metric)
    listed = text(1, "Dimensions") + field(2, field(6, dimensions))
    return (
        nanoseconds(2, point.start) + nanoseconds(3, point.end) + b"\x21" + struct.pack("<Q", count) + double(5, total)
        + b"".join(field(6, double(1, quantile) + double(2, value)) for quantile, value in ((0.0, least), (1.0, most)))
        + b"".join(field(7, one) for one in (*given, listed))
    )  # fmt: skip


def attribute(name, value):
    return text(1, name) + field(2, text(1, value))


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def text(number, value):
    return field(number, value.encode())


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def nanoseconds(number, instant):
    return varint(number << 3 | 1) + struct.pack("<Q", int(instant.timestamp()) * 1_000_000_000)


class Stream:
    """A bucket that a metric stream writes to, and the queue that S3 announces its objects on."""

    def __init__(self, cloud, name, visible_s):
        self.s3, self.sqs, self.bucket = cloud("s3"), cloud("sqs"), f"acme-{name}"
        place = {"LocationConstraint": "eu-west-1"}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=place)
        address = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(visible_s)})["QueueUrl"]
        self.queue = "https://sqs.eu-west-1.amazonaws.com/" + "/".join(address.split("/")[-2:])
        self.prefix = f"s3://{self.bucket}/metrics"
        wanted = ["QueueArn"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=wanted)["Attributes"]["QueueArn"]
        events = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        self.s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=events)
        self.objects = {}

    def deliver(self, made):
        """Firehose writes an object; S3 announces it."""
        self.s3.put_object(Bucket=self.bucket, Key=made.key, Body=made.body)
        self.objects[self.uri(made)] = made

    def announce(self, made):
        """One more announcement of an object, as S3 sometimes makes it."""
        about = {
            "key": quote_plus(made.key, safe="/"),
            "size": len(made.body),
            "eTag": made.e_tag,
            "sequencer": "0055",
        }
        event = {
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-22T00:00:00.000Z", "s3": {"bucket": {"name": self.bucket}, "object": about},
        }  # fmt: skip
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps({"Records": [event]}))

    def announce_nonsense(self):
        """Messages that announce no object, and an object that is not there."""
        self.sqs.send_message(QueueUrl=self.queue, MessageBody="not JSON")
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps({"Records": [{"eventSource": "aws:sns"}]}))
        self.announce(StreamObject("metrics/gone", b"", "json", []))

    def announce_all(self):
        for made in self.objects.values():
            self.announce(made)

    def uri(self, made):
        return f"s3://{self.bucket}/{made.key}"

    def waiting(self):
        """Messages that are not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))


def make_objects(company, count, start, points=40, folder="metrics/2026/11/22"):
    """Objects in both formats, gzip and plain, over the series of the company; each series and minute once.

    Among them are series of closed accounts, of regions that are off, and some that the ledger does not take.
    """
    series = company.series
    for number in range(count):
        # One after the other over the series, again and again, a minute later each time.
        nth = range(number * points, number * points + min(points, len(series)))
        chosen = [Point(series[n % len(series)], start + timedelta(minutes=n // len(series))) for n in nth]
        make = json_object if number % 2 == 0 else otlp_object
        yield make(f"{folder}/fleet {number:05}+a", chosen, packed=number % 4 < 2)
