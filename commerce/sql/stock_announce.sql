-- Goods that were bought in and are on their way.
INSERT INTO incoming_stock (reference, variant_id, location_id, quantity, expected_at)
SELECT %(reference)s, variant.id, location.id, given.quantity, given.expected_at
FROM unnest(%(skus)s::text[], %(locations)s::text[], %(quantities)s::integer[], %(expected)s::timestamptz[])
    AS given (sku, location, quantity, expected_at)
JOIN product_variants AS variant ON variant.sku = given.sku
JOIN locations AS location ON location.code = given.location
ON CONFLICT (reference, variant_id, location_id) DO NOTHING
