-- What each product brought in, in each of the three windows and each currency.
--
-- Sales, refunds and views are summed by the narrowest window they fall in; each window then sums those within it.
-- A refund counts when it is paid back; goods that went back on the shelf take their cost with them.
INSERT INTO {target} (
    days, currency, product_id, category_id, brand_id, units, orders, gross, discounts, refunds, net, cost, views,
    rank, rank_in_category, abc, profit_key, conversion_key
)
WITH band (days, after) AS (
    VALUES (30, 0), (90, 30), (365, 90)
), uncounted AS MATERIALIZED (
    SELECT id FROM orders WHERE financial_status IN ('pending', 'voided')
), contribution AS (
    -- Sums of float8 are exact below 2^53 minor units, and take half the time of those of bigint, which are numeric.
    SELECT band.days AS band, sold.*, 0::bigint AS refunds, 0::bigint AS views
    FROM band
    CROSS JOIN LATERAL (
        SELECT
            product_id, currency,
            sum(quantity) AS units,
            count(*) FILTER (WHERE first_of_product) AS orders,
            sum((price * quantity)::float8)::bigint AS gross,
            sum(discount::float8)::bigint AS discounts,
            sum((cost * quantity)::float8)::bigint AS cost,
            count(*) - count(cost) AS unknown_costs
        FROM order_items
        WHERE placed_at > %(now)s::timestamptz - interval '1 day' * band.days
            AND placed_at <= %(now)s::timestamptz - interval '1 day' * band.after
            AND product_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM uncounted WHERE uncounted.id = order_items.order_id)
        GROUP BY product_id, currency
    ) AS sold
    UNION ALL
    SELECT
        band.days, item.product_id, item.currency, 0, 0, 0, 0,
        -sum(item.cost * line.quantity) FILTER (WHERE line.restocked)::bigint,
        count(*) FILTER (WHERE line.restocked AND item.cost IS NULL),
        sum(line.amount)::bigint, 0
    FROM band
    JOIN refunds ON refunds.refunded_at > %(now)s::timestamptz - interval '1 day' * band.days
        AND refunds.refunded_at <= %(now)s::timestamptz - interval '1 day' * band.after
    JOIN refund_lines AS line ON line.refund_id = refunds.id
    JOIN order_items AS item ON item.id = line.order_item_id AND item.product_id IS NOT NULL
    GROUP BY band.days, item.product_id, item.currency
    UNION ALL
    SELECT
        band.days, product_id, %(currency)s::currency, 0, 0, 0, 0, 0, 0, 0, sum(views)::bigint
    FROM band
    JOIN product_views ON day > (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - band.days
        AND day <= (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - band.after
    GROUP BY band.days, product_id
), summed AS (
    SELECT
        span.days, contribution.currency, contribution.product_id,
        sum(units::float8)::bigint AS units, sum(orders::float8)::bigint AS orders,
        sum(gross::float8)::bigint AS gross, sum(discounts::float8)::bigint AS discounts,
        sum(refunds::float8)::bigint AS refunds,
        sum((gross - discounts - refunds)::float8)::bigint AS net,
        CASE WHEN bool_and(unknown_costs = 0) THEN coalesce(sum(cost::float8), 0)::bigint END AS cost,
        sum(views::float8)::bigint AS views
    FROM contribution JOIN band AS span ON contribution.band <= span.days
    GROUP BY span.days, contribution.currency, contribution.product_id
), placed AS (
    SELECT
        summed.*, coalesce(product.category_id, 0) AS category_id, coalesce(product.brand_id, 0) AS brand_id,
        -- A product is viewed in no currency: its views stand with each, and its orders are those of all.
        sum(summed.orders::float8) OVER of_product AS all_orders, max(summed.views) OVER of_product AS all_views
    FROM summed JOIN products AS product ON product.id = summed.product_id
    WINDOW of_product AS (PARTITION BY summed.days, summed.product_id)
), ranked AS (
    SELECT
        placed.*,
        rank() OVER (PARTITION BY days, currency ORDER BY net DESC) AS rank,
        rank() OVER (PARTITION BY days, currency, category_id ORDER BY net DESC) AS rank_in_category,
        sum(greatest(net, 0)::float8) OVER (PARTITION BY days, currency) AS all_net,
        sum(greatest(net, 0)::float8) OVER (best ROWS UNBOUNDED PRECEDING) - greatest(net, 0) AS net_before
    FROM placed
    WINDOW best AS (PARTITION BY days, currency ORDER BY net DESC, product_id DESC)
)
SELECT
    days, currency, product_id, category_id, brand_id, units, orders, gross, discounts, refunds, net, cost, all_views,
    rank, rank_in_category,
    CASE WHEN net <= 0 THEN 'C' WHEN net_before < 0.8 * all_net THEN 'A' WHEN net_before < 0.95 * all_net THEN 'B'
        ELSE 'C' END,
    coalesce(net - cost, %(least)s::bigint),
    -- More orders than views: some were not seen to look first, and the rate is not known.
    CASE WHEN all_views > 0 AND all_orders <= all_views THEN all_orders::float8 / all_views ELSE -1 END
FROM ranked
ORDER BY days, currency, net DESC, product_id DESC
