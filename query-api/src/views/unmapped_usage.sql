-- Usage without an estimate by month, service and family: cost tells what it would be worth to map it.
SELECT
    period,
    service_code,
    usage_family,
    reason,
    currency,
    sum(lines) AS lines,
    sum(billed_cost) AS billed_cost
FROM coverage
WHERE status = 'unmapped'
GROUP BY period, service_code, usage_family, reason, currency
ORDER BY billed_cost DESC
