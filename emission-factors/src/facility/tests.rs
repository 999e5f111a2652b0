use super::*;

fn table() -> Table {
    Table::load(&Sources::embedded().unwrap()).unwrap()
}

fn aws(table: &Table, code: &str) -> Region {
    table.region("aws", code).unwrap().clone()
}

#[test]
fn every_aws_region_resolves_to_pue_and_wue() {
    let table = table();
    let regions: Vec<&Region> = table.regions().filter(|region| region.provider == "aws").collect();
    // 38 public regions (GovCloud and China among them) and three of the ISO partitions.
    assert_eq!(regions.len(), 41);
    for region in regions {
        for year in [2018, 2024, 2026] {
            assert!(table.pue(region, year).unwrap().value.central() >= 1.0, "{}", region.code);
            assert!(table.wue(region, year).unwrap().value.central() >= 0.0, "{}", region.code);
        }
    }
}

#[test]
fn every_region_of_the_others_resolves_too() {
    let table = table();
    for region in table.regions().filter(|region| region.provider != "aws") {
        table.pue(region, 2025).unwrap();
        table.wue(region, 2025).unwrap();
    }
    assert!(table.region("gcp", "europe-west4").is_some());
    assert!(table.region("azure", "westeurope").is_some());
    assert_eq!(table.region("azure", "northeurope").unwrap().country, "IE");
}

/// AWS's published PUE and WUE of 2024 as the GSF's table carries them.
#[test]
fn published_figures_are_taken_as_they_stand() {
    let table = table();
    for (code, year, pue) in [
        ("us-east-1", 2024, 1.15),
        ("us-east-1", 2022, 1.16),
        ("eu-central-1", 2024, 1.35),
        ("eu-north-1", 2024, 1.10),
        ("ap-south-2", 2023, 1.50),
    ] {
        let figure = table.pue(&aws(&table, code), year).unwrap();
        assert!((figure.value.central() - pue).abs() < 1e-12, "{code}");
        assert_eq!(figure.basis, FigureBasis::Published, "{code}");
        assert!(!figure.is_fallback());
        assert_eq!(figure.factor_id.as_str(), format!("facility/pue/aws/{code}/{year}"));
    }
    let wue = table.wue(&aws(&table, "ap-southeast-3"), 2024).unwrap();
    assert!((wue.value.central() - 2.75).abs() < 1e-12);
}

#[test]
fn another_year_is_marked() {
    let table = table();
    let virginia = aws(&table, "us-east-1");
    let later = table.pue(&virginia, 2026).unwrap();
    assert_eq!((later.year, later.basis), (2024, FigureBasis::OtherYear));
    let earlier = table.pue(&virginia, 2018).unwrap();
    assert_eq!((earlier.year, earlier.basis), (2022, FigureBasis::OtherYear));
    assert!(earlier.is_fallback());
    // Bounds are the spread of the published years: 1.15 to 1.16.
    assert!((later.value.low() - 1.15).abs() < 1e-12 && (later.value.high() - 1.16).abs() < 1e-12);
}

/// AWS publishes nothing for London; its global PUE was 1.15 in 2024.
#[test]
fn a_region_without_figures_takes_the_fleet_and_says_so() {
    let table = table();
    let figure = table.pue(&aws(&table, "eu-west-2"), 2024).unwrap();
    assert!((figure.value.central() - 1.15).abs() < 1e-12);
    assert_eq!(figure.basis, FigureBasis::Fleet);
    assert_eq!(figure.factor_id.as_str(), "facility/pue/aws/fleet/2024");
    assert!(figure.value.low() < 1.10 && figure.value.high() > 1.40);
}

#[test]
fn billing_prefixes_lead_to_regions() {
    let table = table();
    for (prefix, code) in
        [("USE1", "us-east-1"), ("EU", "eu-west-1"), ("APS1", "ap-southeast-1"), ("UGW1", "us-gov-west-1")]
    {
        assert_eq!(table.region_by_billing_prefix(prefix).unwrap().code, code);
    }
    assert!(table.region_by_billing_prefix("XXX1").is_none());
    assert!(table.region("aws", "us-east-9").is_none());
}

#[test]
fn an_unbelievable_pue_is_refused() {
    let sources = Sources::embedded().unwrap();
    let text = "provider,region,year,value,source_id,page,note\naws,x,2024,0.9,aws-global,,\n";
    let error = Figures::read("facility/pue", "1", text, &PUE_RANGE, &sources).unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    let text = "provider,region,year,value,source_id,page,note\naws,x,2024,1.1,no-such-source,,\n";
    assert!(Figures::read("facility/pue", "1", text, &PUE_RANGE, &sources).is_err());
}

#[test]
fn ids_are_unique() {
    let factors = table().factors();
    let ids: std::collections::BTreeSet<_> = factors.iter().map(|factor| factor.id.as_str()).collect();
    assert_eq!(ids.len(), factors.len());
}
