-- Adds products, or changes those that are there. Tags arrive as one text a product: unnest flattens arrays of arrays.
INSERT INTO products (sku, handle, name, description, category_id, brand_id, status, tags)
SELECT
    given.sku, given.handle, given.name, given.description, category.id, brand.id, given.status,
    coalesce(string_to_array(nullif(given.tags, ''), E'\x1f'), '{}')
FROM (
    SELECT sku, handle, name, description, category, brand, status, coalesce(tags, '') AS tags
    FROM unnest(
        %(skus)s::text[], %(handles)s::text[], %(names)s::text[], %(descriptions)s::text[], %(categories)s::text[],
        %(brands)s::text[], %(statuses)s::text[], %(tags)s::text[]
    ) AS given (sku, handle, name, description, category, brand, status, tags)
) AS given
LEFT JOIN categories AS category ON category.slug = given.category
LEFT JOIN brands AS brand ON brand.slug = given.brand
ON CONFLICT (sku) DO UPDATE SET
    handle = excluded.handle, name = excluded.name, description = excluded.description,
    category_id = excluded.category_id, brand_id = excluded.brand_id, status = excluded.status, tags = excluded.tags
