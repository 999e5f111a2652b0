//! The collectors' calls against moto's server: <https://docs.getmoto.org/en/latest/docs/server_mode.html>.
//!
//! Runs where `AIRSHED_MOTO` holds the URL of a running server, and says that it skips elsewhere. The server is reset.
//! moto 5.2 has no Account ListRegions, no Config SelectAggregateResourceConfig and no Sustainability: these must come
//! back as errors.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use airshed_aws::{Aws, AwsConfig};
use airshed_collect::{
    CallErrorKind, Cloud, Scope,
    cloud::{Answer, MetricEntry, MetricQuery, MetricRequest, Page, ResourceEntry, ServiceList},
    stream::Queue,
};
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;
use object_store::CredentialProvider;
use serde_json::json;

use crate::{Now, REGION, environment};

const OTHER_REGION: &str = "us-east-2";
const ROLE: &str = "airshed/airshed-collector";

/// All pages of an answer.
macro_rules! all {
    ($aws:expr, $call:ident $(, $argument:expr)*) => {{
        let (mut items, mut next, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let page: Answer<Page<_>> = $aws.$call($($argument,)* next.as_deref()).await;
            let page = page.unwrap();
            items.extend(page.items);
            pages += 1;
            next = page.next;
            if next.is_none() {
                break (items, pages);
            }
        }
    }};
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that compares nothing must say so")]
async fn the_collectors_calls_against_moto() {
    let Ok(url) = std::env::var("AIRSHED_MOTO") else {
        eprintln!("SKIPPED: AIRSHED_MOTO does not hold the URL of a moto server");
        return;
    };
    let world = World::new(&url).await;
    world.accounts_and_units().await;
    world.inventory().await;
    world.values().await;
    world.queue().await;
    world.what_moto_does_not_have().await;
}

struct World {
    environment: SdkConfig,
    aws: Aws,
    /// Accounts of the organisation beside the first.
    members: Vec<String>,
}

impl World {
    async fn new(url: &str) -> Self {
        post(url, "/moto-api/reset", "", "");
        let environment = environment(url).await;
        let organizations = aws_sdk_organizations::Client::new(&environment);
        organizations.create_organization().send().await.unwrap();
        let mut members = Vec::new();
        for name in ["shop", "data"] {
            let made = organizations.create_account().account_name(name).email(format!("{name}@example.com"));
            let status = made.send().await.unwrap().create_account_status.unwrap();
            members.push(status.account_id.unwrap());
        }
        let config = AwsConfig { member_role: Some(ROLE.into()), ..AwsConfig::of_collector("test") };
        let aws = Aws::over(&environment, config, Arc::new(Now)).unwrap();
        Self { environment, aws, members }
    }

    fn scope(&self, region: &str) -> Scope {
        Scope { account: self.members[0].clone(), region: region.into() }
    }

    /// For making what is then collected: a member account, as its role.
    async fn member(&self, region: &str) -> SdkConfig {
        let arn = format!("arn:aws:iam::{}:role/{ROLE}", self.members[0]);
        let given = self.aws.object_credentials(Some(&arn)).get_credential().await.unwrap();
        let credentials = aws_credential_types::Credentials::new(
            given.key_id.clone(),
            given.secret_key.clone(),
            given.token.clone(),
            None,
            "test",
        );
        let member = self.environment.to_builder().region(Region::new(region.to_owned()));
        member.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    async fn accounts_and_units(&self) {
        let identity = self.aws.identity().await.unwrap();
        let organization = self.aws.organization().await.unwrap();
        assert!(organization.id.starts_with("o-"));
        assert_eq!(organization.management_account, identity.account);

        let (accounts, _) = all!(self.aws, accounts);
        let mut ids: Vec<_> = accounts.iter().map(|account| account.id.clone()).collect();
        ids.retain(|id| *id != identity.account);
        assert_eq!(ids, self.members);
        let shop = accounts.iter().find(|account| account.id == self.members[0]).unwrap();
        assert_eq!((shop.name.as_str(), shop.status.as_str()), ("shop", "ACTIVE"));
        assert!(shop.joined_at.is_some());

        let organizations = aws_sdk_organizations::Client::new(&self.environment);
        let (roots, _) = all!(self.aws, roots);
        let root = &roots[0].id;
        let unit =
            organizations.create_organizational_unit().parent_id(root).name("web").send().await.unwrap();
        let unit = unit.organizational_unit.unwrap().id.unwrap();
        let moved = organizations.move_account().account_id(&self.members[0]).source_parent_id(root);
        moved.destination_parent_id(&unit).send().await.unwrap();
        let tag = aws_sdk_organizations::types::Tag::builder().key("team").value("web").build().unwrap();
        organizations.tag_resource().resource_id(&self.members[0]).tags(tag).send().await.unwrap();

        let (units, _) = all!(self.aws, units_of, root);
        assert_eq!((units[0].id.as_str(), units[0].name.as_str()), (unit.as_str(), "web"));
        assert_eq!(all!(self.aws, accounts_of, &unit).0, [self.members[0].clone()]);
        assert_eq!(all!(self.aws, account_tags, &self.members[0]).0, [("team".to_owned(), "web".to_owned())]);
    }

    async fn inventory(&self) {
        let member = self.member(REGION).await;
        let made = Made::new(&member).await;
        let (scope, elsewhere) = (self.scope(REGION), self.scope(OTHER_REGION));
        let list = async |list| all!(self.aws, listed_resources, &scope, list).0;

        let instances = list(ServiceList::Ec2Instances).await;
        assert_eq!(arns(&instances), made.instances.keys().cloned().collect::<Vec<_>>());
        for instance in &instances {
            assert_eq!(instance.tags.as_ref().unwrap().get("team").cloned(), made.instances[&instance.arn]);
            assert_eq!(instance.configuration["instance_type"], "m5.large");
            assert_eq!(instance.configuration["architecture"], "x86_64");
        }
        let volumes = list(ServiceList::Ec2Volumes).await;
        let sized = volumes.iter().filter(|volume| volume.configuration["size_gib"] == "77").count();
        assert_eq!(sized, made.volumes);

        let databases = list(ServiceList::RdsInstances).await;
        assert_eq!(databases[0].configuration["instance_type"], "db.r6g.large");
        assert_eq!(databases[0].resource_type, "AWS::RDS::DBInstance");
        let functions = list(ServiceList::LambdaFunctions).await;
        assert_eq!(functions[0].configuration["memory_mib"], "512");
        assert_eq!(functions[0].configuration["architecture"], "arm64");

        let (tables, pages) = all!(self.aws, listed_resources, &scope, ServiceList::DynamoDbTables);
        assert_eq!((tables.len(), pages), (made.tables, 2));
        let account = &scope.account;
        assert_eq!(tables[0].arn, format!("arn:aws:dynamodb:{REGION}:{account}:table/table-000"));

        let (tagged, pages) = all!(self.aws, tagged_resources, &scope);
        assert!(pages > 1, "{pages}");
        let of = |name: &str| tagged.iter().filter(|found| found.resource_type == name).collect::<Vec<_>>();
        // The tagging API goes on naming an instance that was terminated.
        let tagged_instances: Vec<_> = of("AWS::EC2::Instance").iter().map(|found| &found.arn).collect();
        let still_there = made.instances.iter().filter(|(_, team)| team.is_some());
        assert!(still_there.map(|(arn, _)| arn).all(|arn| tagged_instances.contains(&arn)));
        assert_eq!(of("AWS::EC2::Volume").len(), made.volumes);
        assert_eq!(of("AWS::EC2::Volume")[0].tags.as_ref().unwrap()["team"], "web");

        let other_account = Scope { account: self.members[1].clone(), ..scope.clone() };
        for place in [elsewhere, other_account] {
            for service in ServiceList::ALL {
                let (found, _) = all!(self.aws, listed_resources, &place, service);
                assert_eq!(found, [], "{place:?} {service:?}");
            }
            assert_eq!(all!(self.aws, tagged_resources, &place).0, []);
        }
    }

    async fn values(&self) {
        let member = self.member(REGION).await;
        // Within the hour before the last: moto tells only of what is not older than two weeks.
        let start = airshed_collect::Clock::now(&Now).as_second() / 3600 * 3600 - 3600;
        for (minute, value) in [(0, "20.0"), (1, "40.0"), (7, "12.5")] {
            let time = Timestamp::from_second(start + 60 * minute).unwrap().to_string().replace(':', "%3A");
            let datum = format!("MetricName=mem_used_percent&MetricData.member.1.Value={value}");
            let datum = format!("MetricData.member.1.{datum}&MetricData.member.1.Timestamp={time}");
            let dimension = "MetricData.member.1.Dimensions.member.1.";
            let dimension = format!("{dimension}Name=InstanceId&{dimension}Value=i-1");
            let call = format!("PutMetricData&Namespace=CWAgent&{datum}&{dimension}");
            query(&member, "monitoring", REGION, "2010-08-01", &call).await;
        }

        let scope = self.scope(REGION);
        let (metrics, _) = all!(self.aws, metrics, &scope, "CWAgent");
        let used = MetricEntry {
            namespace: "CWAgent".into(),
            metric: "mem_used_percent".into(),
            dimensions: [("InstanceId".to_owned(), "i-1".to_owned())].into(),
        };
        assert_eq!(metrics, std::slice::from_ref(&used));
        assert_eq!(all!(self.aws, metrics, &scope, "AWS/EC2").0, []);

        let time = |seconds| Timestamp::from_second(start + seconds).unwrap();
        let missing = MetricEntry { metric: "nothing".into(), ..used.clone() };
        let query = |metric: &MetricEntry, statistic| MetricQuery {
            metric: metric.clone(),
            statistic,
            period_s: 300,
        };
        let queries = vec![query(&missing, "Average"), query(&used, "Average"), query(&used, "SampleCount")];
        let request = MetricRequest { queries, start: time(0), end: time(3600) };
        let (found, _) = all!(self.aws, metric_data, &scope, &request);
        let values: BTreeMap<usize, Vec<_>> = found.into_iter().map(|one| (one.query, one.values)).collect();
        assert_eq!(values.get(&0).map_or(0, Vec::len), 0);
        assert_eq!(values[&1], [(time(0), 30.0), (time(300), 12.5)]);
        assert_eq!(values[&2], [(time(0), 2.0), (time(300), 1.0)]);
    }

    async fn queue(&self) {
        let sqs = aws_sdk_sqs::Client::new(&self.member(REGION).await);
        let url = sqs.create_queue().queue_name("airshed-metrics").send().await.unwrap().queue_url.unwrap();
        for number in 0..12 {
            sqs.send_message().queue_url(&url).message_body(number.to_string()).send().await.unwrap();
        }
        let role = format!("arn:aws:iam::{}:role/airshed/airshed-stream-reader-{REGION}", self.members[0]);
        let queue = self.aws.queue(&url, Some(&role));
        assert_eq!(queue.waiting().await.unwrap(), 12);
        let first = queue.receive(Duration::ZERO).await.unwrap();
        let second = queue.receive(Duration::ZERO).await.unwrap();
        assert_eq!((first.len(), second.len()), (10, 2));
        assert!(first.iter().all(|message| message.received == 1 && !message.id.is_empty()));
        assert_eq!(queue.waiting().await.unwrap(), 12, "hidden ones wait too");
        let receipts = |messages: &[airshed_collect::stream::Message]| -> Vec<String> {
            messages.iter().map(|message| message.receipt.clone()).collect()
        };
        queue.delete(&receipts(&first)).await.unwrap();
        queue.delete(&receipts(&first)).await.unwrap();
        queue.delete(&[]).await.unwrap();
        assert_eq!(queue.waiting().await.unwrap(), 2);
        queue.delete(&receipts(&second)).await.unwrap();
        assert_eq!(queue.receive(Duration::from_secs(1)).await.unwrap(), []);
        assert!(self.aws.queue(&format!("{url}-not-there"), Some(&role)).waiting().await.is_err());
    }

    async fn what_moto_does_not_have(&self) {
        let scope = self.scope(REGION);
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (start, end) = (time("2026-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"));
        let regions = self.aws.regions(&scope.account, None).await.unwrap_err();
        let resources = self.aws.aggregated_resources("all", &scope, None).await.unwrap_err();
        let reported = self.aws.reported_emissions(start, end, None).await.unwrap_err();
        assert_eq!(regions.kind, CallErrorKind::Invalid, "{regions}");
        // To what it does not know in a service, and to services that it does not know, moto says 500.
        assert_eq!(resources.kind, CallErrorKind::Transient, "{resources}");
        assert_eq!(reported.kind, CallErrorKind::Transient, "{reported}");
    }
}

/// What was made in an account.
struct Made {
    /// ARN and tag `team`.
    instances: BTreeMap<String, Option<String>>,
    volumes: usize,
    tables: usize,
}

impl Made {
    async fn new(member: &SdkConfig) -> Self {
        Self {
            instances: instances(member).await,
            volumes: volumes(member).await,
            tables: tables(member).await,
        }
        .and_single_ones(member)
        .await
    }

    /// A database and a function.
    async fn and_single_ones(self, member: &SdkConfig) -> Self {
        let database = "CreateDBInstance&DBInstanceIdentifier=orders&DBInstanceClass=db.r6g.large&Engine=postgres&\
                        AllocatedStorage=20&MasterUsername=master&MasterUserPassword=not-secret";
        query(member, "rds", REGION, "2014-10-31", database).await;

        let function = json!({
            "FunctionName": "resize", "MemorySize": 512, "Handler": "a.b", "Architectures": ["arm64"],
            "Runtime": "python3.12", "Role": lambda_role(member).await, "Code": { "ZipFile": EMPTY_ZIP },
        });
        let path = "/2015-03-31/functions";
        call(member, "lambda", REGION, path, "content-type: application/json\r\n", &function.to_string())
            .await;
        self
    }
}

/// The end of a central directory, without any file before it, in base 64.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

const EC2: &str = "2016-11-15";

async fn instances(member: &SdkConfig) -> BTreeMap<String, Option<String>> {
    let tag = "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=team&\
               TagSpecification.1.Tag.1.Value=web";
    let mut made = BTreeMap::new();
    for (tag, team) in [(tag, Some("web")), ("", None)] {
        let run = "RunInstances&ImageId=ami-12345678&InstanceType=m5.large&MinCount=3&MaxCount=3";
        let answer = query(member, "ec2", REGION, EC2, &format!("{run}{tag}")).await;
        let account = texts(&answer, "ownerId")[0];
        for id in texts(&answer, "instanceId") {
            let arn = format!("arn:aws:ec2:{REGION}:{account}:instance/{id}");
            made.insert(arn, team.map(str::to_owned));
        }
    }
    assert_eq!(made.len(), 6);
    let (gone, _) = made.pop_first().unwrap();
    let id = gone.rsplit('/').next().unwrap();
    query(member, "ec2", REGION, EC2, &format!("TerminateInstances&InstanceId.1={id}")).await;
    made
}

async fn volumes(member: &SdkConfig) -> usize {
    let tag = "TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=team&\
               TagSpecification.1.Tag.1.Value=web";
    let volume = format!("CreateVolume&AvailabilityZone={REGION}a&Size=77&{tag}");
    for _ in 0..110 {
        query(member, "ec2", REGION, EC2, &volume).await;
    }
    110
}

async fn tables(member: &SdkConfig) -> usize {
    let headers =
        "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.CreateTable\r\n";
    for number in 0..101 {
        let table = json!({
            "TableName": format!("table-{number:03}"), "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        });
        call(member, "dynamodb", REGION, "/", headers, &table.to_string()).await;
    }
    101
}

/// What stands in all elements of a name.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap()).collect()
}

/// moto wants the role of a function to be there.
async fn lambda_role(member: &SdkConfig) -> String {
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal\
                 %22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
    let call = format!("CreateRole&RoleName=lambda&AssumeRolePolicyDocument={trust}");
    let answer = query(member, "iam", "us-east-1", "2010-05-08", &call).await;
    texts(&answer, "Arn")[0].to_owned()
}

/// A call of a query protocol.
async fn query(member: &SdkConfig, service: &str, region: &str, version: &str, action: &str) -> String {
    let body = format!("Version={version}&Action={action}");
    call(member, service, region, "/", "content-type: application/x-www-form-urlencoded\r\n", &body).await
}

/// A call with a signature that moto does not look at. The SDKs that make things are not among our dependencies.
async fn call(
    member: &SdkConfig,
    service: &str,
    region: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> String {
    use aws_credential_types::provider::ProvideCredentials;
    let credentials = member.credentials_provider().unwrap().provide_credentials().await.unwrap();
    let key = credentials.access_key_id();
    let headers = format!(
        "authorization: AWS4-HMAC-SHA256 Credential={key}/20260301/{region}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n{headers}"
    );
    post(member.endpoint_url().unwrap(), path, &headers, body)
}

fn post(url: &str, path: &str, headers: &str, body: &str) -> String {
    let host = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    answer
}

fn arns(entries: &[ResourceEntry]) -> Vec<String> {
    let mut arns: Vec<_> = entries.iter().map(|entry| entry.arn.clone()).collect();
    arns.sort_unstable();
    arns
}
