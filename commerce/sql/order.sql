-- An order by its number, with its lines and refunds.
SELECT
    placed.number, customer.external_id AS customer, location.code AS location, placed.financial_status,
    placed.fulfillment_status, placed.currency, placed.subtotal, placed.discount, placed.shipping, placed.tax,
    placed.total, placed.refunded, placed.placed_at, placed.cancelled_at,
    (
        SELECT coalesce(json_agg(json_build_object(
            'sku', item.sku, 'name', item.name, 'quantity', item.quantity, 'price', item.price,
            'discount', item.discount, 'refunded_quantity', back.quantity, 'refunded', back.amount
        ) ORDER BY item.id), '[]')
        FROM order_items AS item
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(quantity), 0)::bigint AS quantity, coalesce(sum(amount), 0)::bigint AS amount
            FROM refund_lines WHERE order_item_id = item.id
        ) AS back
        WHERE item.order_id = placed.id
    ) AS lines,
    (
        SELECT coalesce(json_agg(json_build_object(
            'number', refund.number, 'amount', refund.amount, 'other', refund.other, 'reason', refund.reason,
            'refunded_at', refund.refunded_at
        ) ORDER BY refund.refunded_at, refund.id), '[]')
        FROM refunds AS refund WHERE refund.order_id = placed.id
    ) AS refunds
FROM orders AS placed
JOIN customers AS customer ON customer.id = placed.customer_id
JOIN locations AS location ON location.id = placed.location_id
WHERE placed.number = %(number)s
