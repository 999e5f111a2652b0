-- Energy, emissions and grid intensity by hour and region: intensity is what the estimated energy of the hour emitted, by its kWh.
SELECT
    period,
    hour,
    region,
    sum(energy_kwh) AS energy_kwh,
    sum(co2e_location_g) AS co2e_location_g,
    CAST(sum(co2e_location_g) AS DOUBLE) / nullif(CAST(sum(energy_kwh) AS DOUBLE), 0) AS grid_intensity_g_per_kwh
FROM emissions_hourly
GROUP BY period, hour, region
