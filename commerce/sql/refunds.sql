-- Writes refunds and everything that follows from them: lines, ledger, stock, the orders' and customers' sums.
--
-- At most one refund of an order at a time: what is left to give back is read from what was given back before.
-- One row for each refund that was given: whether its order is known, whether it was written now, or the reason why
-- it never can be. A refund that is already there changes nothing.
WITH given AS (
    SELECT * FROM unnest(
        %(numbers)s::text[], %(orders)s::text[], %(refunded)s::timestamptz[], %(reasons)s::text[],
        %(others)s::bigint[], %(whole)s::boolean[], %(restock)s::boolean[], %(currencies)s::text[]
    ) AS given (number, order_number, refunded_at, note, other, whole, restock, in_currency)
), line AS (
    SELECT * FROM unnest(
        %(line_numbers)s::text[], %(skus)s::text[], %(quantities)s::integer[], %(amounts)s::bigint[]
    ) AS line (number, sku, quantity, amount)
), target AS (
    SELECT
        given.*, bought.id AS order_id, bought.location_id, bought.customer_id, bought.currency,
        bought.financial_status, bought.fulfillment_status,
        bought.shipping + bought.tax
            - (SELECT coalesce(sum(refunds.other), 0) FROM refunds WHERE refunds.order_id = bought.id)::bigint
            AS other_left
    FROM given JOIN orders AS bought ON bought.number = given.order_number
    WHERE NOT EXISTS (SELECT FROM refunds WHERE refunds.number = given.number)
), remaining AS (
    SELECT
        target.number, target.whole, item.id, item.sku, item.variant_id,
        item.quantity - back.quantity AS quantity_left,
        item.price * item.quantity - item.discount - back.amount AS amount_left
    FROM target
    JOIN order_items AS item ON item.order_id = target.order_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0)::integer AS quantity, coalesce(sum(amount), 0)::bigint AS amount
        FROM refund_lines WHERE order_item_id = item.id
    ) AS back
), wanted AS (
    SELECT number, id, sku, variant_id, quantity_left, amount_left, quantity_left AS quantity, amount_left AS amount
    FROM remaining WHERE whole AND (quantity_left > 0 OR amount_left > 0)
    UNION ALL
    SELECT
        line.number, remaining.id, line.sku, remaining.variant_id, quantity_left, amount_left, line.quantity,
        -- Of the units' price the share of what is left of it: so the last unit takes what rounding left over.
        coalesce(line.amount, (amount_left::numeric * line.quantity / nullif(quantity_left, 0))::bigint, 0)
    FROM line
    JOIN target ON target.number = line.number
    LEFT JOIN remaining ON remaining.number = line.number AND remaining.sku = line.sku
), sum_of AS (
    SELECT
        number, sum(amount)::bigint AS amount,
        min(CASE
            WHEN id IS NULL THEN sku || ' is not in the order'
            WHEN quantity > quantity_left THEN 'only ' || quantity_left || ' of ' || sku || ' are left to refund'
            WHEN amount > amount_left THEN 'the amount for ' || sku || ' is more than was paid and not given back'
        END) AS reason
    FROM wanted GROUP BY number
), checked AS (
    SELECT
        target.*,
        CASE WHEN target.whole THEN other_left ELSE target.other END AS other_back,
        coalesce(sum_of.amount, 0) AS lines_back,
        CASE
            WHEN financial_status NOT IN ('paid', 'partially_refunded', 'refunded') THEN 'the order was never paid'
            WHEN in_currency <> currency THEN 'the refund is in ' || in_currency || ', the order in ' || currency
            WHEN target.other > other_left THEN 'order.other: is more than is left of shipping and tax'
            WHEN target.whole AND sum_of.number IS NULL AND other_left = 0 THEN 'nothing is left to refund'
            ELSE sum_of.reason
        END AS reason
    FROM target LEFT JOIN sum_of ON sum_of.number = target.number
), written AS (
    INSERT INTO refunds (number, order_id, amount, other, reason, refunded_at)
    SELECT number, order_id, lines_back + other_back, other_back, note, refunded_at FROM checked WHERE reason IS NULL
    ON CONFLICT (number) DO NOTHING
    RETURNING id, number, order_id, amount
), back AS (
    INSERT INTO refund_lines (refund_id, order_item_id, quantity, amount, restocked)
    SELECT written.id, wanted.id, wanted.quantity, wanted.amount, checked.restock AND wanted.quantity > 0
    FROM written
    JOIN checked ON checked.number = written.number
    JOIN wanted ON wanted.number = written.number
    RETURNING id, refund_id, order_item_id, quantity, restocked
), moved AS (
    SELECT
        back.id, sale.variant_id, sale.location_id, back.quantity, back.restocked, checked.refunded_at,
        CASE WHEN checked.fulfillment_status = 'unfulfilled' THEN back.quantity ELSE 0 END AS released
    FROM back
    JOIN written ON written.id = back.refund_id
    JOIN checked ON checked.number = written.number
    JOIN inventory_transactions AS sale ON sale.order_item_id = back.order_item_id  -- none where nothing is tracked
    WHERE back.quantity > 0
), ledger AS (
    INSERT INTO inventory_transactions (variant_id, location_id, kind, change, refund_line_id, at)
    SELECT variant_id, location_id, 'return', quantity, id, refunded_at FROM moved WHERE restocked
), shelf AS (
    UPDATE stock SET
        available = stock.available + change.available,
        committed = stock.committed - change.released
    FROM (
        SELECT
            variant_id, location_id, coalesce(sum(quantity) FILTER (WHERE restocked), 0)::integer AS available,
            sum(released)::integer AS released
        FROM moved GROUP BY variant_id, location_id
    ) AS change
    WHERE stock.variant_id = change.variant_id AND stock.location_id = change.location_id
), order_sum AS (
    UPDATE orders SET
        refunded = orders.refunded + written.amount,
        financial_status = CASE WHEN orders.refunded + written.amount = orders.total THEN 'refunded'
            ELSE 'partially_refunded' END
    FROM written WHERE orders.id = written.order_id
), buyer AS (
    UPDATE customer_stats SET refunded = customer_stats.refunded + change.amount
    FROM (
        SELECT checked.customer_id, checked.currency, sum(written.amount)::bigint AS amount
        FROM written JOIN checked ON checked.number = written.number
        GROUP BY checked.customer_id, checked.currency
    ) AS change
    WHERE customer_stats.customer_id = change.customer_id AND customer_stats.currency = change.currency
)
SELECT
    given.number,
    EXISTS (SELECT FROM orders WHERE orders.number = given.order_number) AS known,
    written.id IS NOT NULL AS written,
    checked.reason
FROM given
LEFT JOIN checked ON checked.number = given.number
LEFT JOIN written ON written.number = given.number
