//! Versions over random histories and refusals, against a model that holds everything in full and knows no hashes.

use proptest::prelude::*;

use super::*;
use crate::stand_in::Kind;

const RESOURCES: u32 = 20;
const SOURCES: [&str; 6] =
    ["tagged_resources", "Ec2Instances", "Ec2Volumes", "RdsInstances", "LambdaFunctions", "DynamoDbTables"];

/// Tags and configuration, as JSON.
type Content = (Option<String>, Option<String>);

/// What the table should say of a resource after a sweep, from what it said before and what is there now.
fn expected(
    kind: Kind,
    now: Option<&ResourceEntry>,
    before: Option<&Content>,
    denied: &BTreeSet<&str>,
) -> Option<Content> {
    let answers = |name: &str| !denied.contains(name);
    let tags = now.and_then(|entry| entry.tags.clone()).unwrap_or_default();
    let tags_text = serde_json::to_string(&tags).unwrap();
    let tagging_tells = now.is_some() && !tags.is_empty() && answers("tagged_resources");
    let Some(list) = kind.list() else {
        return match (tagging_tells, answers("tagged_resources")) {
            (true, _) => Some((Some(tags_text), None)),
            (false, true) => None,
            (false, false) => before.cloned(),
        };
    };
    let configuration = now.map(|entry| serde_json::to_string(&entry.configuration).unwrap());
    if !answers(&format!("{list:?}")) {
        return match (tagging_tells, before) {
            (true, Some((_, configuration))) => Some((Some(tags_text), configuration.clone())),
            (true, None) => Some((Some(tags_text), None)),
            (false, before) => before.cloned(),
        };
    }
    now?;
    let list_tells_tags = matches!(kind, Kind::Instance | Kind::Volume | Kind::Database);
    let tags = match (answers("tagged_resources") || list_tells_tags, before) {
        (true, _) => Some(tags_text),
        (false, Some((tags, _))) => tags.clone(),
        (false, None) => None,
    };
    Some((tags, configuration))
}

/// A sweep: seconds since the last, revisions by resource, refusals by source.
fn any_sweep() -> impl Strategy<Value = (i64, Vec<Option<u32>>, Vec<bool>)> {
    let revision = prop_oneof![3 => Just(Some(0)), 1 => Just(Some(1)), 1 => Just(Some(2)), 1 => Just(None)];
    let refusal = prop::bool::weighted(0.15);
    (
        1i64..5,
        prop::collection::vec(revision, RESOURCES as usize),
        prop::collection::vec(refusal, SOURCES.len()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn at_any_time_exactly_what_was_visible_is_open(sweeps in prop::collection::vec(any_sweep(), 1..7)) {
        let world = World::new(Shape { resources: RESOURCES, ..Shape::default() });
        let scope = world.cloud.scope(3, 0);
        let (mut now, mut model, mut history) = (0, BTreeMap::<String, Content>::new(), Vec::new());
        world.run(async {
            for (seconds, revisions, refusals) in sweeps {
                now += seconds;
                let denied: BTreeSet<&str> =
                    SOURCES.into_iter().zip(refusals).filter_map(|(name, is)| is.then_some(name)).collect();
                world.deny(&denied.iter().copied().collect::<Vec<_>>());
                world.cloud.set_state(move |_, index| revisions[index as usize]);
                let (version, before) = (world.version().await, model.clone());
                world.observe(&scope, now).await;
                for index in 0..RESOURCES {
                    let arn = arn(&world, &scope, index);
                    let entry = world.cloud.resource(&scope, index);
                    let after = expected(world.cloud.kind(index), entry.as_ref(), model.get(&arn), &denied);
                    match after {
                        Some(content) => drop(model.insert(arn, content)),
                        None => drop(model.remove(&arn)),
                    }
                }
                let commits = world.version().await - version;
                assert_eq!(commits, u64::from(model != before), "a commit when something changed, else none");
                history.push((now, model.clone()));
            }
            let rows = world.rows().await;
            for (time, model) in &history {
                let open: BTreeMap<String, Content> = rows
                    .iter()
                    .flat_map(|(arn, versions)| versions.iter().map(move |version| (arn, version)))
                    .filter(|(_, row)| row.3 <= *time && row.4.is_none_or(|to| *time < to))
                    .map(|(arn, row)| (arn.clone(), (row.1.clone(), row.2.clone())))
                    .collect();
                assert_eq!(&open, model, "at {time}");
            }
            for versions in rows.values() {
                for pair in versions.windows(2) {
                    assert!(pair[0].4.is_some_and(|to| to <= pair[1].3), "{pair:?}");
                }
                assert!(versions.iter().all(|row| row.4.is_none_or(|to| row.3 < to)));
            }
        });
    }
}
