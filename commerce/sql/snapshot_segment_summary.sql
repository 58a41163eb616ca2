-- The segments as a whole, by either method.
INSERT INTO {target} (
    method, currency, segment, customers, repeat_customers, orders, revenue, median_days
)
SELECT
    CASE WHEN GROUPING(segment) = 0 THEN 'thresholds' ELSE 'rfm' END,
    currency,
    CASE WHEN GROUPING(segment) = 0 THEN segment ELSE rfm_group END,
    count(*), count(*) FILTER (WHERE orders > 1), sum(orders), sum(revenue),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM %(now)s::timestamptz - last_order_at) / 86400)
FROM segment_members
GROUP BY GROUPING SETS ((currency, segment), (currency, rfm_group))
HAVING GROUPING(segment) = 0 OR rfm_group IS NOT NULL
