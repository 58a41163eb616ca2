-- Products by one of their figures (`sort`, of `sort_type`), in one window (its `snapshot`) and currency.
SELECT
    performance.product_id, performance.{sort} AS sort_key, product.sku, product.name, category.slug AS category,
    brand.slug AS brand, performance.units, performance.orders, performance.gross, performance.discounts,
    performance.refunds, performance.net, performance.cost, performance.views, performance.conversion_key,
    performance.rank, performance.rank_in_category, performance.abc
FROM (
    SELECT * FROM {snapshot}
    WHERE currency = %(currency)s::smallint
        AND (%(categories)s::bigint[] IS NULL OR category_id = ANY (%(categories)s::bigint[]))
        AND (%(brands)s::bigint[] IS NULL OR brand_id = ANY (%(brands)s::bigint[]))
        AND (%(after)s::{sort_type} IS NULL OR ({sort}, product_id) < (%(after)s::{sort_type}, %(after_id)s::bigint))
    ORDER BY {sort} DESC, product_id DESC
    LIMIT %(limit)s
) AS performance
JOIN products AS product ON product.id = performance.product_id
LEFT JOIN categories AS category ON category.id = performance.category_id
LEFT JOIN brands AS brand ON brand.id = performance.brand_id
ORDER BY performance.{sort} DESC, performance.product_id DESC
