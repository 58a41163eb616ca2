-- What the check compares with, and the repair writes: each sum said once.

CREATE VIEW held_stock AS
SELECT
    sale.variant_id, sale.location_id, sum(item.quantity - coalesce(back.quantity, 0))::integer AS quantity
FROM orders AS placed
JOIN order_items AS item ON item.order_id = placed.id
JOIN inventory_transactions AS sale ON sale.order_item_id = item.id
LEFT JOIN (
    SELECT order_item_id, sum(quantity) AS quantity FROM refund_lines GROUP BY order_item_id
) AS back ON back.order_item_id = item.id
WHERE placed.fulfillment_status = 'unfulfilled'
GROUP BY sale.variant_id, sale.location_id;

CREATE VIEW order_sums AS
SELECT
    line.order_id, line.subtotal, line.discount, coalesce(back.refunded, 0)::bigint AS refunded
FROM (
    SELECT order_id, sum(price * quantity)::bigint AS subtotal, sum(discount)::bigint AS discount
    FROM order_items GROUP BY order_id
) AS line
LEFT JOIN (
    SELECT order_id, sum(amount) AS refunded FROM refunds GROUP BY order_id
) AS back ON back.order_id = line.order_id;

CREATE VIEW customer_sums AS
SELECT
    customer_id, currency, count(*)::integer AS orders, sum(total)::bigint AS spent, sum(refunded)::bigint AS refunded,
    min(placed_at) AS first_order_at, max(placed_at) AS last_order_at
FROM orders
WHERE financial_status IN ('paid', 'partially_refunded', 'refunded')
GROUP BY customer_id, currency;
