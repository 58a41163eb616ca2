-- Sets customers' statistics to the sums of their orders.
WITH gone AS (
    DELETE FROM customer_stats AS stats
    WHERE NOT EXISTS (
        SELECT FROM customer_sums AS summed
        WHERE summed.customer_id = stats.customer_id AND summed.currency = stats.currency
    )
)
INSERT INTO customer_stats AS stats (customer_id, currency, orders, spent, refunded, first_order_at, last_order_at)
SELECT customer_id, currency, orders, spent, refunded, first_order_at, last_order_at FROM customer_sums
ON CONFLICT (customer_id, currency) DO UPDATE SET
    orders = excluded.orders, spent = excluded.spent, refunded = excluded.refunded,
    first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
WHERE (stats.orders, stats.spent, stats.refunded, stats.first_order_at, stats.last_order_at)
    IS DISTINCT FROM (excluded.orders, excluded.spent, excluded.refunded, excluded.first_order_at, excluded.last_order_at)
