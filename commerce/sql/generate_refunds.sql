-- Three of a hundred orders give back their first line, some days later.
WITH returned AS (
    SELECT DISTINCT ON (item.order_id)
        item.id, item.order_id, item.quantity, item.price * item.quantity - item.discount AS amount,
        least(item.placed_at + interval '1 day' * (item.order_id %% 20), %(now)s::timestamptz) AS at
    FROM order_items AS item
    WHERE item.order_id %% 33 = 0
    ORDER BY item.order_id, item.id
), written AS (
    INSERT INTO refunds (number, order_id, amount, refunded_at)
    SELECT 'GR' || order_id, order_id, amount, at FROM returned
    RETURNING id, order_id
)
INSERT INTO refund_lines (refund_id, order_item_id, quantity, amount, restocked)
SELECT written.id, returned.id, returned.quantity, returned.amount, returned.order_id %% 2 = 0
FROM written JOIN returned ON returned.order_id = written.order_id
