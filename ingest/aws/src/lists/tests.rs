//! Answers of real shape, with what the services send that the collectors do not use. Their form is that of the examples
//! in the API references that the modules cite; names, tags and numbers are made up.

use aws_smithy_types::body::SdkBody;
use proptest::prelude::*;

use super::*;
use crate::resource_type::resource_type;

const INSTANCES: &str = include_str!("tests/describe_instances.xml");
const VOLUMES: &str = include_str!("tests/describe_volumes.xml");
const DATABASES: &str = include_str!("tests/describe_db_instances.xml");
const FUNCTIONS: &str = include_str!("tests/list_functions.json");
const TABLES: &str = include_str!("tests/list_tables.json");

fn scope(region: &str) -> Scope {
    Scope { account: "111122223333".into(), region: region.into() }
}

/// The resources of an answer; the error is why it cannot be read, or what a resource lacks.
fn read<L: List>(answer: &[u8], scope: &Scope) -> Result<Page<ResourceEntry>, String> {
    let page = L::SERVICE.format.read::<L::Page>(answer).map_err(|error| error.to_string())?;
    L::read(page, scope).map_err(str::to_owned)
}

fn page<L: List>(answer: &str, region: &str) -> Page<ResourceEntry> {
    let page = read::<L>(answer.as_bytes(), &scope(region)).unwrap();
    for entry in &page.items {
        let same = resource_type(&entry.arn);
        assert_eq!(same.as_ref(), Some(&entry.resource_type), "the tagging API says the same");
    }
    page
}

fn told(entry: &ResourceEntry) -> Vec<(&str, &str)> {
    entry.configuration.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn tags(entry: &ResourceEntry) -> Vec<(&str, &str)> {
    let tags = entry.tags.as_ref().unwrap();
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn instances_of_all_reservations() {
    let page = page::<Instances>(INSTANCES, "eu-west-1");
    assert_eq!(page.next.as_deref(), Some("eyJ2IjoiMiIsImMiOiJ+/w=="));
    let [first, second, third] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(first.arn, "arn:aws:ec2:eu-west-1:111122223333:instance/i-1234567890abcdef0");
    assert_eq!(
        told(first),
        [
            ("architecture", "x86_64"),
            ("availability_zone", "eu-west-1c"),
            ("cpu_cores", "1"),
            ("cpu_threads_per_core", "1"),
            ("instance_type", "t2.micro"),
            ("platform", "Linux/UNIX"),
            ("tenancy", "default"),
        ]
    );
    let expected = [("Name", "Server & Söhne — <1>"), ("cost centre", ""), ("padded", " two  spaces ")];
    assert_eq!(tags(first), expected);
    assert_eq!(
        told(second),
        [
            ("architecture", "arm64"),
            ("availability_zone", "eu-west-1a"),
            ("instance_type", "m7g.large"),
            ("lifecycle", "spot"),
            ("tenancy", "dedicated"),
        ]
    );
    assert_eq!(told(third), [("instance_type", "x99.future")]);
    assert_eq!((tags(second), tags(third)), (vec![], vec![]));
}

#[test]
fn an_instance_is_told_without_what_changes_by_itself() {
    let running = page::<Instances>(INSTANCES, "eu-west-1");
    let stopped = INSTANCES.replace("<code>16</code>", "<code>80</code>").replace(">running<", ">stopped<");
    let stopped = stopped.replace("54.194.252.215", "").replace("ip-192-168-1-88", "ip-192-168-1-89");
    assert_ne!(stopped, INSTANCES);
    assert_eq!(page::<Instances>(&stopped, "eu-west-1").items, running.items);
}

#[test]
fn volumes_and_their_partition() {
    let page = page::<Volumes>(VOLUMES, "cn-north-1");
    let [old, new] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(old.arn, "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1234567890abcdef0");
    assert_eq!(
        told(old),
        [("availability_zone", "us-east-1a"), ("size_gib", "80"), ("volume_type", "standard")]
    );
    assert_eq!(
        told(new),
        [
            ("availability_zone", "us-east-1a"),
            ("iops", "3000"),
            ("size_gib", "500"),
            ("throughput_mib_per_s", "125"),
            ("volume_type", "gp3"),
        ]
    );
    assert_eq!((tags(old), tags(new)), (vec![], vec![("team", "web")]));
    assert_eq!(page.next, None, "an empty token is none");
}

#[test]
fn databases_are_told_without_their_zone() {
    let page = page::<Databases>(DATABASES, "us-east-1");
    let [orders, ledger] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(orders.arn, "arn:aws:rds:us-east-1:111122223333:db:orders");
    assert_eq!(
        told(orders),
        [
            ("engine", "postgres"),
            ("instance_type", "db.r6g.large"),
            ("iops", "1000"),
            ("multi_az", "true"),
            ("size_gib", "100"),
            ("storage_type", "io1"),
        ]
    );
    assert_eq!(tags(orders), [("note", ""), ("team", "web")]);
    assert_eq!(
        told(ledger),
        [
            ("cluster", "ledger"),
            ("engine", "aurora-postgresql"),
            ("instance_type", "db.serverless"),
            ("multi_az", "false"),
            ("size_gib", "1"),
            ("storage_type", "aurora"),
        ]
    );
    assert_eq!(page.next.as_deref(), Some("eyJtYXJrZXIiOiAibGVkZ2VyLTEifQ=="));
}

#[test]
fn functions_and_tables() {
    let page = page::<Functions>(FUNCTIONS, "us-west-2");
    let [resize, image] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(resize.arn, "arn:aws:lambda:us-west-2:111122223333:function:resize");
    assert_eq!(
        told(resize),
        [
            ("architecture", "x86_64"),
            ("ephemeral_storage_mib", "512"),
            ("memory_mib", "1024"),
            ("package_type", "Zip"),
            ("runtime", "nodejs22.x"),
        ]
    );
    assert_eq!(told(image), [("architecture", "arm64"), ("memory_mib", "128"), ("package_type", "Image")]);
    assert_eq!((&resize.tags, &image.tags), (&None, &None));
    assert_eq!(page.next.as_deref(), Some("a+b/c=="));

    let page = self::page::<Tables>(TABLES, "us-west-2");
    let arns: Vec<_> = page.items.iter().map(|table| table.arn.as_str()).collect();
    let table = |name: &str| format!("arn:aws:dynamodb:us-west-2:111122223333:table/{name}");
    assert_eq!(arns, [table("Forum"), table("Reply"), table("Thread")]);
    assert_eq!(page.next.as_deref(), Some("Thread"));
}

/// An answer without the list would else be read as: all resources are gone.
#[test]
fn a_list_that_is_left_out_is_not_an_empty_one() {
    let fails = |read: Result<Page<ResourceEntry>, String>, why: &str| {
        let error = read.unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    let scope = scope("eu-west-1");
    let set = b"<DescribeInstancesResponse><nextToken/></DescribeInstancesResponse>";
    fails(read::<Instances>(set, &scope), "reservationSet");
    fails(read::<Volumes>(b"<DescribeVolumesResponse/>", &scope), "volumeSet");
    fails(read::<Volumes>(INSTANCES.as_bytes(), &scope), "DescribeInstancesResponse");
    let result = b"<DescribeDBInstancesResponse><DescribeDBInstancesResult/></DescribeDBInstancesResponse>";
    fails(read::<Databases>(result, &scope), "DBInstances");
    fails(read::<Databases>(b"<DescribeDBInstancesResponse/>", &scope), "DescribeDBInstancesResult");
    fails(read::<Functions>(b"{}", &scope), "Functions");
    fails(read::<Tables>(b"{}", &scope), "TableNames");
    // Cut between two elements: the SDK's reader of XML takes this for whole.
    let cut = VOLUMES.find("<nextToken/>").unwrap();
    fails(read::<Volumes>(&VOLUMES.as_bytes()[..cut], &scope), "not closed");
}

#[test]
fn a_resource_without_a_name_is_an_odd_answer() {
    let without = |answer: &str, element: &str| {
        let lines = answer.lines().filter(|line| !line.contains(element));
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    };
    let scope = scope("eu-west-1");
    let lacks = |read: Result<Page<ResourceEntry>, String>| read.unwrap_err();
    assert_eq!(
        lacks(read::<Instances>(&without(INSTANCES, "instanceId"), &scope)),
        "an instance without an id"
    );
    let volumes = without(VOLUMES, "<volumeId>vol-049df61146c4d7901");
    assert_eq!(lacks(read::<Volumes>(&volumes, &scope)), "a volume without an id");
    let databases = without(DATABASES, "DBInstanceArn");
    assert_eq!(lacks(read::<Databases>(&databases, &scope)), "a database without an ARN");
    let functions = without(FUNCTIONS, "FunctionArn");
    assert_eq!(lacks(read::<Functions>(&functions, &scope)), "a function without an ARN");
}

/// Reads bytes as all that they could be.
fn read_as_all(answer: &[u8]) {
    let scope = scope("eu-west-1");
    let read = [
        read::<Instances>(answer, &scope),
        read::<Volumes>(answer, &scope),
        read::<Databases>(answer, &scope),
        read::<Functions>(answer, &scope),
        read::<Tables>(answer, &scope),
    ];
    // What can be read as one is no other.
    assert!(read.iter().flatten().count() <= 1, "{}", String::from_utf8_lossy(answer));
    for format in [Format::Xml, Format::Json] {
        format.refusal(HttpResponse::new(200.try_into().unwrap(), SdkBody::empty()).headers(), answer);
    }
}

fn damaged(answer: &[u8], damages: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = answer.to_vec();
    for (at, how, byte) in damages {
        let at = at.index(bytes.len() + 1);
        match how % 4 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.drain(at..bytes.len().min(at + usize::from(*byte)))),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = *byte),
        }
    }
    bytes
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_as_all(&bytes);
    }

    #[test]
    fn no_damage_does_harm(
        which in 0..5_usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 0..6),
    ) {
        let answer = [INSTANCES, VOLUMES, DATABASES, FUNCTIONS, TABLES][which];
        read_as_all(&damaged(answer.as_bytes(), &damages));
    }
}

/// Nesting must not use up the stack.
#[test]
fn deep_answers_do_no_harm() {
    for (open, close) in
        [("<item>", "</item>"), ("<DescribeVolumesResponse>", ""), ("[", "]"), (r#"{"Functions":"#, "}")]
    {
        read_as_all(format!("{}{}", open.repeat(100_000), close.repeat(100_000)).as_bytes());
        let inside =
            format!("<DescribeVolumesResponse><x>{}{}</x>", open.repeat(100_000), close.repeat(100_000));
        read_as_all(inside.as_bytes());
    }
}
