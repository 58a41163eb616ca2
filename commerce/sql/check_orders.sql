-- Where an order's sums are not those of its lines and refunds.
SELECT
    count(*) OVER () AS total,
    format('order %%s: subtotal %%s, discount %%s, refunded %%s; its lines and refunds say %%s, %%s, %%s', placed.number,
        placed.subtotal, placed.discount, placed.refunded, summed.subtotal, summed.discount, summed.refunded) AS example
FROM orders AS placed
JOIN order_sums AS summed ON summed.order_id = placed.id
WHERE (placed.subtotal, placed.discount, placed.refunded) <> (summed.subtotal, summed.discount, summed.refunded)
ORDER BY placed.id
LIMIT %(examples)s
