-- Keeps refunds until their orders come.
INSERT INTO waiting_refunds (number, order_number, refund)
SELECT * FROM unnest(%(numbers)s::text[], %(orders)s::text[], %(refunds)s::jsonb[])
ON CONFLICT (number) DO NOTHING
