-- Sets prices. What was sold before keeps the price and the cost that it was sold with.
INSERT INTO variant_prices (variant_id, currency, price, cost, compare_price)
SELECT variant.id, given.currency, given.price, given.cost, given.compare_price
FROM unnest(
    %(skus)s::text[], %(currencies)s::text[], %(prices)s::bigint[], %(costs)s::bigint[], %(compare_prices)s::bigint[]
) AS given (sku, currency, price, cost, compare_price)
JOIN product_variants AS variant ON variant.sku = given.sku
ON CONFLICT (variant_id, currency) DO UPDATE SET
    price = excluded.price, cost = excluded.cost, compare_price = excluded.compare_price
