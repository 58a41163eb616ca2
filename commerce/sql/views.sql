-- Counts views of products, each entry once, and remembers which entries these were.
--
-- A batch that shares an entry with the consumer's last one is given out again, perhaps in smaller pieces: then what
-- was remembered stays. Where it shares none, Redis has acknowledged the last one and will not give it out any more.
WITH given AS (
    SELECT * FROM unnest(%(ids)s::text[], %(days)s::date[], %(handles)s::text[], %(skus)s::text[])
        AS given (id, day, handle, sku)
), fresh AS (
    SELECT given.* FROM given
    WHERE NOT EXISTS (
        SELECT FROM applied_batches WHERE stream = %(stream)s AND given.id = ANY (applied_batches.entries)
    )
), seen AS (
    SELECT product.id AS product_id, fresh.day, count(*) AS views
    FROM fresh
    JOIN products AS product ON product.id = coalesce(
        (SELECT id FROM products WHERE products.handle = fresh.handle),
        (SELECT id FROM products WHERE products.sku = fresh.sku),
        (SELECT product_id FROM product_variants WHERE product_variants.sku = fresh.sku)
    )
    GROUP BY product.id, fresh.day
), counted AS (
    INSERT INTO product_views AS counted (product_id, day, views)
    SELECT product_id, day, views FROM seen ORDER BY day, product_id
    ON CONFLICT (day, product_id) DO UPDATE SET views = counted.views + excluded.views
), remembered AS (
    INSERT INTO applied_batches AS batch (stream, consumer, entries)
    SELECT %(stream)s, %(consumer)s, array_agg(id) FROM given
    ON CONFLICT (stream, consumer) DO UPDATE SET entries = CASE
        WHEN batch.entries && excluded.entries
            THEN ARRAY(SELECT unnest(batch.entries) UNION SELECT unnest(excluded.entries))
        ELSE excluded.entries
    END
)
SELECT coalesce(sum(views), 0)::bigint AS views FROM seen
