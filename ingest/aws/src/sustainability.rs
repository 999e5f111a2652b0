//! The provider's own figures: Sustainability GetEstimatedCarbonEmissions.
//!
//! Source: <https://docs.aws.amazon.com/sustainability/latest/APIReference/API_GetEstimatedCarbonEmissions.html>. The
//! service has one region in a partition; the SDK finds it. It names no location.

use airshed_collect::cloud::{Answer, Page, ReportedEmissions};
use aws_sdk_sustainability::types::{
    Dimension, EmissionsType, EmissionsUnit, EstimatedCarbonEmissions, TimeGranularity, TimePeriod,
};
use jiff::Timestamp;

use crate::{
    call::{Caller, Place, date_time, next_page, odd, timestamp},
    clients::{Clients, at},
};

const CALL: &str = "GetEstimatedCarbonEmissions";

pub(crate) async fn reported_emissions(
    clients: &Clients,
    caller: &Caller,
    place: &Place,
    (start, end): (Timestamp, Timestamp),
    next: Option<&str>,
) -> Answer<Page<ReportedEmissions>> {
    let period = TimePeriod::builder().start(date_time(start)).end(date_time(end)).build();
    let period = period.map_err(|error| odd(CALL, place, error))?;
    let kinds = EmissionsType::values().iter().map(|kind| EmissionsType::from(*kind)).collect();
    let request = clients
        .sustainability
        .get_estimated_carbon_emissions()
        .time_period(period)
        .granularity(TimeGranularity::Monthly)
        .group_by(Dimension::UsageAccountId)
        .group_by(Dimension::Region)
        .group_by(Dimension::Service)
        .set_emissions_types(Some(kinds))
        .set_next_token(next.map(str::to_owned))
        .customize();
    let answer = caller
        .call(CALL, place, |credentials| {
            request.config_override(at!(aws_sdk_sustainability, place, credentials)).send()
        })
        .await?;
    let next = next_page(answer.next_token());
    let items = answer.results.into_iter().map(|figures| reported(figures, place));
    Ok(Page { items: items.collect::<Answer<_>>()?, next })
}

fn reported(mut figures: EstimatedCarbonEmissions, place: &Place) -> Answer<ReportedEmissions> {
    let month = figures.time_period().and_then(|period| timestamp(period.start()));
    let mut dimension = |of| figures.dimensions_values.remove(&of).filter(|value| !value.is_empty());
    let account = dimension(Dimension::UsageAccountId);
    let region = dimension(Dimension::Region);
    let service = dimension(Dimension::Service);
    let tonnes = figures.emissions_values.into_iter().map(|(kind, emissions)| {
        if emissions.unit != EmissionsUnit::MtCo2E {
            return Err(odd(CALL, place, format_args!("{kind} in {}", emissions.unit)));
        }
        if !emissions.value.is_finite() {
            return Err(odd(CALL, place, format_args!("{kind} of {}", emissions.value)));
        }
        // Rust prints the shortest decimal that is this number, never with an exponent.
        Ok((kind.as_str().to_owned(), emissions.value.to_string()))
    });
    Ok(ReportedEmissions {
        tonnes: tonnes.collect::<Answer<_>>()?,
        account: account.ok_or_else(|| odd(CALL, place, "figures without an account"))?,
        region,
        location: None,
        service: service.ok_or_else(|| odd(CALL, place, "figures without a service"))?,
        month: month.ok_or_else(|| odd(CALL, place, "figures without a month"))?,
        model_version: figures.model_version,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sustainability::types::Emissions;

    use super::*;

    fn figures(value: f64) -> EstimatedCarbonEmissions {
        let month = |text: &str| date_time(text.parse().unwrap());
        let period =
            TimePeriod::builder().start(month("2026-01-01T00:00:00Z")).end(month("2026-02-01T00:00:00Z"));
        EstimatedCarbonEmissions::builder()
            .time_period(period.build().unwrap())
            .dimensions_values(Dimension::UsageAccountId, "111122223333")
            .dimensions_values(Dimension::Region, "eu-west-1")
            .dimensions_values(Dimension::Service, "AmazonEC2")
            .model_version("v3.0.0")
            .emissions_values(
                EmissionsType::TotalLbmCarbonEmissions,
                Emissions::builder().value(value).unit(EmissionsUnit::MtCo2E).build().unwrap(),
            )
            .build()
            .unwrap()
    }

    #[test]
    fn figures_become_decimal_text_without_an_exponent() {
        let place = Place { of: "management".into(), region: "us-east-1".into(), role: None };
        let reported = |value| super::reported(figures(value), &place);
        let small = reported(1.5e-7).unwrap();
        assert_eq!(small.tonnes["TOTAL_LBM_CARBON_EMISSIONS"], "0.00000015");
        assert_eq!(small.month, "2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!((small.account.as_str(), small.region.as_deref()), ("111122223333", Some("eu-west-1")));
        assert_eq!((small.service.as_str(), small.model_version.as_str()), ("AmazonEC2", "v3.0.0"));
        assert_eq!(reported(0.1 + 0.2).unwrap().tonnes["TOTAL_LBM_CARBON_EMISSIONS"], "0.30000000000000004");
        assert!(reported(f64::NAN).is_err());
    }
}
