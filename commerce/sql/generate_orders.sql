-- Made-up orders with the sums of their lines. Those of the last three days are not shipped yet.
INSERT INTO orders (
    id, number, customer_id, location_id, financial_status, fulfillment_status, currency, subtotal, discount, shipping,
    tax, total, placed_at
)
OVERRIDING SYSTEM VALUE
SELECT
    placed.id, 'G' || placed.id, placed.customer_id, placed.location_id, 'paid',
    CASE WHEN placed.placed_at > %(now)s::timestamptz - interval '3 days' THEN 'unfulfilled' ELSE 'fulfilled' END,
    placed.currency, line.subtotal, line.discount, 499, 0, line.subtotal - line.discount + 499, placed.placed_at
FROM given_orders AS placed
JOIN (
    SELECT order_id, sum(price * quantity)::bigint AS subtotal, sum(discount)::bigint AS discount
    FROM order_items GROUP BY order_id
) AS line ON line.order_id = placed.id
ORDER BY placed.id
