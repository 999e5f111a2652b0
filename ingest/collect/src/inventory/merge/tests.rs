use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::inventory::rows::{NewRows, OldRows, Row};

const TYPES: [&str; 3] = ["AWS::EC2::Instance", "AWS::RDS::DBInstance", "AWS::S3::Bucket"];

fn told(index: usize, tags: Option<u8>, configuration: Option<u8>) -> Told {
    Told {
        arn: format!("arn:aws:x:::{index}"),
        resource_type: TYPES[index % TYPES.len()].to_owned(),
        tags: tags.map(|tag| format!("{{\"tag\":\"{tag}\"}}")),
        configuration: configuration.map(|value| format!("{{\"value\":\"{value}\"}}")),
    }
}

/// The open versions of `old`, and their rows in the same order.
fn opened(old: &[Told]) -> (Known, OldRows) {
    let mut known = Known::for_rows(old.len() as u64);
    let mut rows = NewRows::default();
    for told in old {
        let (tags, configuration) = (told.tags.as_deref(), told.configuration.as_deref());
        known.versions.push(Version::new(&told.arn, &told.resource_type, tags, configuration));
        let (arn, kind) = (Some(told.arn.as_str()), Some(told.resource_type.as_str()));
        let texts = [Some("1"), Some("r"), kind, arn, arn, tags, configuration, Some("list")];
        rows.push(&Row { texts, from_us: 0, to_us: None });
    }
    (known.sorted(), OldRows::of(&rows.take().unwrap()).unwrap())
}

/// All that a merge decides, as text by ARN.
fn decided(old: &[Told], news: &[(Slot, Told)], complete: Complete) -> BTreeMap<String, String> {
    let (known, rows) = opened(old);
    let mut merge = Merge::new(known);
    for (slot, told) in news {
        merge.accept(*slot, told);
    }
    let changes = merge.finish(complete);
    let mut decided: BTreeMap<String, String> = changes
        .fresh
        .iter()
        .map(|pending| (pending.arn.to_string(), format!("new {:?}", changes.new_content(pending))))
        .collect();
    for (row, told) in old.iter().enumerate() {
        let fate = changes.fate(&told.arn);
        let content = (fate == Fate::Changes).then(|| changes.changed_content(&rows, row));
        assert!(decided.insert(told.arn.clone(), format!("{fate:?} {content:?}")).is_none());
    }
    let begins = decided.values().filter(|text| text.starts_with("new") || text.starts_with("Changes"));
    assert_eq!(begins.count() as u64, changes.opened);
    decided
}

fn any_told() -> impl Strategy<Value = Vec<Told>> {
    let one = (prop::option::of(0u8..2), prop::option::of(0u8..2));
    prop::collection::btree_map(0usize..9, one, 0..9)
        .prop_map(|all| all.into_iter().map(|(i, (tags, value))| told(i, tags, value)).collect())
}

fn any_complete() -> impl Strategy<Value = Complete> {
    (prop::option::of(any::<bool>()), any::<bool>(), any::<[bool; 5]>())
        .prop_map(|(config, tagging, lists)| Complete { config, tagging: tagging && config.is_none(), lists })
}

proptest! {
    #[test]
    fn the_order_of_sources_and_pages_does_not_matter(
        old in any_told(),
        listed in any_told(),
        tagged in any_told(),
        complete in any_complete(),
        shuffle in any::<u64>(),
    ) {
        let tagged = tagged.into_iter().map(|told| (Slot::Tagging, Told { configuration: None, ..told }));
        // Only what has a list is listed, unless Config lists all.
        let listed = listed.into_iter().filter(|told| list_of(&told.resource_type).is_some() || complete.config.is_some());
        let mut news: Vec<(Slot, Told)> = listed.map(|told| (Slot::List, told)).chain(tagged).collect();
        let first = decided(&old, &news, complete);
        news.sort_by_key(|(slot, told)| {
            xxhash_rust::xxh3::xxh3_64_with_seed(format!("{slot:?}{}", told.arn).as_bytes(), shuffle)
        });
        prop_assert_eq!(&decided(&old, &news, complete), &first);
        // A page that comes twice says nothing new.
        let twice: Vec<_> = news.iter().chain(&news).cloned().collect();
        prop_assert_eq!(&decided(&old, &twice, complete), &first);
    }
}

#[test]
fn a_list_that_answered_knows_which_resources_there_are() {
    let all = Complete { config: None, tagging: true, lists: [true; 5] };
    let ghost = [(Slot::Tagging, told(0, Some(1), None))];
    assert_eq!(decided(&[], &ghost, all), BTreeMap::new());
    assert_eq!(decided(&[told(0, Some(1), Some(1))], &ghost, all)["arn:aws:x:::0"], "Ends None");
    let refused = Complete { lists: [false; 5], ..all };
    assert_eq!(decided(&[told(0, Some(1), Some(1))], &ghost, refused)["arn:aws:x:::0"], "Stays None");
    assert!(decided(&[], &ghost, refused)["arn:aws:x:::0"].contains("tagging"));
}

#[test]
fn what_the_last_page_says_counts() {
    let all = Complete { config: None, tagging: true, lists: [true; 5] };
    let old = [told(2, Some(1), None)];
    let news = [(Slot::Tagging, told(2, Some(2), None)), (Slot::Tagging, told(2, Some(1), None))];
    assert_eq!(decided(&old, &news, all)["arn:aws:x:::2"], "Stays None");
    let back = [news[1].clone(), news[0].clone()];
    assert!(decided(&old, &back, all)["arn:aws:x:::2"].starts_with("Changes"));
}

#[test]
fn a_new_resource_is_held_in_few_bytes() {
    let mut merge = Merge::new(Known::default());
    for index in 0..10_000 {
        let arn = format!("arn:aws:ec2:eu-west-1:111122223333:instance/i-{index:017x}");
        let resource_type = TYPES[0].to_owned();
        let tags = format!("{{\"Name\":\"thing-{index}\",\"application\":\"billing\"}}");
        let listed =
            Told { arn, resource_type, tags: Some(tags), configuration: Some("{\"a\":\"b\"}".to_owned()) };
        merge.accept(Slot::Tagging, &Told { configuration: None, ..listed.clone() });
        merge.accept(Slot::List, &listed);
    }
    let each = merge.bytes() / 10_000;
    assert!(each < 450, "{each} bytes");
}
