-- Adds variants, or changes those that are there.
INSERT INTO product_variants (
    product_id, sku, name, option1, option2, option3, track_inventory, lead_days, lead_days_sd, pack_size
)
SELECT
    products.id, given.sku, given.name, option1, option2, option3, tracked, lead_days, lead_days_sd, pack_size
FROM unnest(
    %(products)s::text[], %(skus)s::text[], %(names)s::text[], %(options1)s::text[], %(options2)s::text[],
    %(options3)s::text[], %(tracked)s::boolean[], %(lead_days)s::real[], %(lead_days_sd)s::real[],
    %(pack_sizes)s::integer[]
) AS given (product, sku, name, option1, option2, option3, tracked, lead_days, lead_days_sd, pack_size)
JOIN products ON products.sku = given.product
ON CONFLICT (sku) DO UPDATE SET
    product_id = excluded.product_id, name = excluded.name,
    option1 = excluded.option1, option2 = excluded.option2, option3 = excluded.option3,
    track_inventory = excluded.track_inventory,
    lead_days = excluded.lead_days, lead_days_sd = excluded.lead_days_sd, pack_size = excluded.pack_size
