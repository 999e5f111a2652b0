-- Energy, emissions, water and cost by month and the tag `team`; null is usage without that tag.
SELECT
    period,
    tag(tags, 'team') AS team,
    currency,
    sum(energy_kwh) AS energy_kwh,
    sum(co2e_location_g) AS co2e_location_g,
    sum(co2e_market_g) AS co2e_market_g,
    sum(co2e_embodied_g) AS co2e_embodied_g,
    sum(water_l) AS water_l,
    sum(billed_cost) AS billed_cost
FROM emissions_monthly
GROUP BY period, tag(tags, 'team'), currency
