"""The templates in infra/, deployed into moto's server on the loopback: what arrives is what was meant.

moto passes over resource types that it does not know (StackSet, Firehose, metric stream, policies of buckets and
queues); cfn-lint has checked those against AWS's schemas. The stack set is therefore made through the API, with the
properties that its template holds.
"""

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
import yaml
from cfnlint.decode import cfn_yaml
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")
TEMPLATES = Path(__file__).parents[2] / "infra/cloudformation"
REGION, ACCOUNT, COLLECTORS = "eu-west-1", "123456789012", "999988887777"
COLLECTOR_ROLE = f"arn:aws:iam::{COLLECTORS}:role/airshed/airshed-runner"
ORGANIZATION = "o-abcdefghij"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
TRUST = {"CollectorRoleArn": COLLECTOR_ROLE, "ExternalId": "airshed-7f3c"}


class Cloud:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}

    def client(self, service, account=ACCOUNT):
        keys = self.keys
        if account != ACCOUNT:
            role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
            given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            keys = {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            }
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def reset(self):
        urlopen(Request(f"{self.url}/moto-api/reset", method="POST")).read()

    def deploy(self, template, **parameters):
        """Creates a stack and returns its outputs."""
        client = self.client("cloudformation")
        client.create_stack(
            StackName=template,
            TemplateBody=(TEMPLATES / f"{template}.yaml").read_text(),
            Parameters=api_parameters(parameters),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        [stack] = client.describe_stacks(StackName=template)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def role(self, name, account=ACCOUNT):
        """A role's description by the API, its trust and its statements by id."""
        iam = self.client("iam", account)
        role = iam.get_role(RoleName=name)["Role"]
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        # moto gives the text of a Python dict (YAML reads that and JSON) and keeps a None where
        # CloudFormation leaves an element out.
        made = [found for found in yaml.safe_load(str(document))["Statement"] if found != "None"]
        return role, trust, {found.pop("Sid"): found for found in made}


def api_parameters(values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def allow(actions, resource="*", **condition):
    return {"Effect": "Allow", "Action": actions, "Resource": resource} | condition


def trusted(organization=None):
    belongs = {"aws:PrincipalOrgID": organization} if organization else {}
    return {
        "Sid": "AssumedByCollectors",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{COLLECTORS}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": COLLECTOR_ROLE},
            "StringEquals": {"sts:ExternalId": "airshed-7f3c"} | belongs,
        },
    }


def member(account, lists=True):
    """What the role of a member account allows."""
    found = {
        "EnabledRegions": allow("account:ListRegions", f"arn:aws:account::{account}:account"),
        "TaggedResources": allow("tag:GetResources"),
        "Metrics": allow(["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]),
    }
    instances = ["ec2:DescribeInstances", "ec2:DescribeVolumes"]
    listing = {
        "ServiceLists": allow(["dynamodb:ListTables", *instances, "lambda:ListFunctions"]),
        "DatabaseList": allow("rds:DescribeDBInstances", f"arn:aws:rds:*:{account}:db:*"),
    }
    return found | (listing if lists else {})


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield Cloud(server.get_host_and_port()[1])
    server.stop()


@pytest.fixture
def cloud(server):
    server.reset()
    yield server
    server.reset()


def test_a_member_account_trusts_one_role_and_lets_it_read(cloud):
    outputs = cloud.deploy("collector-role", **TRUST)
    role, trust, allowed = cloud.role("airshed-collector")
    assert role["Arn"] == outputs["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/airshed/airshed-collector"
    assert role["MaxSessionDuration"] == 3600
    assert "PermissionsBoundary" not in role
    assert trust == trusted()
    assert allowed == member(ACCOUNT)


def test_organisation_boundary_name_and_path_are_choices(cloud):
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    choices = {"RoleName": "carbon", "RolePath": "/", "PermissionsBoundaryArn": boundary, "ReadServiceLists": "false"}
    outputs = cloud.deploy("collector-role", **TRUST, **choices, OrganizationId=ORGANIZATION)
    role, trust, allowed = cloud.role("carbon")
    assert role["Arn"] == outputs["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/carbon"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert trust == trusted(ORGANIZATION)
    assert allowed == member(ACCOUNT, lists=False)


def test_the_stack_set_reaches_the_accounts_of_its_units_and_no_other(cloud):
    organizations = cloud.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    [root] = organizations.list_roots()["Roots"]
    unit = organizations.create_organizational_unit(ParentId=root["Id"], Name="workloads")["OrganizationalUnit"]["Id"]
    accounts = []
    for number in range(4):
        asked = organizations.create_account(AccountName=f"a{number}", Email=f"a{number}@example.com")
        accounts.append(asked["CreateAccountStatus"]["AccountId"])
    inside, outside = accounts[:3], accounts[3]
    for account in inside:
        organizations.move_account(AccountId=account, SourceParentId=root["Id"], DestinationParentId=unit)
    values = TRUST | {
        "TemplateUrl": "https://acme.s3.eu-west-1.amazonaws.com/collector-role.yaml",
        "OrganizationalUnitIds": [unit],
        "OrganizationId": organization,
    }
    template = cfn_yaml.load(str(TEMPLATES / "organization-stackset.yaml"))
    defaults = {key: given["Default"] for key, given in template["Parameters"].items() if "Default" in given}
    values = defaults | values | {"AWS::Region": REGION}
    made = template["Resources"]["CollectorRoles"]["Properties"]

    def resolved(node):
        if isinstance(node, dict):
            return values[node["Ref"]] if "Ref" in node else {key: resolved(value) for key, value in node.items()}
        return [resolved(value) for value in node] if isinstance(node, list) else node

    made = resolved(made)
    [group] = made.pop("StackInstancesGroup")
    assert made.pop("TemplateURL") == values["TemplateUrl"]
    assert made["PermissionModel"] == "SERVICE_MANAGED"
    assert made["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    preferences = made.pop("OperationPreferences")
    client = cloud.client("cloudformation")
    body = (TEMPLATES / "collector-role.yaml").read_text()
    client.create_stack_set(TemplateBody=body, **made)
    client.create_stack_instances(
        StackSetName=made["StackSetName"],
        DeploymentTargets=group["DeploymentTargets"],
        Regions=group["Regions"],
        OperationPreferences=preferences,
    )
    for account in inside:
        _, trust, allowed = cloud.role("airshed-collector", account)
        assert trust == trusted(organization)
        assert allowed == member(account)
    for account in (outside, ACCOUNT):
        iam = cloud.client("iam", account)
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_role(RoleName="airshed-collector")


def test_the_stack_set_gives_every_parameter_of_the_role():
    role = cfn_yaml.load(str(TEMPLATES / "collector-role.yaml"))["Parameters"]
    made = cfn_yaml.load(str(TEMPLATES / "organization-stackset.yaml"))
    given = made["Resources"]["CollectorRoles"]["Properties"]["Parameters"]
    assert {parameter["ParameterKey"] for parameter in given} == set(role)
    for key in role:
        assert made["Parameters"][key].get("Default", "") == role[key].get("Default", "")


def test_the_stack_of_the_stack_set_deploys(cloud):
    units = {"OrganizationalUnitIds": "ou-abcd-12345678", "OrganizationId": ORGANIZATION}
    address = "https://acme.s3.eu-west-1.amazonaws.com/collector-role.yaml"
    client = cloud.client("cloudformation")
    client.create_stack(
        StackName="stackset",
        TemplateBody=(TEMPLATES / "organization-stackset.yaml").read_text(),
        Parameters=api_parameters(TRUST | units | {"TemplateUrl": address}),
    )
    [stack] = client.describe_stacks(StackName="stackset")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_the_management_account_shows_the_organisation_and_nothing_that_was_not_named(cloud):
    outputs = cloud.deploy("management-account", **TRUST, OrganizationId=ORGANIZATION)
    role, trust, allowed = cloud.role("airshed-management")
    assert role["Arn"] == outputs["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/airshed/airshed-management"
    assert trust == trusted(ORGANIZATION)
    tree = "arn:aws:organizations::*"
    calls = ("DescribeOrganization", "ListAccounts", "ListRoots")
    assert allowed == {
        "Organization": allow([f"organizations:{call}" for call in calls]),
        "OrganizationTree": allow(
            ["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"],
            [f"{tree}:root/{ORGANIZATION}/*", f"{tree}:ou/{ORGANIZATION}/*"],
        ),
        "AccountDetails": allow("organizations:ListTagsForResource", f"{tree}:account/{ORGANIZATION}/*"),
        "ProviderFigures": allow("sustainability:GetEstimatedCarbonEmissions"),
    }


def test_aggregator_and_exports_can_lie_in_an_account_of_their_own(cloud):
    aggregator = f"arn:aws:config:{REGION}:{ACCOUNT}:config-aggregator/config-aggregator-abcd1234"
    parts = {"ReadOrganization": "false", "ReadSustainability": "false", "ConfigAggregatorArn": aggregator}
    exports = {"ExportBucket": "acme-bills", "ExportPrefix": "exports/all", "ExportKmsKeyArn": KEY}
    owner = {"ExportBucketAccount": "555566667777"}
    cloud.deploy("management-account", **TRUST, OrganizationId=ORGANIZATION, **parts, **exports, **owner)
    via = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
    owned = {"StringEquals": {"aws:ResourceAccount": "555566667777"}}
    assert cloud.role("airshed-management")[2] == {
        "AggregatedInventory": allow("config:SelectAggregateResourceConfig", aggregator),
        "ExportListing": allow(
            "s3:ListBucket", "arn:aws:s3:::acme-bills", Condition={"StringLike": {"s3:prefix": "exports/all/*"}} | owned
        ),
        "ExportObjects": allow("s3:GetObject", "arn:aws:s3:::acme-bills/exports/all/*", Condition=owned),
        "ExportDecryption": allow("kms:Decrypt", KEY, Condition=via),
    }


@pytest.mark.parametrize("key", ["", KEY], ids=["own keys of S3", "KMS"])
def test_a_region_streams_into_an_encrypted_bucket_that_only_the_reader_reads(cloud, key):
    outputs = cloud.deploy("metric-stream", **TRUST, OrganizationId=ORGANIZATION, KmsKeyArn=key)
    bucket, queue = f"airshed-metrics-{ACCOUNT}-{REGION}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:airshed-metrics"
    assert outputs["BucketName"] == bucket
    encryption = cloud.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    [rule] = encryption["Rules"]
    by_default = rule["ApplyServerSideEncryptionByDefault"]
    assert by_default == ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY} if key else {"SSEAlgorithm": "AES256"})

    sqs = cloud.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=outputs["QueueUrl"], AttributeNames=["All"])["Attributes"]
    assert attributes["QueueArn"] == queue
    assert attributes["VisibilityTimeout"] == "900"
    assert json.loads(attributes["RedrivePolicy"]) == {"deadLetterTargetArn": f"{queue}-dead", "maxReceiveCount": 20}

    role, trust, allowed = cloud.role(f"airshed-stream-reader-{REGION}")
    assert role["Arn"] == outputs["ReaderRoleArn"]
    assert trust == trusted(ORGANIZATION)
    via = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    assert allowed == {
        "Announcements": allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], queue),
        "GivenUp": allow("sqs:GetQueueAttributes", f"{queue}-dead"),
        "StreamListing": allow(
            "s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "metrics/*"}}
        ),
        "StreamObjects": allow("s3:GetObject", f"arn:aws:s3:::{bucket}/metrics/*"),
    } | ({"StreamDecryption": allow("kms:Decrypt", KEY, Condition=via)} if key else {})

    _, trust, allowed = cloud.role(f"airshed-delivery-{REGION}")
    assert trust["Principal"] == {"Service": "firehose.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": ACCOUNT}}
    written = {sid: found["Resource"] for sid, found in allowed.items()}
    assert written["FindBucket"] == f"arn:aws:s3:::{bucket}"
    assert written["WriteObjects"] == f"arn:aws:s3:::{bucket}/*"
    assert ("EncryptObjects" in written) == bool(key)
    trust = cloud.role(f"airshed-metric-stream-{REGION}")[1]
    assert trust["Principal"] == {"Service": "streams.metrics.cloudwatch.amazonaws.com"}


def test_a_role_that_is_not_one_exact_role_is_refused():
    pattern = cfn_yaml.load(str(TEMPLATES / "collector-role.yaml"))["Parameters"]["CollectorRoleArn"]["AllowedPattern"]
    assert re.search(pattern, COLLECTOR_ROLE)
    for wide in ("*", f"arn:aws:iam::{COLLECTORS}:root", f"arn:aws:iam::{COLLECTORS}:role/*", "arn:aws:iam::*:role/x"):
        assert not re.search(pattern, wide)
