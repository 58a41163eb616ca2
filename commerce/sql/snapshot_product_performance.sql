-- What each product brought in, in each of the three windows and each currency.
--
-- Sales, refunds and views are summed by the narrowest window they fall in; each window then sums those within it.
-- A refund counts when it is paid back; goods that went back on the shelf take their cost with them.
INSERT INTO {target} (
    days, currency, product_id, category_id, brand_id, units, orders, gross, discounts, refunds, net, cost, views,
    rank, rank_in_category, abc, profit_key, conversion_key
)
WITH span (days) AS (
    VALUES (30), (90), (365)
), uncounted AS MATERIALIZED (
    SELECT id FROM orders WHERE financial_status IN ('pending', 'voided')
), contribution AS (
    SELECT
        product_id, currency::text AS currency,
        CASE WHEN placed_at > %(now)s::timestamptz - interval '30 days' THEN 30
            WHEN placed_at > %(now)s::timestamptz - interval '90 days' THEN 90 ELSE 365 END AS band,
        sum(quantity)::bigint AS units,
        count(*) FILTER (WHERE first_of_product) AS orders,
        sum(price * quantity)::bigint AS gross,
        sum(discount)::bigint AS discounts,
        0::bigint AS refunds,
        sum(cost * quantity)::bigint AS cost,
        count(*) FILTER (WHERE cost IS NULL) AS unknown_costs,
        0::bigint AS views
    FROM order_items
    WHERE placed_at > %(now)s::timestamptz - interval '365 days' AND placed_at <= %(now)s::timestamptz
        AND product_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM uncounted WHERE uncounted.id = order_items.order_id)
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
        item.product_id, item.currency::text,
        CASE WHEN refunds.refunded_at > %(now)s::timestamptz - interval '30 days' THEN 30
            WHEN refunds.refunded_at > %(now)s::timestamptz - interval '90 days' THEN 90 ELSE 365 END,
        0, 0, 0, 0, sum(line.amount)::bigint,
        -sum(item.cost * line.quantity) FILTER (WHERE line.restocked)::bigint,
        count(*) FILTER (WHERE line.restocked AND item.cost IS NULL), 0
    FROM refunds
    JOIN refund_lines AS line ON line.refund_id = refunds.id
    JOIN order_items AS item ON item.id = line.order_item_id
    WHERE refunds.refunded_at > %(now)s::timestamptz - interval '365 days'
        AND refunds.refunded_at <= %(now)s::timestamptz AND item.product_id IS NOT NULL
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT
        product_id, %(currency)s,
        CASE WHEN day > (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - 30 THEN 30
            WHEN day > (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - 90 THEN 90 ELSE 365 END,
        0, 0, 0, 0, 0, 0, 0, sum(views)::bigint
    FROM product_views
    WHERE day > (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - 365
    GROUP BY 1, 2, 3
), summed AS (
    SELECT
        span.days, contribution.currency, contribution.product_id,
        sum(units)::bigint AS units, sum(orders)::bigint AS orders, sum(gross)::bigint AS gross,
        sum(discounts)::bigint AS discounts, sum(refunds)::bigint AS refunds,
        sum(gross - discounts - refunds)::bigint AS net,
        CASE WHEN sum(unknown_costs) = 0 THEN coalesce(sum(cost), 0)::bigint END AS cost,
        sum(views)::bigint AS views
    FROM contribution JOIN span ON contribution.band <= span.days
    GROUP BY span.days, contribution.currency, contribution.product_id
), placed AS (
    SELECT
        summed.*, coalesce(product.category_id, 0) AS category_id, coalesce(product.brand_id, 0) AS brand_id,
        -- A product is viewed in no currency: its views stand with each, and its orders are those of all.
        sum(summed.orders) OVER of_product AS all_orders, max(summed.views) OVER of_product AS all_views
    FROM summed JOIN products AS product ON product.id = summed.product_id
    WINDOW of_product AS (PARTITION BY summed.days, summed.product_id)
), ranked AS (
    SELECT
        placed.*,
        rank() OVER (PARTITION BY days, currency ORDER BY net DESC) AS rank,
        rank() OVER (PARTITION BY days, currency, category_id ORDER BY net DESC) AS rank_in_category,
        sum(greatest(net, 0)) OVER (PARTITION BY days, currency)::float8 AS all_net,
        sum(greatest(net, 0)) OVER (best ROWS UNBOUNDED PRECEDING)::float8 - greatest(net, 0) AS net_before
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
