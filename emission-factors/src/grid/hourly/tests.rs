use super::*;

/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200;

fn grid(rows: &[(&str, i64, Option<f64>, Option<f64>)]) -> Result<HourlyGrid, HourlyError> {
    let mut builder = HourlyGridBuilder::default();
    for (zone, hour, direct, lifecycle) in rows {
        builder.push(zone, START + hour * 3600, *direct, *lifecycle, false)?;
    }
    builder.build()
}

#[test]
fn an_hour_is_found_at_its_edges_and_not_beyond() {
    let grid = grid(&[
        ("DE", 0, Some(300.0), Some(400.0)),
        ("DE", 2, Some(310.0), None),
        ("FR", 5, None, Some(50.0)),
    ])
    .unwrap();
    let germany = grid.zone("DE").unwrap();
    let direct = |epoch_s| grid.get(germany, epoch_s).and_then(|value| value.direct_g_per_kwh);
    assert_eq!(direct(START), Some(300.0));
    assert_eq!(direct(START + 3599), Some(300.0));
    assert_eq!(direct(START - 1), None);
    assert_eq!(direct(START + 3600), None); // a gap
    assert_eq!(direct(START + 3 * 3600 - 1), Some(310.0));
    assert_eq!(direct(START + 3 * 3600), None); // one after the last
    assert_eq!(direct(i64::MIN / 2), None);
    let france = grid.get(grid.zone("FR").unwrap(), START + 5 * 3600).unwrap();
    assert_eq!((france.direct_g_per_kwh, france.lifecycle_g_per_kwh), (None, Some(50.0)));
    assert_eq!(grid.window(germany), (START, START + 3 * 3600));
    assert!(grid.zone("XX").is_none());
}

#[test]
fn unbelievable_rows_are_refused_and_not_kept() {
    let mut builder = HourlyGridBuilder::default();
    for value in [-0.1, 3000.1, f64::NAN, f64::INFINITY] {
        let error = builder.push("DE", START, Some(value), None, false).unwrap_err();
        assert!(matches!(error, HourlyError::OutOfRange { field: "direct", .. }), "{value}");
    }
    assert_eq!(builder.push("DE", START, None, None, false), Err(HourlyError::NoValue));
    assert_eq!(builder.push("", START, Some(1.0), None, false), Err(HourlyError::NoZone));
    assert!(matches!(
        builder.push("DE", START + 1800, Some(1.0), None, false),
        Err(HourlyError::NotAnHour(_))
    ));
    assert!(matches!(builder.push("DE", -3600, Some(1.0), None, false), Err(HourlyError::NotAnHour(_))));
    assert!(builder.build().unwrap().is_empty());
}

#[test]
fn one_import_must_not_contradict_itself() {
    let twice = |second| {
        grid(&[("DE", 0, Some(300.0), None), ("DE", 1, Some(1.0), None), ("DE", 0, Some(second), None)])
    };
    assert!(twice(300.0).is_ok());
    assert_eq!(
        twice(301.0).unwrap_err(),
        HourlyError::Contradiction { zone: "DE".into(), hour_epoch_s: START }
    );
}

#[test]
fn a_newer_import_replaces_hour_by_hour() {
    let old =
        grid(&[("DE", 0, Some(300.0), None), ("DE", 1, Some(301.0), None), ("FR", 0, Some(40.0), None)])
            .unwrap();
    let new = grid(&[("DE", 1, Some(201.0), None), ("DE", 2, Some(202.0), None)]).unwrap();
    let both = old.overlaid(&new).unwrap();
    let at = |zone, hour: i64| {
        both.get(both.zone(zone).unwrap(), START + hour * 3600).and_then(|value| value.direct_g_per_kwh)
    };
    let found = [("DE", 0), ("DE", 1), ("DE", 2), ("FR", 0)].map(|(zone, hour)| at(zone, hour));
    assert_eq!(found, [Some(300.0), Some(201.0), Some(202.0), Some(40.0)]);
}

#[test]
fn the_digest_is_of_the_content() {
    let a = grid(&[("DE", 0, Some(300.0), None), ("FR", 1, None, Some(50.0))]).unwrap();
    let b = grid(&[("FR", 1, None, Some(50.0)), ("DE", 0, Some(300.000_04), None)]).unwrap();
    assert_eq!(a.digest(), b.digest(), "order of rows, rounding to 0.001 g");
    let c = grid(&[("FR", 1, Some(50.0), None), ("DE", 0, Some(300.0), None)]).unwrap();
    assert_ne!(a.digest(), c.digest());
    let single = f64::from(362.17_f32);
    let from_parquet = grid(&[("DE", 0, Some(single), None)]).unwrap();
    assert_eq!(from_parquet.digest(), grid(&[("DE", 0, Some(362.17), None)]).unwrap().digest());
    assert_eq!(
        grid(&[("DE", 0, Some(-0.0), None)]).unwrap().digest(),
        grid(&[("DE", 0, Some(0.0), None)]).unwrap().digest()
    );
}

#[test]
fn a_wrong_date_does_not_take_all_memory() {
    let mut builder = HourlyGridBuilder::default();
    for zone in 0..200 {
        builder.push(&format!("Z{zone}"), 631_152_000, Some(1.0), None, false).unwrap();
        builder.push(&format!("Z{zone}"), 4_102_441_200, Some(1.0), None, false).unwrap();
    }
    assert!(matches!(builder.build(), Err(HourlyError::TooLarge(_))));
}
