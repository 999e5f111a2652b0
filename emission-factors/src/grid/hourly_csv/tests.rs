use super::*;

/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200;

fn read(text: &str) -> Result<(HourlyCsvSummary, crate::grid::HourlyGrid), HourlyCsvError> {
    let mut builder = HourlyGridBuilder::default();
    let summary = read_hourly_csv(text.as_bytes(), &mut builder)?;
    Ok((summary, builder.build().unwrap()))
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

const CURRENT: &str = "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),\
Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),Renewable energy percentage (RE%),\
Data source,Data estimated,Data estimation method\n\
2024-01-01 00:00:00,Germany,Germany,DE,251.3,300.12,60,55,entsoe.eu,false,\n\
2024-01-01 01:00:00,Germany,Germany,DE,250,299,60,55,entsoe.eu,true,TIME_SLICER_AVERAGE\n\
2024-01-01 02:00:00,Germany,Germany,DE,,,,,,,\n";

#[test]
fn the_current_download_is_read() {
    let (summary, grid) = read(CURRENT).unwrap();
    assert_eq!(summary, HourlyCsvSummary { rows: 2, rows_without_value: 1 });
    let zone = grid.zone("DE").unwrap();
    let first = grid.get(zone, START).unwrap();
    assert_eq!(
        (first.direct_g_per_kwh, first.lifecycle_g_per_kwh, first.estimated),
        (Some(251.3), Some(300.12), false)
    );
    assert!(grid.get(zone, START + 3600).unwrap().estimated);
    assert!(grid.get(zone, START + 7200).is_none());
}

#[test]
fn older_headings_and_the_tidy_form_mean_the_same() {
    let older = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),\
Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Data Source,Data Estimated\n\
2024-01-01T00:00:00.000Z,Germany,Germany,DE,251.3,300.12,60,x,False\n";
    let tidy = "zone,datetime,direct,lifecycle\nDE,2024-01-01T01:00:00+01:00,251.3,300.12\n";
    let ascii =
        "zone,datetime,direct_gco2_per_kwh,lifecycle_gco2_per_kwh\nDE,2024-01-01 00:00,251.3,300.12\n";
    let digests: Vec<String> =
        [older, tidy, ascii].iter().map(|text| read(text).unwrap().1.digest()).collect();
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn hostile_cells_name_line_and_field() {
    let tidy =
        |row: &str| message(&format!("zone,datetime,direct,lifecycle\nDE,2024-01-01T00:00Z,1,2\n{row}\n"));
    assert_eq!(tidy("DE,2024-01-01T01:00Z,abc,2"), "line 3, direct intensity: `abc` is not a finite number");
    assert_eq!(
        tidy("DE,2024-01-01T01:00Z,1,NaN"),
        "line 3, lifecycle intensity: `NaN` is not a finite number"
    );
    assert_eq!(tidy("DE,yesterday,1,2"), "line 3, time: `yesterday` is not a date and time");
    assert_eq!(tidy("DE,2024-01-01T01:00Z,-5,2"), "line 3: direct -5 g/kWh is outside 0 to 3000");
    assert_eq!(tidy("DE,2024-01-01T01:00Z,1,4000"), "line 3: lifecycle 4000 g/kWh is outside 0 to 3000");
    assert!(tidy("DE,2024-01-01T01:30Z,1,2").contains("is not the start of an hour"));
    assert_eq!(tidy(",2024-01-01T01:00Z,1,2"), "line 3: the zone has no name");
    assert_eq!(tidy("DE,2024-01-01T01:00Z,1"), "not readable as CSV");
    let estimated = "zone,datetime,direct,estimated\nDE,2024-01-01T00:00Z,1,maybe\n";
    assert_eq!(message(estimated), "line 2, estimated: `maybe` is neither true nor false");
}

#[test]
fn a_file_of_something_else_is_refused() {
    assert!(message("a,b\n1,2\n").starts_with("no column for the zone"));
    assert!(message("zone,direct\nDE,1\n").starts_with("no column for the time"));
    assert!(message("zone,datetime\nDE,2024-01-01\n").starts_with("no column for the intensity"));
    assert_eq!(read("zone,datetime,direct\n").unwrap().0, HourlyCsvSummary::default());
}
