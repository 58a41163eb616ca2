-- Rebuilds the search rows of some products (by SKU), or of all where the parameter is NULL.
-- Those that are no longer sold lose theirs; popularity is left to search_stock.sql.
WITH RECURSIVE chosen AS (
    SELECT * FROM products WHERE %(skus)s::text[] IS NULL OR sku = ANY (%(skus)s::text[])
), path (category_id, above_id) AS (
    SELECT id, id FROM categories
    UNION ALL
    SELECT path.category_id, category.parent_id
    FROM path JOIN categories AS category ON category.id = path.above_id
    WHERE category.parent_id IS NOT NULL
), category_path AS (
    SELECT category_id, array_agg(above_id) AS ids FROM path GROUP BY category_id
), sold AS (
    SELECT
        variant.product_id, string_agg(variant.sku, ' ') AS skus, min(price.price) AS min_price,
        max(price.price) AS max_price,
        bool_or(NOT variant.track_inventory OR variant.inventory_policy = 'continue' OR shelf.available > 0) AS in_stock
    FROM product_variants AS variant
    JOIN chosen ON chosen.id = variant.product_id
    JOIN variant_prices AS price ON price.variant_id = variant.id AND price.currency = %(currency)s::text
    LEFT JOIN (
        SELECT variant_id, max(available) AS available FROM stock
        WHERE %(skus)s::text[] IS NULL OR variant_id IN (
            SELECT variant.id FROM product_variants AS variant JOIN chosen ON chosen.id = variant.product_id
        )
        GROUP BY variant_id
    ) AS shelf ON shelf.variant_id = variant.id
    GROUP BY variant.product_id
), gone AS (
    DELETE FROM product_search USING chosen
    WHERE product_search.product_id = chosen.id
        AND (chosen.status <> 'active' OR NOT EXISTS (SELECT FROM sold WHERE sold.product_id = chosen.id))
)
INSERT INTO product_search (
    product_id, document, name, brand_id, category_ids, category_id, tags, min_price, max_price, in_stock, created_at
)
SELECT
    chosen.id,
    search_document(
        chosen.name, concat_ws(' ', chosen.sku, sold.skus), coalesce(brand.name, ''),
        array_to_string(chosen.tags, ' '), concat_ws(' ', chosen.short_description, chosen.description)
    ),
    chosen.name, coalesce(chosen.brand_id, 0), coalesce(category_path.ids, '{}'), coalesce(chosen.category_id, 0),
    chosen.tags, sold.min_price, sold.max_price, coalesce(sold.in_stock, false), chosen.created_at
FROM chosen
JOIN sold ON sold.product_id = chosen.id
LEFT JOIN brands AS brand ON brand.id = chosen.brand_id
LEFT JOIN category_path ON category_path.category_id = chosen.category_id
WHERE chosen.status = 'active'
ON CONFLICT (product_id) DO UPDATE SET
    document = excluded.document, name = excluded.name, brand_id = excluded.brand_id,
    category_ids = excluded.category_ids, category_id = excluded.category_id, tags = excluded.tags,
    min_price = excluded.min_price, max_price = excluded.max_price, in_stock = excluded.in_stock
