-- Change of location-based emissions from the month before, by account and service; the largest rise first.
WITH months AS (
    SELECT period, account_id, service_code, sum(co2e_location_g) AS co2e_location_g
    FROM emissions_monthly
    GROUP BY period, account_id, service_code
),
ordered AS (
    SELECT period, lag(period) OVER (ORDER BY period) AS period_before
    FROM (SELECT DISTINCT period FROM emissions_monthly)
),
pairs AS (
    SELECT ordered.period, months.account_id, months.service_code, months.co2e_location_g AS now_g, 0 AS before_g
    FROM ordered JOIN months ON months.period = ordered.period
    WHERE ordered.period_before IS NOT NULL
    UNION ALL
    SELECT ordered.period, months.account_id, months.service_code, 0 AS now_g, months.co2e_location_g AS before_g
    FROM ordered JOIN months ON months.period = ordered.period_before
)
SELECT
    period,
    account_id,
    service_code,
    sum(before_g) AS co2e_location_g_before,
    sum(now_g) AS co2e_location_g,
    sum(now_g) - sum(before_g) AS co2e_location_g_change
FROM pairs
GROUP BY period, account_id, service_code
ORDER BY co2e_location_g_change DESC
