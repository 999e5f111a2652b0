//! The region prefix of AWS usage types.
//!
//! Three forms are seen: a billing code (`USW2-BoxUsage:m5.large`, `EU-...` for eu-west-1, `LAX1-...` for a local zone),
//! two of them for traffic between regions (`USE1-APN1-AWS-Out-Bytes`: the first is the line's own) or for a region and
//! its local zone (`USW2-LAX1-...`), and a whole region code
//! (`us-east-1-KMS-Requests`). Many usage types start with capitals and a hyphen and have no prefix at all
//! (`DNS-Queries`, `ECS-EC2-vCPU-Hours`, `AWS-Out-Bytes`), so only codes that the factor set knows count, or texts of
//! the codes' own form: three letters and a digit (`LAX1`). CloudFront's `US-`, `EU-` and so on are parts of the world.

use airshed_emission_factors::facility;

use super::LineRegion;
use crate::place::zone::{Site, site_of_prefix};

/// Edge locations of CloudFront by prefix, each with the region whose grid stands in for that part of the world.
const EDGES: [(&str, &str); 9] = [
    ("US-", "us-east-1"),
    ("CA-", "ca-central-1"),
    ("EU-", "eu-central-1"),
    ("JP-", "ap-northeast-1"),
    ("AP-", "ap-southeast-1"),
    ("AU-", "ap-southeast-2"),
    ("IN-", "ap-south-1"),
    ("SA-", "sa-east-1"),
    ("ZA-", "af-south-1"),
];
/// CloudFront's Middle East.
const EDGE_MIDDLE_EAST: (&str, &str) = ("ME-", "me-central-1");

/// A usage type without its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stripped<'a> {
    /// What is left.
    pub usage: &'a str,
    /// The region that the prefix names, `None` without a prefix.
    pub region: Option<LineRegion<'a>>,
}

/// Takes the region prefix off a usage type.
pub fn strip_region_prefix<'a>(
    usage_type: &'a str,
    service: &str,
    regions: &'a facility::Table,
) -> Stripped<'a> {
    if service == "AmazonCloudFront" {
        let edge = EDGES.iter().chain([&EDGE_MIDDLE_EAST]).find(|(prefix, _)| usage_type.starts_with(prefix));
        if let Some((prefix, region)) = edge {
            return Stripped { usage: &usage_type[prefix.len()..], region: Some(LineRegion::Edge(region)) };
        }
    }
    if let Some((code, rest)) = split_region_code(usage_type) {
        let region =
            regions.region("aws", code).map_or(LineRegion::UnknownPrefix(code), |_| LineRegion::Prefix(code));
        return Stripped { usage: rest, region: Some(region) };
    }
    let mut stripped = Stripped { usage: usage_type, region: None };
    while let Some((prefix, rest)) = stripped.usage.split_once('-') {
        let parent = if let Some(LineRegion::Prefix(code)) = stripped.region { Some(code) } else { None };
        let region = regions.region_by_billing_prefix(prefix).map(|region| region.code.as_str());
        let found = match (region, site_of_prefix(prefix, parent, regions)) {
            (Some(code), _) | (None, Some(Site::Own(code))) => LineRegion::Prefix(code),
            (None, Some(Site::Parent(code))) => LineRegion::LocalZone(code),
            (None, None) if has_form_of_code(prefix) => LineRegion::UnknownPrefix(prefix),
            (None, None) => break,
        };
        // The first known code is the line's own region; a second one is a local zone of it, or the other end of a
        // transfer between regions.
        let is_zone = region.is_none() && !rest.starts_with("AWS-");
        stripped.region = match stripped.region {
            None | Some(LineRegion::UnknownPrefix(_)) => Some(found),
            Some(LineRegion::Prefix(_)) if is_zone => Some(found),
            own => own,
        };
        stripped.usage = rest;
    }
    stripped
}

/// `us-east-1` and `KMS-Requests` of `us-east-1-KMS-Requests`.
fn split_region_code(text: &str) -> Option<(&str, &str)> {
    let digit = text.find(|c: char| !(c.is_ascii_lowercase() || c == '-'))?;
    let (code, rest) = text.split_at(digit + 1);
    let parts = code.split('-').count();
    let is_code =
        text.as_bytes()[digit].is_ascii_digit() && (3..=4).contains(&parts) && !code.starts_with('-');
    is_code.then_some(())?;
    Some((code, rest.strip_prefix('-')?))
}

fn has_form_of_code(prefix: &str) -> bool {
    let bytes = prefix.as_bytes();
    (4..=5).contains(&bytes.len())
        && bytes[..3].iter().all(u8::is_ascii_uppercase)
        && bytes[3..].iter().all(u8::is_ascii_digit)
}
