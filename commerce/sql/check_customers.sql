-- Where a customer's statistics are not the sums of their orders.
SELECT
    count(*) OVER () AS total,
    format('customer %%s in %%s: %%s orders, spent %%s, refunded %%s; the orders say %%s, %%s, %%s', customer.external_id,
        coalesce(stats.currency, summed.currency), stats.orders, stats.spent, stats.refunded, summed.orders,
        summed.spent, summed.refunded) AS example
FROM customer_stats AS stats
FULL JOIN customer_sums AS summed ON summed.customer_id = stats.customer_id AND summed.currency = stats.currency
JOIN customers AS customer ON customer.id = coalesce(stats.customer_id, summed.customer_id)
WHERE (stats.orders, stats.spent, stats.refunded, stats.first_order_at, stats.last_order_at)
    IS DISTINCT FROM (summed.orders, summed.spent, summed.refunded, summed.first_order_at, summed.last_order_at)
ORDER BY customer.id
LIMIT %(examples)s
