-- What each product brought in, in a window and each currency.
--
-- Sales are what was summed before (`snapshot_product_sales.sql`) and what has changed it since. A refund counts when it
-- is paid back; goods that went back on the shelf take their cost with them. Sums of float8 are exact below 2^53 minor
-- units, and take half the time of those of bigint, which are numeric.
INSERT INTO {target} (
    currency, product_id, category_id, brand_id, units, orders, gross, discounts, refunds, net, cost, views,
    rank, rank_in_category, abc, profit_key, conversion_key
)
WITH line AS (
    -- Written since, or placed since by the clock of whoever sent it; and with a minus, what has left the window since,
    -- and what is of an order that does not count.
    SELECT 1 AS sign, * FROM order_items
    WHERE id > %(last_line)s::bigint
        AND placed_at > %(now)s::timestamptz - interval '1 day' * %(days)s::smallint
        AND placed_at <= %(now)s::timestamptz
    UNION ALL
    SELECT 1, * FROM order_items
    WHERE placed_at > %(summed_at)s::timestamptz AND placed_at <= %(now)s::timestamptz AND id <= %(last_line)s::bigint
    UNION ALL
    SELECT -1, * FROM order_items
    WHERE placed_at > %(summed_at)s::timestamptz - interval '1 day' * %(days)s::smallint
        AND placed_at <= %(now)s::timestamptz - interval '1 day' * %(days)s::smallint
        AND id <= %(last_line)s::bigint
    UNION ALL
    SELECT -1, item.* FROM orders JOIN order_items AS item ON item.order_id = orders.id
    WHERE orders.financial_status IN ('pending', 'voided')
        AND item.placed_at > %(now)s::timestamptz - interval '1 day' * %(days)s::smallint
        AND item.placed_at <= %(now)s::timestamptz
), sold AS (
    SELECT
        product_id, currency, sum(units::float8) AS units, sum(orders::float8) AS orders, sum(gross::float8) AS gross,
        sum(discounts::float8) AS discounts, sum(cost::float8) AS cost, sum(unknown_costs::float8) AS unknown_costs
    FROM (
        SELECT * FROM {sales}
        UNION ALL
        SELECT
            product_id, currency, sign, sign * quantity, CASE WHEN first_of_product THEN sign ELSE 0 END,
            sign * price * quantity, sign * discount, coalesce(sign * cost * quantity, 0),
            CASE WHEN cost IS NULL THEN sign ELSE 0 END
        FROM line WHERE product_id IS NOT NULL
    ) AS part
    GROUP BY product_id, currency
    HAVING sum(lines::float8) > 0
), returned AS (
    SELECT
        item.product_id, item.currency, sum(line.amount::float8) AS amount,
        sum((item.cost * line.quantity)::float8) FILTER (WHERE line.restocked) AS cost,
        count(*) FILTER (WHERE line.restocked AND item.cost IS NULL) AS unknown_costs
    FROM refunds
    JOIN refund_lines AS line ON line.refund_id = refunds.id
    JOIN order_items AS item ON item.id = line.order_item_id AND item.product_id IS NOT NULL
    WHERE refunds.refunded_at > %(now)s::timestamptz - interval '1 day' * %(days)s::smallint
        AND refunds.refunded_at <= %(now)s::timestamptz
    GROUP BY item.product_id, item.currency
), viewed AS (
    SELECT product_id, %(currency)s::currency AS currency, sum(views)::bigint AS views
    FROM product_views
    WHERE day > (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - %(days)s::smallint
        AND day <= (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date
    GROUP BY product_id
), summed AS (
    SELECT
        product_id, currency,
        coalesce(sold.units, 0) AS units, coalesce(sold.orders, 0) AS orders,
        coalesce(sold.gross, 0) AS gross, coalesce(sold.discounts, 0) AS discounts,
        coalesce(returned.amount, 0) AS refunds,
        coalesce(sold.gross, 0) - coalesce(sold.discounts, 0) - coalesce(returned.amount, 0) AS net,
        CASE WHEN coalesce(sold.unknown_costs, 0) + coalesce(returned.unknown_costs, 0) = 0
            THEN coalesce(sold.cost, 0) - coalesce(returned.cost, 0) END AS cost,
        coalesce(viewed.views, 0) AS views
    FROM sold
    FULL JOIN returned USING (product_id, currency)
    FULL JOIN viewed USING (product_id, currency)
), placed AS (
    SELECT
        summed.*, known.number, coalesce(product.category_id, 0) AS category_id,
        coalesce(product.brand_id, 0) AS brand_id,
        -- A product is viewed in no currency: its views stand with each, and its orders are those of all.
        sum(summed.orders) OVER of_product AS all_orders, max(summed.views) OVER of_product AS all_views
    FROM summed
    JOIN products AS product ON product.id = summed.product_id
    JOIN unnest(%(currencies)s::text[], %(currency_numbers)s::smallint[]) AS known (currency, number)
        ON known.currency = summed.currency
    WINDOW of_product AS (PARTITION BY summed.product_id)
), ranked AS (
    SELECT
        placed.*,
        rank() OVER (PARTITION BY number ORDER BY net DESC) AS rank,
        rank() OVER (PARTITION BY number, category_id ORDER BY net DESC) AS rank_in_category,
        sum(greatest(net, 0)) OVER best - greatest(net, 0) AS net_before
    FROM placed
    WINDOW best AS (PARTITION BY number ORDER BY net DESC, product_id DESC ROWS UNBOUNDED PRECEDING)
), whole AS (
    SELECT number, sum(greatest(net, 0)) AS net FROM placed GROUP BY number
)
SELECT
    number, product_id, category_id, brand_id, units, orders, gross, discounts, refunds, ranked.net, cost, all_views,
    rank, rank_in_category,
    CASE WHEN ranked.net <= 0 THEN 'C' WHEN net_before < 0.8 * whole.net THEN 'A'
        WHEN net_before < 0.95 * whole.net THEN 'B' ELSE 'C' END,
    coalesce((ranked.net - cost)::bigint, %(least)s::bigint),
    -- More orders than views: some were not seen to look first, and the rate is not known.
    CASE WHEN all_views > 0 AND all_orders <= all_views THEN all_orders / all_views ELSE -1 END
FROM ranked JOIN whole USING (number)
ORDER BY number, ranked.net DESC, product_id DESC
