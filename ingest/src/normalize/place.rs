//! Where and what: facts that stand inside other texts.

use std::borrow::Cow;

/// A region code; null for services that have none, which some exports call `global`.
pub(super) fn region(code: &str) -> Option<Cow<'_, str>> {
    (!code.is_empty() && !code.eq_ignore_ascii_case("global")).then_some(Cow::Borrowed(code))
}

/// The region of an AWS availability zone or local zone: `us-west-2a`, `us-west-2-lax-1a`. Null for anything else.
pub(super) fn region_of_zone(zone: &str) -> Option<Cow<'_, str>> {
    let digit = zone.find(|c: char| c.is_ascii_digit())?;
    let (name, rest) = zone.split_at(digit);
    let shaped = name.ends_with('-')
        && name.matches('-').count() >= 2
        && name.bytes().all(|b| b == b'-' || b.is_ascii_lowercase());
    let tail = &rest[1..];
    let letter = |tail: &str| tail.len() == 1 && tail.bytes().all(|b| b.is_ascii_lowercase());
    (shaped && (tail.is_empty() || letter(tail) || tail.starts_with('-')))
        .then(|| Cow::Borrowed(&zone[..=digit]))
}

/// Sizes that end the name of an instance or node type.
const SIZES: &[&str] = &["nano", "micro", "small", "medium", "large", "metal"];

/// Whether a word is the name of an instance or node type: `m5.large`, `db.r6g.2xlarge`, `m5.large.search`.
pub(super) fn is_instance_type(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_size = |part: &str| {
        let part = part.trim_start_matches(|c: char| c.is_ascii_digit());
        SIZES.contains(&part) || part == "xlarge" || part.starts_with("metal-")
    };
    let is_family = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.contains(|c: char| c.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    parts.windows(2).any(|pair| is_family(pair[0]) && is_size(pair[1]))
}

/// The instance type after the colon of a usage type: `USW2-BoxUsage:m5.large`.
pub(super) fn instance_of_usage_type(usage_type: &str) -> Option<Cow<'_, str>> {
    let (_, word) = usage_type.split_once(':')?;
    is_instance_type(word).then_some(Cow::Borrowed(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_lie_in_regions() {
        for (zone, region) in [
            ("us-west-2a", Some("us-west-2")),
            ("us-west-2-lax-1a", Some("us-west-2")),
            ("us-gov-east-1b", Some("us-gov-east-1")),
            ("eu-central-1", Some("eu-central-1")),
            ("use1-az1", None),
            ("0.02", None),
            ("fjrQ:US-SANJOSE-1-AD-1", None),
            ("1", None),
        ] {
            assert_eq!(region_of_zone(zone).as_deref(), region, "{zone}");
        }
    }

    #[test]
    fn instance_types_are_told_from_other_words() {
        for word in [
            "m5.large",
            "db.r6g.2xlarge",
            "cache.t3.micro",
            "m5.large.search",
            "u-6tb1.metal",
            "m7i.metal-24xl",
        ] {
            assert!(is_instance_type(word), "{word}");
        }
        for word in ["VolumeUsage.gp3", "gp2", "large", "EBS:SnapshotUsage", "perCPU", "1.5", "u.large"] {
            assert!(!is_instance_type(word), "{word}");
        }
        assert_eq!(instance_of_usage_type("USW2-BoxUsage:m5.large").as_deref(), Some("m5.large"));
        assert_eq!(instance_of_usage_type("EBS:VolumeUsage.gp3"), None);
    }
}
