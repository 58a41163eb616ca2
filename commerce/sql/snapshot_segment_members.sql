-- Every customer in their segment, one row a currency. Revenue is what was spent less what was given back.
--
-- Dormant is who has not ordered in any currency for a year; who never ordered is a Prospect in every currency.
-- Who is past either of the last thresholds is no New customer any more: not after two large orders, nor many small ones.
INSERT INTO {target} (currency, segment, rfm_group, customer_id, orders, revenue, last_order_at)
WITH threshold AS (
    SELECT * FROM unnest(%(currencies)s::text[], %(vip)s::bigint[], %(premium)s::bigint[], %(regular)s::bigint[])
        AS threshold (currency, vip, premium, regular)
), buyer AS (
    SELECT
        stats.currency, stats.customer_id, stats.orders, stats.spent - stats.refunded AS revenue, stats.last_order_at,
        max(stats.last_order_at) OVER (PARTITION BY stats.customer_id) AS seen_at
    FROM customer_stats AS stats
    JOIN customers ON customers.id = stats.customer_id AND customers.state <> 'disabled'
), cut AS (
    SELECT
        currency,
        percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last_order_at) AS recency,
        percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders) AS frequency,
        percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY revenue) AS monetary
    FROM buyer GROUP BY currency
), scored AS (
    -- 1 to 5: how many of the four cuts the value lies above, so that equal values have equal scores.
    SELECT
        buyer.*,
        1 + (last_order_at > recency[1])::integer + (last_order_at > recency[2])::integer
            + (last_order_at > recency[3])::integer + (last_order_at > recency[4])::integer AS r,
        (
            3 + (orders > frequency[1])::integer + (orders > frequency[2])::integer
            + (orders > frequency[3])::integer + (orders > frequency[4])::integer
            + (revenue > monetary[1])::integer + (revenue > monetary[2])::integer
            + (revenue > monetary[3])::integer + (revenue > monetary[4])::integer
        ) / 2 AS fm  -- the mean of both scores, rounded up
    FROM buyer JOIN cut ON cut.currency = buyer.currency
)
SELECT
    scored.currency,
    CASE
        WHEN seen_at < %(now)s::timestamptz - interval '365 days' THEN 'dormant'
        WHEN revenue > threshold.vip AND orders > %(vip_orders)s THEN 'vip'
        WHEN revenue > threshold.premium AND orders > %(premium_orders)s THEN 'premium'
        WHEN revenue > threshold.regular OR orders > %(regular_orders)s THEN 'regular'
        ELSE 'new'
    END,
    CASE
        WHEN r >= 4 AND fm >= 4 THEN 'champions'
        WHEN r = 3 AND fm >= 4 THEN 'loyal'
        WHEN fm >= 4 THEN 'at_risk'
        WHEN r >= 4 AND fm >= 2 THEN 'potential_loyal'
        WHEN r >= 4 THEN 'newcomers'
        WHEN r = 3 AND fm >= 2 THEN 'need_attention'
        WHEN r = 3 THEN 'about_to_sleep'
        WHEN fm >= 2 THEN 'hibernating'
        ELSE 'lost'
    END,
    customer_id, orders, revenue, last_order_at
FROM scored JOIN threshold ON threshold.currency = scored.currency
UNION ALL
SELECT currency.code, 'prospect', NULL, customers.id, 0, 0, NULL
FROM customers
CROSS JOIN (SELECT %(currency)s::text AS code UNION SELECT currency::text FROM cut) AS currency
WHERE customers.state <> 'disabled'
    AND NOT EXISTS (SELECT FROM customer_stats WHERE customer_stats.customer_id = customers.id)
