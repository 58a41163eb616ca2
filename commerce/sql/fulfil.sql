-- Marks orders as shipped and lets go of what they held of the stock.
WITH shipped AS (
    UPDATE orders SET fulfillment_status = 'fulfilled'
    WHERE number = ANY (%(numbers)s::text[]) AND fulfillment_status = 'unfulfilled'
    RETURNING id
), released AS (
    SELECT sale.variant_id, sale.location_id, sum(item.quantity - coalesce(back.quantity, 0))::integer AS quantity
    FROM shipped
    JOIN order_items AS item ON item.order_id = shipped.id
    JOIN inventory_transactions AS sale ON sale.order_item_id = item.id
    LEFT JOIN LATERAL (
        SELECT sum(quantity)::integer AS quantity FROM refund_lines WHERE order_item_id = item.id
    ) AS back ON true
    GROUP BY sale.variant_id, sale.location_id
), shelf AS (
    UPDATE stock SET committed = stock.committed - released.quantity
    FROM released
    WHERE stock.variant_id = released.variant_id AND stock.location_id = released.location_id
)
SELECT id FROM shipped
