-- How many hits there are, and how they divide by brand, category, price band and stock; of at most `most` of them.
WITH hit AS MATERIALIZED (
    SELECT
        search.brand_id, search.category_id, search.in_stock,
        width_bucket(search.min_price, %(bands)s::bigint[]) AS band
    FROM product_search AS search
    WHERE
        (%(q)s::text IS NULL OR search.document @@ search_question(%(q)s::text))
        AND (%(categories)s::bigint[] IS NULL OR search.category_ids && %(categories)s::bigint[])
        AND (%(brands)s::bigint[] IS NULL OR search.brand_id = ANY (%(brands)s::bigint[]))
        AND (%(tag)s::text IS NULL OR search.tags @> ARRAY[%(tag)s::text])
        AND (%(min_price)s::bigint IS NULL OR search.max_price >= %(min_price)s::bigint)
        AND (%(max_price)s::bigint IS NULL OR search.min_price <= %(max_price)s::bigint)
        AND (%(in_stock)s::boolean IS NULL OR search.in_stock = %(in_stock)s::boolean)
    LIMIT %(most)s
), counted AS (
    SELECT
        GROUPING(brand_id, category_id, band, in_stock) AS which, brand_id, category_id, band, in_stock,
        count(*) AS count
    FROM hit
    GROUP BY GROUPING SETS ((brand_id), (category_id), (band), (in_stock), ())
)
SELECT
    CASE which WHEN 7 THEN 'brand' WHEN 11 THEN 'category' WHEN 13 THEN 'price' WHEN 14 THEN 'stock' ELSE 'total' END
        AS facet,
    CASE which WHEN 7 THEN brand.slug WHEN 11 THEN category.slug WHEN 13 THEN band::text
        WHEN 14 THEN CASE WHEN in_stock THEN 'in_stock' ELSE 'out_of_stock' END ELSE '' END AS value,
    counted.count
FROM counted
LEFT JOIN brands AS brand ON which = 7 AND brand.id = counted.brand_id
LEFT JOIN categories AS category ON which = 11 AND category.id = counted.category_id
WHERE which NOT IN (7, 11) OR brand.id IS NOT NULL OR category.id IS NOT NULL
