-- A page of hits, those that match best first: names and SKUs before brands and tags before descriptions.
-- Where very many match, the most popular of them are ranked.
WITH matched AS MATERIALIZED (
    SELECT search.product_id, search.document
    FROM product_search AS search
    WHERE
        (%(q)s::text IS NULL OR search.document @@ search_question(%(q)s::text))
        AND (%(categories)s::bigint[] IS NULL OR search.category_ids && %(categories)s::bigint[])
        AND (%(brands)s::bigint[] IS NULL OR search.brand_id = ANY (%(brands)s::bigint[]))
        AND (%(tag)s::text IS NULL OR search.tags @> ARRAY[%(tag)s::text])
        AND (%(min_price)s::bigint IS NULL OR search.max_price >= %(min_price)s::bigint)
        AND (%(max_price)s::bigint IS NULL OR search.min_price <= %(max_price)s::bigint)
        AND (%(in_stock)s::boolean IS NULL OR search.in_stock = %(in_stock)s::boolean)
    ORDER BY search.popularity DESC, search.product_id DESC
    LIMIT %(most)s
), ranked AS MATERIALIZED (
    SELECT product_id, ts_rank(document, search_question(%(q)s::text))::float8 AS relevance FROM matched
)
SELECT
    search.product_id, ranked.relevance AS sort_key, product.sku, product.handle, product.name, brand.slug AS brand,
    category.slug AS category, search.min_price, search.max_price, search.in_stock
FROM (
    SELECT * FROM ranked
    WHERE %(after)s::float8 IS NULL OR (relevance, product_id) < (%(after)s::float8, %(after_id)s::bigint)
    ORDER BY relevance DESC, product_id DESC
    LIMIT %(limit)s
) AS ranked
JOIN product_search AS search ON search.product_id = ranked.product_id
JOIN products AS product ON product.id = ranked.product_id
LEFT JOIN brands AS brand ON brand.id = search.brand_id
LEFT JOIN categories AS category ON category.id = search.category_id
ORDER BY ranked.relevance DESC, ranked.product_id DESC
