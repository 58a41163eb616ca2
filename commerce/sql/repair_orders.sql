-- Sets orders' sums to those of their lines and refunds.
UPDATE orders AS placed SET
    subtotal = summed.subtotal, discount = summed.discount,
    total = summed.subtotal - summed.discount + placed.shipping + placed.tax, refunded = summed.refunded,
    financial_status = CASE
        WHEN placed.financial_status IN ('pending', 'voided') THEN placed.financial_status
        WHEN summed.refunded = 0 THEN 'paid'
        WHEN summed.refunded = summed.subtotal - summed.discount + placed.shipping + placed.tax THEN 'refunded'
        ELSE 'partially_refunded'
    END
FROM order_sums AS summed
WHERE summed.order_id = placed.id
    AND (placed.subtotal, placed.discount, placed.refunded) <> (summed.subtotal, summed.discount, summed.refunded)
