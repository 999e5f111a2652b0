-- Energy, emissions with their bounds, water and cost by month, account, region and service.
SELECT
    period,
    account_id,
    region,
    service_code,
    currency,
    sum(energy_kwh) AS energy_kwh,
    sum(co2e_location_g) AS co2e_location_g,
    sum(co2e_location_g_low) AS co2e_location_g_low,
    sum(co2e_location_g_high) AS co2e_location_g_high,
    sum(co2e_market_g) AS co2e_market_g,
    sum(co2e_embodied_g) AS co2e_embodied_g,
    sum(co2e_upstream_g) AS co2e_upstream_g,
    sum(co2e_t_and_d_g) AS co2e_t_and_d_g,
    sum(water_l) AS water_l,
    sum(billed_cost) AS billed_cost
FROM emissions_monthly
GROUP BY period, account_id, region, service_code, currency
