"""A made company in moto: accounts in nested units, resources in three regions, metrics of whole past hours.

What an account holds follows from the seed alone; ids are moto's. Values of metrics are a pure function of resource,
metric and hour, in steps that a double holds exactly. `build` works through any boto3 client: within moto's process
(fast, see server.py) or over HTTP.
"""

import hashlib
import io
import json
import random
import zipfile
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config

MANAGEMENT = "123456789012"
REGIONS = ("eu-west-1", "us-east-1", "eu-north-1")
UNITS = ("Root/Prod/Web", "Root/Prod/Data", "Root/Prod/Data/Lake", "Root/Test", "Root")
INSTANCE_TYPES = ("m5.xlarge", "c6g.large", "t3.medium", "r5.large")
HOURS = 4
SAMPLES = 12
CROWD = 180


@dataclass
class Account:
    id: str
    name: str
    status: str
    unit: str
    unit_ids: str
    tags: dict
    regions_off: list


@dataclass
class Resource:
    """`id` as bills name it; `tags` are empty where there are none; `size` is the type of instances and databases."""

    account: str
    region: str
    type: str
    id: str
    arn: str
    tags: dict
    size: str = ""


@dataclass
class Series:
    """A metric of CloudWatch; `resource` is empty for figures that belong to none."""

    account: str
    region: str
    namespace: str
    metric: str
    unit: str
    dimensions: dict
    resource: str

    def statistics(self, start):
        """Samples, sum, minimum and maximum of the period from `start`."""
        text = f"{self.account}/{self.region}/{sorted(self.dimensions.items())}/{self.metric}/{start.isoformat()}"
        drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        average = (drawn % 721) / 8 if self.unit == "Percent" else (drawn % (1 << 24)) / 4
        return SAMPLES, average * SAMPLES, average / 2, average + (drawn >> 40) % 64 / 8


@dataclass
class Company:
    organization: str
    accounts: list = field(default_factory=list)
    resources: list = field(default_factory=list)
    series: list = field(default_factory=list)
    hours: list = field(default_factory=list)

    def save(self, path):
        path.write_text(json.dumps(asdict(self), default=datetime.isoformat))

    @classmethod
    def load(cls, path):
        values = json.loads(path.read_text())
        return cls(
            values["organization"],
            [Account(**value) for value in values["accounts"]],
            [Resource(**value) for value in values["resources"]],
            [Series(**value) for value in values["series"]],
            [datetime.fromisoformat(hour) for hour in values["hours"]],
        )

    def visited(self):
        """Ids of accounts and regions that a collector visits: open accounts, regions that are switched on."""
        open_accounts = [account for account in self.accounts if account.status == "ACTIVE"]
        return {
            (account.id, region)
            for account in open_accounts
            for region in REGIONS
            if region not in account.regions_off
        }


class Cloud:
    """Clients of one moto, within the process or at a URL. `account` says where calls land."""

    def __init__(self, url=None):
        self.url, self.account, self.clients = url, MANAGEMENT, {}
        self.session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")

    def __call__(self, service, region="eu-west-1"):
        if (service, region) not in self.clients:
            config = Config(parameter_validation=False, retries={"max_attempts": 0})
            client = self.session.client(service, region_name=region, endpoint_url=self.url, config=config)
            client.meta.events.register("before-call", self.address)
            self.clients[service, region] = client
        return self.clients[service, region]

    def address(self, params, **_):
        params["headers"]["x-moto-account-id"] = self.account


def hours_before(now):
    """Whole past hours that every poll sees as settled, whenever it comes within the next two hours."""
    last = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    return [last - timedelta(hours=count) for count in range(HOURS, 0, -1)]


def build(cloud, size, seed=0, now=None):
    """Makes a company of `size` accounts beside the management account."""
    company = Company("", hours=hours_before(now or datetime.now(timezone.utc)))
    make_accounts(cloud, company, size)
    for number, account in enumerate(company.accounts):
        cloud.account = account.id
        role = {"RoleName": "functions", "AssumeRolePolicyDocument": "{}", "Path": "/"}
        arn = cloud("iam").create_role(**role)["Role"]["Arn"]
        for region in REGIONS:
            chance = random.Random(f"{seed}/{number}/{region}")
            crowd = CROWD if (number, region) == (1, "eu-west-1") else 0
            place = Place(cloud, company, account.id, region)
            place.furnish(chance, arn, crowd)
            place.put_metrics(company.hours)
    cloud.account = MANAGEMENT
    for account in company.accounts:
        if account.status != "ACTIVE":
            cloud("organizations").close_account(AccountId=account.id)
    return company


def make_accounts(cloud, company, size):
    organizations = cloud("organizations")
    company.organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    units = {"Root": organizations.list_roots()["Roots"][0]["Id"]}
    for path in sorted(UNITS + ("Root/Prod", "Root/Empty"))[1:]:
        parent, name = path.rsplit("/", 1)
        made = organizations.create_organizational_unit(ParentId=units[parent], Name=name)
        units[path] = made["OrganizationalUnit"]["Id"]
    company.accounts.append(Account(MANAGEMENT, "master", "ACTIVE", "Root", units["Root"], {}, []))
    for number in range(1, size + 1):
        unit, tags = (
            UNITS[number % len(UNITS)],
            {"team": f"team {number % 7}", "cost centre": "ä/ö"} if number % 3 else {},
        )
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = organizations.create_account(
            AccountName=f"Acme {number}", Email=f"aws{number}@acme.example", Tags=given
        )
        account = made["CreateAccountStatus"]["AccountId"]
        if unit != "Root":
            organizations.move_account(
                AccountId=account, SourceParentId=units["Root"], DestinationParentId=units[unit]
            )
        status = "SUSPENDED" if number % 15 == 7 else "ACTIVE"
        off = ["eu-north-1"] if number % 10 == 3 else []
        company.accounts.append(Account(account, f"Acme {number}", status, unit, ids(units, unit), tags, off))


def ids(units, path):
    """Ids of the units from the root down to one."""
    names = path.split("/")
    return "/".join(units["/".join(names[: depth + 1])] for depth in range(len(names)))


class Place:
    """An account and region while it is furnished."""

    def __init__(self, cloud, company, account, region):
        self.cloud, self.company, self.account, self.region = cloud, company, account, region
        self.series = []

    def client(self, service):
        return self.cloud(service, self.region)

    def add(self, kind, name, arn, tags, size="", billed_by_arn=True):
        arn = f"arn:aws:{arn.format(place=f'{self.region}:{self.account}', name=name)}"
        resource = Resource(self.account, self.region, kind, arn if billed_by_arn else name, arn, dict(tags), size)
        self.company.resources.append(resource)
        return resource

    def measure(self, namespace, metric, unit, dimensions, resource=""):
        self.series.append(Series(self.account, self.region, namespace, metric, unit, dimensions, resource))

    def furnish(self, chance, role, crowd):
        for tags in ({"team": "core", "Name": 'a "b" ü'}, {}):
            if count := chance.randint(0, 2):
                self.make_instances(count, chance.choice(INSTANCE_TYPES), tags)
        if chance.random() < 0.3:
            self.client("ec2").create_volume(
                Size=10, AvailabilityZone=f"{self.region}a", TagSpecifications=tagged("volume", {"team": "disks"})
            )
        self.list_volumes()
        if chance.random() < 0.4:
            self.make_database(chance.choice(({"team": "data"}, {})))
        for number in range(crowd or chance.randint(0, 2)):
            self.make_function(f"function-{number}", role, {"team": "web"} if number % 2 == 0 else {})
        for number in range(crowd or chance.randint(0, 1)):
            self.make_table(f"table.{number}", {"team": "web"} if chance.random() < 0.5 else {})
        if crowd:  # more metrics than a page of ListMetrics
            for number in range(520):
                self.measure(
                    "AWS/DynamoDB",
                    "SuccessfulRequestLatency",
                    "Milliseconds",
                    {"TableName": "table.0", "Operation": f"{number}"},
                )

    def make_instances(self, count, kind, tags):
        ec2 = self.client("ec2")
        made = ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=count, MaxCount=count, InstanceType=kind,
            **({"TagSpecifications": tagged("instance", tags)} if tags else {}),
        )  # fmt: skip
        for instance in (one["InstanceId"] for one in made["Instances"]):
            self.add("AWS::EC2::Instance", instance, "ec2:{place}:instance/{name}", tags, kind, billed_by_arn=False)
            dimensions = {"InstanceId": instance}
            self.measure("AWS/EC2", "CPUUtilization", "Percent", dimensions, instance)
            self.measure("AWS/EC2", "NetworkOut", "Bytes", dimensions, instance)
            if kind.startswith("t3"):
                self.measure("AWS/EC2", "CPUCreditUsage", "Count", dimensions, instance)
            if tags:
                agent = dimensions | {"ImageId": "ami-12c6146b", "InstanceType": kind}
                self.measure("CWAgent", "mem_used_percent", "Percent", agent, instance)
                self.measure("AWS/EC2", "StatusCheckFailed", "Count", dimensions)
        self.measure("AWS/EC2", "CPUUtilization", "Percent", {"InstanceType": kind})

    def list_volumes(self):
        for volume in self.client("ec2").describe_volumes()["Volumes"]:
            tags = {tag["Key"]: tag["Value"] for tag in volume.get("Tags", [])}
            self.add("AWS::EC2::Volume", volume["VolumeId"], "ec2:{place}:volume/{name}", tags, billed_by_arn=False)
            if tags:
                self.measure(
                    "AWS/EBS", "VolumeReadBytes", "Bytes", {"VolumeId": volume["VolumeId"]}, volume["VolumeId"]
                )

    def make_database(self, tags):
        self.client("rds").create_db_instance(
            DBInstanceIdentifier="ledger", DBInstanceClass="db.m5.large", Engine="postgres", AllocatedStorage=10,
            MasterUsername="someone", MasterUserPassword="something", Tags=listed(tags),
        )  # fmt: skip
        database = self.add("AWS::RDS::DBInstance", "ledger", "rds:{place}:db:{name}", tags, "db.m5.large")
        self.measure("AWS/RDS", "CPUUtilization", "Percent", {"DBInstanceIdentifier": "ledger"}, database.id)

    def make_function(self, name, role, tags):
        self.client("lambda").create_function(
            FunctionName=name, Runtime="python3.12", Role=role, Handler="a.b", Code={"ZipFile": CODE}, Tags=tags
        )
        function = self.add("AWS::Lambda::Function", name, "lambda:{place}:function:{name}", tags)
        self.measure("AWS/Lambda", "Duration", "Milliseconds", {"FunctionName": name}, function.id)

    def make_table(self, name, tags):
        self.client("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], Tags=listed(tags),
        )  # fmt: skip
        table = self.add("AWS::DynamoDB::Table", name, "dynamodb:{place}:table/{name}", tags)
        for metric in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
            self.measure("AWS/DynamoDB", metric, "Count", {"TableName": name}, table.id)

    def put_metrics(self, starts):
        """Data points of all series of the place for the periods from `starts`."""
        put_metrics(self.cloud, self.series, starts)
        self.company.series += self.series


def put_metrics(cloud, series, starts):
    """Data points of series of one account and region. Those that are not taken get one point only."""
    data = {}
    for one in series:
        for start in starts if one.resource else starts[:1]:
            samples, total, least, most = one.statistics(start)
            data.setdefault(one.namespace, []).append({
                "MetricName": one.metric, "Timestamp": start, "Unit": one.unit,
                "Dimensions": [{"Name": key, "Value": value} for key, value in one.dimensions.items()],
                "StatisticValues": {"SampleCount": samples, "Sum": total, "Minimum": least, "Maximum": most},
            })  # fmt: skip
    for namespace, points in data.items():
        for first in range(0, len(points), 500):
            part = points[first : first + 500]
            cloud("cloudwatch", series[0].region).put_metric_data(Namespace=namespace, MetricData=part)


def tagged(kind, tags):
    return [{"ResourceType": kind, "Tags": listed(tags)}]


def listed(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def archive():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a.py", "def b(*_): pass")
    return content.getvalue()


CODE = archive()
