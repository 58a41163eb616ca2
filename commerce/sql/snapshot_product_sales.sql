-- What the lines of a window add up to for each product and currency: of all orders, also of those that do not count.
--
-- Sums of float8 are exact below 2^53 minor units, and take half the time of those of bigint, which are numeric.
WITH position AS (
    INSERT INTO sales_positions (days, as_of, last_line)
    SELECT %(days)s::smallint, %(now)s::timestamptz, coalesce(max(id), 0) FROM order_items
    ON CONFLICT (days) DO UPDATE SET as_of = excluded.as_of, last_line = excluded.last_line
)
INSERT INTO {target} (product_id, currency, lines, units, orders, gross, discounts, cost, unknown_costs)
SELECT
    product_id, currency, count(*), sum(quantity), count(*) FILTER (WHERE first_of_product),
    sum((price * quantity)::float8), sum(discount::float8), coalesce(sum((cost * quantity)::float8), 0),
    count(*) - count(cost)
FROM order_items
WHERE placed_at > %(now)s::timestamptz - interval '1 day' * %(days)s::smallint AND placed_at <= %(now)s::timestamptz
    AND product_id IS NOT NULL
GROUP BY product_id, currency
