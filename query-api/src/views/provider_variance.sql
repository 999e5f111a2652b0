-- Our estimate beside the provider's own figure by month, account, region and service; null where one of the two has none.
WITH ours AS (
    SELECT
        period,
        account_id,
        coalesce(region, 'global') AS region,
        service_code,
        sum(co2e_location_g) AS co2e_location_g,
        sum(co2e_market_g) AS co2e_market_g,
        sum(co2e_embodied_g) AS co2e_embodied_g
    FROM emissions_monthly
    GROUP BY period, account_id, coalesce(region, 'global'), service_code
),
theirs AS (
    SELECT
        period,
        account_id,
        coalesce(region, 'global') AS region,
        service_code,
        max(model_version) AS model_version,
        sum(total_location_g) AS provider_location_g,
        sum(total_market_g) AS provider_market_g,
        sum(scope_2_location_g) AS provider_scope_2_location_g
    FROM provider_reported
    GROUP BY period, account_id, coalesce(region, 'global'), service_code
)
SELECT
    coalesce(ours.period, theirs.period) AS period,
    coalesce(ours.account_id, theirs.account_id) AS account_id,
    coalesce(ours.region, theirs.region) AS region,
    coalesce(ours.service_code, theirs.service_code) AS service_code,
    ours.co2e_location_g,
    ours.co2e_market_g,
    ours.co2e_embodied_g,
    theirs.provider_location_g,
    theirs.provider_market_g,
    theirs.provider_scope_2_location_g,
    theirs.model_version
FROM ours
FULL JOIN theirs
    ON ours.period = theirs.period
    AND ours.account_id = theirs.account_id
    AND ours.region = theirs.region
    AND ours.service_code = theirs.service_code
