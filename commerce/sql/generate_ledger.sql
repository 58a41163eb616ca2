-- The ledger of made-up sales and returns.
INSERT INTO inventory_transactions (variant_id, location_id, kind, change, order_item_id, refund_line_id, at)
SELECT item.variant_id, placed.location_id, 'sale', -item.quantity, item.id, NULL, item.placed_at
FROM order_items AS item JOIN orders AS placed ON placed.id = item.order_id
UNION ALL
SELECT item.variant_id, placed.location_id, 'return', line.quantity, NULL, line.id, refund.refunded_at
FROM refund_lines AS line
JOIN refunds AS refund ON refund.id = line.refund_id
JOIN order_items AS item ON item.id = line.order_item_id
JOIN orders AS placed ON placed.id = item.order_id
WHERE line.restocked
