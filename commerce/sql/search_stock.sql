-- Brings what search knows of stock and popularity up to date, for the products of some variants or, where the parameter
-- is NULL, for all. Rows that stay the same are not written.
WITH current AS (
    SELECT
        search.product_id,
        coalesce(bool_or(
            NOT variant.track_inventory OR variant.inventory_policy = 'continue' OR shelf.available > 0
        ), false) AS in_stock,
        coalesce(max(performance.units), 0) AS popularity
    FROM product_search AS search
    LEFT JOIN product_variants AS variant ON variant.product_id = search.product_id
    LEFT JOIN (SELECT variant_id, max(available) AS available FROM stock GROUP BY variant_id) AS shelf
        ON shelf.variant_id = variant.id
    LEFT JOIN (
        SELECT product_id, sum(units)::bigint AS units FROM product_performance_90 GROUP BY product_id
    ) AS performance ON performance.product_id = search.product_id
    WHERE %(skus)s::text[] IS NULL OR search.product_id IN (
        SELECT product_id FROM product_variants WHERE sku = ANY (%(skus)s::text[])
    )
    GROUP BY search.product_id
)
UPDATE product_search SET in_stock = current.in_stock, popularity = current.popularity
FROM current
WHERE product_search.product_id = current.product_id
    AND (product_search.in_stock, product_search.popularity) IS DISTINCT FROM (current.in_stock, current.popularity)
