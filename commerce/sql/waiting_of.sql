-- The refunds that waited for these orders.
SELECT number, refund::text AS refund FROM waiting_refunds
WHERE order_number = ANY (%(numbers)s::text[]) AND reason IS NULL
ORDER BY since, number
