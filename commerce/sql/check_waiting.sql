-- Refunds that could not be booked when their order came, or whose order has not come for a day.
SELECT
    count(*) OVER () AS total,
    format('refund %%s of order %%s: %%s', number, order_number, coalesce(reason, 'the order has not come')) AS example
FROM waiting_refunds
WHERE reason IS NOT NULL OR since < now() - interval '1 day'
ORDER BY since, number
LIMIT %(examples)s
