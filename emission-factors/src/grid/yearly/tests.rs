use super::*;

const YEARLY: &str = "area,year,direct_g_per_kwh,lifecycle_g_per_kwh,source_id,page,note
zone,2019,100,150,aws-global,,
province,2023,200,,aws-global,,
own,2025,,300,aws-global,,
country,2024,,400,aws-global,,
";
const SHARES: &str =
    "country,year,direct_share,source_id,note\n*,2023,0.5,aws-global,\nXX,2023,0.8,aws-global,\n";
const AREAS: &[&str] = &["zone", "province", "own", "country"];

fn read(yearly: &str, shares: &str) -> Result<YearlyTable, FactorError> {
    YearlyTable::read(yearly, shares, &Sources::embedded().unwrap())
}

fn chosen(areas: &[&str], year: i16) -> (String, i16, bool) {
    let factor = read(YEARLY, SHARES).unwrap().factor(areas, "XX", year).unwrap();
    (factor.area, factor.year, factor.is_year_fallback)
}

#[test]
fn the_first_fresh_area_serves() {
    assert_eq!(chosen(AREAS, 2019), ("zone".into(), 2019, false));
    assert_eq!(chosen(AREAS, 2024), ("zone".into(), 2019, true)); // five years: still fresh
    assert_eq!(chosen(AREAS, 2025), ("province".into(), 2023, true)); // six: no longer
    assert_eq!(chosen(&["zone", "country"], 2026), ("country".into(), 2024, true));
}

#[test]
fn without_a_fresh_one_the_newest_before_serves_then_the_first_after() {
    assert_eq!(chosen(AREAS, 2040), ("own".into(), 2025, true));
    assert_eq!(chosen(AREAS, 2010), ("zone".into(), 2019, true));
    assert_eq!(chosen(&["own", "country"], 2020), ("country".into(), 2024, true));
    assert!(read(YEARLY, SHARES).unwrap().factor(&["nowhere"], "XX", 2024).is_err());
}

#[test]
fn the_missing_figure_comes_from_the_share() {
    let table = read(YEARLY, SHARES).unwrap();
    let own = table.factor(&["own"], "XX", 2025).unwrap();
    assert!((own.direct_g_per_kwh.central() - 240.0).abs() < 1e-9);
    assert!((own.upstream_g_per_kwh.central() - 60.0).abs() < 1e-9);
    let province = table.factor(&["province"], "YY", 2023).unwrap(); // the world's share, one half
    assert!((province.upstream_g_per_kwh.central() - 200.0).abs() < 1e-9);
    assert_eq!(province.basis, FactorBasis::DirectOnly);
}

#[test]
fn bounds_are_the_spread_of_the_areas() {
    let factor = read(YEARLY, SHARES).unwrap().factor(AREAS, "XX", 2025).unwrap();
    // province 200, own 0.8 * 300 = 240, country 0.8 * 400 = 320 and the zone's 100 of 2019, within five years.
    let direct = factor.direct_g_per_kwh;
    assert!((direct.low() - 100.0).abs() < 1e-9 && (direct.high() - 320.0).abs() < 1e-9);
}

#[test]
fn faulty_tables_are_refused() {
    let row = |row: &str| {
        let head = YEARLY.lines().next().unwrap();
        read(&format!("{head}\n{row}\n"), SHARES).unwrap_err().to_string()
    };
    assert!(row("a,2024,,,aws-global,,").contains("neither direct nor lifecycle"));
    assert!(row("a,2024,300,200,aws-global,,").contains("below the direct figure"));
    assert!(row("a,2024,-1,,aws-global,,").contains("is outside 0 to 1500"));
    assert!(row("a,2024,1,,nowhere,,").contains("nowhere"));
    assert!(row("a,2024,1,,aws-global,,\na,2024,2,,aws-global,,").contains("stands twice"));
    assert!(read(YEARLY, "country,year,direct_share,source_id,note\n").is_err());
    assert!(read(YEARLY, "country,year,direct_share,source_id,note\n*,2023,1.2,aws-global,\n").is_err());
}
