//! Local zones and wavelength zones: small sites of a region, far from it.
//!
//! An export names such a site by its code (`us-west-2-lax-1`, `us-east-1-wl1-atl1`), by the prefix of the usage type
//! (`LAX1-BoxUsage:t3.medium`, `USE1WL1ATL1-...`), or by both codes (`USW2-LAX1-...`). All of them are read here, and one rule holds
//! for all: a site that the factor set has as a region of its own is that region. Any other takes every figure of its
//! parent region, and the line is a stand-in, because a site in Los Angeles draws from another grid than one in Oregon.

use airshed_emission_factors::facility;

/// The local zones of AWS, without their last letter
/// (<https://docs.aws.amazon.com/local-zones/latest/ug/available-local-zones.html>). Their prefix in usage types is the
/// end of the code: `LAX1` of `us-west-2-lax-1`.
const LOCAL_ZONES: [&str; 40] = [
    "af-south-1-los-1",
    "ap-northeast-1-tpe-1",
    "ap-south-1-ccu-1",
    "ap-south-1-del-1",
    "ap-southeast-1-bkk-1",
    "ap-southeast-1-mnl-1",
    "ap-southeast-2-akl-1",
    "ap-southeast-2-per-1",
    "eu-central-1-ham-1",
    "eu-central-1-waw-1",
    "eu-north-1-cph-1",
    "eu-north-1-hel-1",
    "me-south-1-mct-1",
    "us-east-1-atl-1",
    "us-east-1-atl-2",
    "us-east-1-bos-1",
    "us-east-1-bue-1",
    "us-east-1-chi-1",
    "us-east-1-chi-2",
    "us-east-1-dfw-1",
    "us-east-1-dfw-2",
    "us-east-1-iah-1",
    "us-east-1-iah-2",
    "us-east-1-lim-1",
    "us-east-1-mci-1",
    "us-east-1-mia-1",
    "us-east-1-mia-2",
    "us-east-1-msp-1",
    "us-east-1-nyc-1",
    "us-east-1-nyc-2",
    "us-east-1-phl-1",
    "us-east-1-qro-1",
    "us-east-1-scl-1",
    "us-west-2-den-1",
    "us-west-2-hnl-1",
    "us-west-2-las-1",
    "us-west-2-lax-1",
    "us-west-2-pdx-1",
    "us-west-2-phx-2",
    "us-west-2-sea-1",
];

/// Where the figures of a site come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site<'a> {
    /// The factor set has the site as a region of its own, by this code.
    Own(&'a str),
    /// The region that the site belongs to.
    Parent(&'a str),
}

/// A site by its code, such as `us-west-2-lax-1` or `us-west-2-lax-1a`; `None` for anything that is not a known region
/// followed by more.
pub fn site<'r>(code: &str, regions: &'r facility::Table) -> Option<Site<'r>> {
    let group = code.trim_end_matches(|c: char| c.is_ascii_lowercase());
    if let Some(own) = regions.region("aws", code).or_else(|| regions.region("aws", group)) {
        return Some(Site::Own(own.code.as_str()));
    }
    let digit = code.find(|c: char| c.is_ascii_digit())?;
    let (parent, rest) = code.split_at(digit + 1);
    let parent = regions.region("aws", parent).filter(|_| rest.starts_with('-') && rest.len() > 1)?;
    Some(Site::Parent(parent.code.as_str()))
}

/// A site by the prefix of its usage types, such as `LAX1` or `USE1WL1ATL1`, and the region that the line names besides,
/// if it does.
pub(crate) fn site_of_prefix<'r>(
    prefix: &str,
    parent: Option<&str>,
    regions: &'r facility::Table,
) -> Option<Site<'r>> {
    if let Some((billing_code, zone)) = prefix.split_once("WL").filter(|(_, zone)| is_zone_number(zone)) {
        let parent = regions.region_by_billing_prefix(billing_code)?;
        let (number, place) = zone.split_at(1);
        let place = if place.is_empty() { String::new() } else { format!("-{}", place.to_ascii_lowercase()) };
        return site(&format!("{}-wl{number}{place}", parent.code), regions);
    }
    let (place, number) = prefix.split_at_checked(3)?;
    let has_form = (1..=2).contains(&number.len())
        && place.bytes().all(|byte| byte.is_ascii_uppercase())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if !has_form {
        return None;
    }
    let end = format!("-{}-{number}", place.to_ascii_lowercase());
    match parent {
        Some(parent) => site(&format!("{parent}{end}"), regions),
        None => LOCAL_ZONES.iter().find(|zone| zone.ends_with(&end)).and_then(|zone| site(zone, regions)),
    }
}

/// Whether a text is a digit and then nothing but digits and capitals: the zone of `WL1ATL1`.
fn is_zone_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::FACTORS;

    #[test]
    fn a_site_takes_the_figures_of_its_region() {
        let regions = FACTORS.facility();
        for (code, found) in [
            ("us-west-2-lax-1", Some(Site::Parent("us-west-2"))),
            ("us-west-2-lax-1a", Some(Site::Parent("us-west-2"))),
            ("us-east-1-wl1-bos-wlz-1", Some(Site::Parent("us-east-1"))),
            ("us-east-1-wl1", Some(Site::Parent("us-east-1"))),
            ("us-gov-west-1-abc-1", Some(Site::Parent("us-gov-west-1"))),
            ("us-west-2", Some(Site::Own("us-west-2"))),
            ("us-west-2a", Some(Site::Own("us-west-2"))),
            ("mars-north-1-lax-1", None),
            ("us-west-2-", None),
            ("lax", None),
        ] {
            assert_eq!(site(code, regions), found, "{code}");
        }
        assert_eq!(site_of_prefix("LAX1", None, regions), Some(Site::Parent("us-west-2")));
        assert_eq!(site_of_prefix("XYZ9", Some("us-west-2"), regions), Some(Site::Parent("us-west-2")));
        assert_eq!(site_of_prefix("XYZ9", None, regions), None);
        for wavelength in ["USE1WL1", "USE1WL1ATL1"] {
            assert_eq!(site_of_prefix(wavelength, None, regions), Some(Site::Parent("us-east-1")));
        }
        for other in ["WL1", "BOWL", "USE1WL", "AWS", "ECS", "SHA256"] {
            assert_eq!(site_of_prefix(other, Some("us-east-1"), regions), None, "{other}");
        }
    }

    #[test]
    fn every_local_zone_has_a_region_and_a_prefix_of_its_own() {
        let mut prefixes: Vec<&str> = Vec::new();
        for zone in LOCAL_ZONES {
            assert!(matches!(site(zone, FACTORS.facility()), Some(Site::Parent(_))), "{zone}");
            prefixes.push(&zone[zone.len() - 5..]);
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), LOCAL_ZONES.len());
        for prefix in prefixes {
            let prefix = prefix.replace('-', "").to_uppercase();
            assert!(FACTORS.facility().region_by_billing_prefix(&prefix).is_none(), "{prefix}");
        }
    }
}
