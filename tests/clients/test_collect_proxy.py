"""The fault proxy itself: each fault arrives at a client of AWS as AWS would send it, and only where it is due."""

import json
import time
from http.client import IncompleteRead

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from botocore.parsers import ResponseParserError
from collect import cbor
from collect.organization import Account, Company, Resource
from collect.proxy import Faults, Proxy
from moto.server import ThreadedMotoServer

ACCOUNT = "222222222222"
COMPANY = Company(
    "o-abcdefghij",
    accounts=[Account(ACCOUNT, "a", "ACTIVE", "Root", "r-1", {}, ["eu-north-1"])],
    resources=[
        Resource(
            ACCOUNT, "eu-west-1", "AWS::RDS::DBInstance", f"arn:{n}", f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:{n}", {}
        )
        for n in range(6)
    ],
)
# One call of each protocol, and the code that its service throttles with.
CALLS = {
    "json": (lambda make: make("resourcegroupstaggingapi").get_resources(), "ThrottlingException"),
    "json 1.0": (lambda make: make("dynamodb").list_tables(), "ThrottlingException"),
    "query mode": (lambda make: make("sqs").list_queues(), "Throttling"),
    "query": (lambda make: make("rds").describe_db_instances(), "Throttling"),
    "ec2": (lambda make: make("ec2").describe_volumes(), "RequestLimitExceeded"),
    "s3": (lambda make: make("s3").list_objects_v2(Bucket="things"), "SlowDown"),
    "rest": (lambda make: make("lambda").list_functions(), "TooManyRequestsException"),
}


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def proxy(moto):
    with Proxy(moto, company=COMPANY) as proxy:
        yield proxy


def client(proxy, service, keys=None, **options):
    keys = keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = Config(retries={"max_attempts": 0}, **options)
    return boto3.client(service, endpoint_url=proxy.url, region_name="eu-west-1", config=config, **keys)


def assume(proxy, account=ACCOUNT):
    role = f"arn:aws:iam::{account}:role/reader"
    given = client(proxy, "sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    names = {
        "AccessKeyId": "aws_access_key_id",
        "SecretAccessKey": "aws_secret_access_key",
        "SessionToken": "aws_session_token",
    }
    return {name: given[key] for key, name in names.items()}


@pytest.mark.parametrize("protocol", CALLS)
def test_each_protocol_throttles_in_its_own_words(proxy, protocol):
    call, code = CALLS[protocol]
    client(proxy, "s3").create_bucket(
        Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    ) if protocol == "s3" else None
    call(lambda service: client(proxy, service))
    proxy.faults = Faults(throttle=1.0)
    with pytest.raises(ClientError) as refused:
        call(lambda service: client(proxy, service))
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        ("error", {"InternalFailure", "InternalError", "ServiceException", "500"}),
        ("skew", {"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed"}),
    ],
)
def test_errors_and_clocks_that_differ(proxy, fault, codes):
    proxy.faults = Faults(**{fault: 1.0})
    for call, _ in CALLS.values():
        with pytest.raises(ClientError) as refused:
            call(lambda service: client(proxy, service))
        assert refused.value.response["Error"]["Code"] in codes


def test_an_answer_is_cut_in_its_middle(proxy):
    bucket = client(proxy, "s3")
    bucket.create_bucket(Bucket="cut", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bucket.put_object(Bucket="cut", Key="a", Body=b"x" * 10_000)
    proxy.faults = Faults(cut=1.0)
    with pytest.raises(ResponseParserError, match="unclosed token"):
        client(proxy, "rds").describe_db_instances()
    with pytest.raises((ResponseStreamingError, IncompleteRead)):
        bucket.get_object(Bucket="cut", Key="a")["Body"].read()


def test_a_stalled_answer_comes_late(proxy):
    proxy.faults = Faults(stall=1.0, stall_s=0.5)
    started = time.monotonic()
    client(proxy, "dynamodb").list_tables()
    assert time.monotonic() - started >= 0.5
    with pytest.raises(ReadTimeoutError):
        client(proxy, "dynamodb", read_timeout=0.2).list_tables()


def test_a_token_that_ran_out_stays_so_and_a_new_one_serves(proxy):
    keys = assume(proxy)
    proxy.faults = Faults(expired=1.0)
    with pytest.raises(ClientError, match="ExpiredToken"):
        client(proxy, "dynamodb", keys).list_tables()
    client(proxy, "dynamodb").list_tables()  # keys of no role do not run out
    proxy.faults = Faults()
    with pytest.raises(ClientError, match="ExpiredToken"):
        client(proxy, "rds", keys).describe_db_instances()
    client(proxy, "rds", assume(proxy)).describe_db_instances()


def test_a_denied_account_is_denied_and_no_other(proxy):
    proxy.faults = Faults(denied=frozenset({"333333333333"}))
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(proxy, "333333333333")
    client(proxy, "ec2", assume(proxy)).describe_volumes()
    proxy.faults = Faults(denied_actions=frozenset({(ACCOUNT, "DescribeVolumes")}))
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        client(proxy, "ec2", assume(proxy)).describe_volumes()
    client(proxy, "ec2", assume(proxy)).describe_instances()


def test_the_same_seed_draws_the_same_faults_in_any_order(moto):
    def drawn(seed, services):
        with Proxy(moto, seed, Faults(throttle=0.3, error=0.2)) as proxy:
            found = {service: "" for service in sorted(services)}
            for _ in range(12):
                for service in services:
                    try:
                        CALLS[service][0](lambda name: client(proxy, name))
                        found[service] += "."
                    except ClientError as refused:
                        found[service] += refused.response["Error"]["Code"][0]
        return found

    first = drawn(7, ["json", "rest", "ec2"])
    assert first == drawn(7, ["ec2", "json", "rest"])
    assert first != drawn(8, ["json", "rest", "ec2"])
    hits = sum(letters.count(".") for letters in first.values())
    assert 8 <= hits <= 28, "half of 36 calls fail, give or take"


def test_messages_come_again_and_in_another_order(proxy):
    queue = client(proxy, "sqs").create_queue(QueueName="m", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    for number in range(8):
        client(proxy, "sqs").send_message(QueueUrl=queue, MessageBody=f"{number}")
    proxy.faults = Faults(duplicate=0.5)
    bodies = []
    for _ in range(6):
        answer = client(proxy, "sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=5)
        bodies += [message["Body"] for message in answer.get("Messages", [])]
    assert set(bodies) == set("01234567")
    assert len(bodies) > 8
    assert bodies != sorted(bodies)
    assert proxy.record.faults["duplicate"] == len(bodies) - 8


def test_a_page_whose_answer_was_lost_can_be_asked_for_again(proxy):
    """moto's token of a page works once; AWS's does not wear out."""
    metrics = client(proxy, "cloudwatch", assume(proxy))
    points = [
        {"MetricName": f"m{number}", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "b"}]}
        for number in range(600)
    ]
    metrics.put_metric_data(Namespace="Pages", MetricData=points)
    first = metrics.list_metrics(Namespace="Pages")
    second = metrics.list_metrics(Namespace="Pages", NextToken=first["NextToken"])
    again = metrics.list_metrics(Namespace="Pages", NextToken=first["NextToken"])
    assert second["Metrics"] == again["Metrics"]
    assert len(first["Metrics"]) + len(second["Metrics"]) == 600


def test_calls_are_counted_by_account_region_and_action(proxy):
    for _ in range(5):
        client(proxy, "dynamodb", keys := assume(proxy)).list_tables()
    client(proxy, "dynamodb").list_tables()
    assert proxy.record.peak("ListTables", window_s=60) == (5, (ACCOUNT, "eu-west-1"))
    assert proxy.record.calls("ListTables") == 6
    assert proxy.record.calls("AssumeRole") == 5
    assert keys


def test_cloudwatch_in_cbor_is_answered_in_cbor(proxy):
    """As new SDKs send it; botocore's client here speaks JSON, so the request is made by hand."""
    import urllib.request

    start = 1_795_300_800
    metric = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    }
    client(proxy, "cloudwatch").put_metric_data(
        Namespace=metric["Namespace"],
        MetricData=[{key: metric[key] for key in ("MetricName", "Dimensions")} | {"Value": 12.5, "Timestamp": start}],
    )
    asked = {
        "StartTime": cbor.Instant(start), "EndTime": cbor.Instant(start + 3600),
        "MetricDataQueries": [{"Id": "a", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Average"}}],
    }  # fmt: skip
    headers = {
        "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor", "accept": "application/cbor",
        "authorization": "AWS4-HMAC-SHA256 Credential=test/20261122/eu-west-1/monitoring/aws4_request, Signature=0",
    }  # fmt: skip
    address = f"{proxy.url}/service/GraniteServiceVersion20100801/operation/GetMetricData"
    request = urllib.request.Request(address, cbor.dumps(asked), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
        [found] = cbor.loads(answer.read())["MetricDataResults"]
    assert (found["Values"], found["Timestamps"]) == ([12.5], [cbor.Instant(float(start))])


@pytest.mark.parametrize(
    "value", [0, -1, 23, 24, 255, 256, 70_000, 1 << 40, -500, 1.5, "ä", [1, "a", None], {"a": [True, False]}]
)
def test_cbor_comes_back_as_it_was(value):
    assert cbor.loads(cbor.dumps(value)) == value


def test_cbor_of_the_standard():
    """RFC 8949, appendix A."""
    examples = {
        "1903e8": 1000, "3903e7": -1000, "f93e00": 1.5, "fb3ff199999999999a": 1.1,
        "c11a514b67b0": cbor.Instant(1363896240),
        "9f018202039f0405ffff": [1, [2, 3], [4, 5]], "bf61610161629f0203ffff": {"a": 1, "b": [2, 3]},
        "7f657374726561646d696e67ff": "streaming",
    }  # fmt: skip
    for text, value in examples.items():
        assert cbor.loads(bytes.fromhex(text)) == value


def test_regions_and_the_aggregator_are_answered_in_pages(proxy):
    account, regions, token = client(proxy, "account", assume(proxy)), {}, {}
    while True:
        page = account.list_regions(RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"], **token)
        regions |= {found["RegionName"]: found["RegionOptStatus"] for found in page["Regions"]}
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(regions) == 5
    assert "eu-north-1" not in regions
    select = f"SELECT arn, resourceType WHERE accountId = '{ACCOUNT}' AND awsRegion = 'eu-west-1'"
    config = client(proxy, "config")
    first = config.select_aggregate_resource_config(Expression=select, ConfigurationAggregatorName="all")
    token = first["NextToken"]
    rest = config.select_aggregate_resource_config(
        Expression=select, ConfigurationAggregatorName="all", NextToken=token
    )
    rows = [json.loads(row) for row in first["Results"] + rest["Results"]]
    assert [row["arn"] for row in rows] == [resource.arn for resource in COMPANY.resources]
    assert set(rows[0]) == {"arn", "resourceType"}
