-- Energy, emissions, water and cost by month and account.
SELECT
    period,
    account_id,
    currency,
    sum(energy_kwh) AS energy_kwh,
    sum(co2e_location_g) AS co2e_location_g,
    sum(co2e_market_g) AS co2e_market_g,
    sum(co2e_embodied_g) AS co2e_embodied_g,
    sum(water_l) AS water_l,
    sum(billed_cost) AS billed_cost
FROM emissions_monthly
GROUP BY period, account_id, currency
