-- A page of hits, the dearest first.
SELECT
    search.product_id, search.min_price AS sort_key, product.sku, product.handle, product.name, brand.slug AS brand,
    category.slug AS category, search.min_price, search.max_price, search.in_stock
FROM product_search AS search
JOIN products AS product ON product.id = search.product_id
LEFT JOIN brands AS brand ON brand.id = search.brand_id
LEFT JOIN categories AS category ON category.id = search.category_id
WHERE
    (%(q)s::text IS NULL OR search.document @@ search_question(%(q)s::text))
    AND (%(categories)s::bigint[] IS NULL OR search.category_ids && %(categories)s::bigint[])
    AND (%(brands)s::bigint[] IS NULL OR search.brand_id = ANY (%(brands)s::bigint[]))
    AND (%(tag)s::text IS NULL OR search.tags @> ARRAY[%(tag)s::text])
    AND (%(min_price)s::bigint IS NULL OR search.max_price >= %(min_price)s::bigint)
    AND (%(max_price)s::bigint IS NULL OR search.min_price <= %(max_price)s::bigint)
    AND (%(in_stock)s::boolean IS NULL OR search.in_stock = %(in_stock)s::boolean)
    AND (%(after)s::bigint IS NULL OR (search.min_price, search.product_id) < (%(after)s::bigint, %(after_id)s::bigint))
ORDER BY search.min_price DESC, search.product_id DESC
LIMIT %(limit)s
