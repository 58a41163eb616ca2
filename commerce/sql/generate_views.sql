-- Views of the last 90 days: some thirty for each order of a product.
INSERT INTO product_views (product_id, day, views)
SELECT product_id, (placed_at AT TIME ZONE 'UTC')::date, sum(30 + product_id %% 20)
FROM order_items
WHERE placed_at > %(now)s::timestamptz - interval '90 days' AND product_id IS NOT NULL
GROUP BY 1, 2
