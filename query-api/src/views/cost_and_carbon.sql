-- Cost beside emissions by month and service, with grams for each unit of the currency that was billed.
SELECT
    period,
    service_code,
    currency,
    sum(billed_cost) AS billed_cost,
    sum(co2e_location_g) AS co2e_location_g,
    sum(co2e_market_g) AS co2e_market_g,
    CAST(sum(co2e_location_g) AS DOUBLE) / nullif(CAST(sum(billed_cost_estimated) AS DOUBLE), 0)
        AS co2e_location_g_per_cost
FROM emissions_monthly
GROUP BY period, service_code, currency
