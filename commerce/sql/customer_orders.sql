-- A customer's orders, the latest first.
SELECT
    placed.id, placed.number, placed.financial_status, placed.fulfillment_status, placed.currency, placed.total,
    placed.refunded, placed.placed_at
FROM orders AS placed
WHERE placed.customer_id = %(customer)s
    AND (%(after)s::timestamptz IS NULL
        OR (placed.placed_at, placed.id) < (%(after)s::timestamptz, %(after_id)s::bigint))
ORDER BY placed.placed_at DESC, placed.id DESC
LIMIT %(limit)s
