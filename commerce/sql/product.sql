-- A product by its own SKU or a variant's, with its variants, their prices and their stock.
SELECT
    product.sku, product.handle, product.name, product.status, product.description, brand.slug AS brand,
    category.slug AS category, product.tags,
    (
        SELECT coalesce(json_agg(json_build_object(
            'sku', variant.sku,
            'name', variant.name,
            'options', json_build_array(variant.option1, variant.option2, variant.option3),
            'prices', (
                SELECT coalesce(json_agg(json_build_object(
                    'currency', price.currency, 'price', price.price, 'compare_price', price.compare_price
                ) ORDER BY price.currency), '[]')
                FROM variant_prices AS price WHERE price.variant_id = variant.id
            ),
            'stock', (
                SELECT coalesce(json_agg(json_build_object(
                    'location', location.code, 'available', shelf.available, 'committed', shelf.committed
                ) ORDER BY location.code), '[]')
                FROM stock AS shelf JOIN locations AS location ON location.id = shelf.location_id
                WHERE shelf.variant_id = variant.id
            )
        ) ORDER BY variant.position, variant.id), '[]')
        FROM product_variants AS variant WHERE variant.product_id = product.id
    ) AS variants
FROM products AS product
LEFT JOIN brands AS brand ON brand.id = product.brand_id
LEFT JOIN categories AS category ON category.id = product.category_id
WHERE product.id = coalesce(
    (SELECT id FROM products WHERE sku = %(sku)s),
    (SELECT product_id FROM product_variants WHERE sku = %(sku)s)
)
