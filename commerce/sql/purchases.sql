-- Writes orders and everything that follows from them: lines, ledger, stock, customers' statistics.
--
-- Everything is derived from the rows that the INSERT returned, so an order that is already there changes nothing.
-- One row for each order that was given: whether it was written now, or the reason why it never can be.
WITH given AS (
    SELECT given.*, location.id AS location_id, customer.id AS customer_id
    FROM unnest(
        %(numbers)s::text[], %(customers)s::text[], %(currencies)s::text[], %(placed)s::timestamptz[],
        %(locations)s::text[], %(shipping)s::bigint[], %(tax)s::bigint[], %(fulfilled)s::boolean[]
    ) WITH ORDINALITY
        AS given (number, customer, currency, placed_at, location, shipping, tax, fulfilled, position)
    JOIN customers AS customer ON customer.external_id = given.customer
    LEFT JOIN locations AS location
        ON location.code = given.location OR (given.location IS NULL AND location.is_default)
), line AS (
    SELECT
        given.number, line.sku, line.quantity, line.discount, line.position,
        variant.id AS variant_id, variant.product_id, variant.track_inventory,
        variant.taxable, variant.requires_shipping, variant.gift_card,
        concat_ws(' ', product.name, nullif(variant.name, '')) AS name,
        coalesce(line.price, price.price) AS price, price.cost
    FROM unnest(
        %(line_numbers)s::text[], %(skus)s::text[], %(quantities)s::integer[], %(discounts)s::bigint[],
        %(prices)s::bigint[]
    ) WITH ORDINALITY AS line (number, sku, quantity, discount, price, position)
    JOIN given ON given.number = line.number
    LEFT JOIN product_variants AS variant ON variant.sku = line.sku
    LEFT JOIN products AS product ON product.id = variant.product_id
    LEFT JOIN variant_prices AS price ON price.variant_id = variant.id AND price.currency = given.currency
), sum_of AS (
    SELECT
        number, sum(price * quantity)::bigint AS subtotal, sum(discount)::bigint AS discount,
        min(CASE
            WHEN variant_id IS NULL THEN 'no variant has the SKU ' || sku
            WHEN price IS NULL THEN sku || ' has no price in the order''s currency'
            WHEN discount > price * quantity THEN 'the discount of ' || sku || ' is more than its price'
        END) AS reason
    FROM line GROUP BY number
), checked AS (
    SELECT
        given.*, sum_of.subtotal, sum_of.discount,
        CASE WHEN given.location_id IS NULL THEN 'no location has the code ' || coalesce(given.location, '(default)')
            ELSE sum_of.reason END AS reason
    FROM given JOIN sum_of ON sum_of.number = given.number
), written AS (
    INSERT INTO orders (
        number, customer_id, location_id, financial_status, fulfillment_status, currency,
        subtotal, discount, shipping, tax, total, placed_at
    )
    SELECT
        number, customer_id, location_id, 'paid', CASE WHEN fulfilled THEN 'fulfilled' ELSE 'unfulfilled' END, currency,
        subtotal, discount, shipping, tax, subtotal - discount + shipping + tax, placed_at
    FROM checked WHERE reason IS NULL
    ORDER BY position
    ON CONFLICT (number) DO NOTHING
    RETURNING id, number, customer_id, location_id, fulfillment_status, currency, total, placed_at
), item AS (
    INSERT INTO order_items (
        order_id, product_id, variant_id, sku, name, quantity, price, discount, cost, currency, placed_at,
        taxable, requires_shipping, gift_card, first_of_product
    )
    SELECT
        written.id, line.product_id, line.variant_id, line.sku, line.name, line.quantity, line.price, line.discount,
        line.cost, written.currency, written.placed_at, line.taxable, line.requires_shipping, line.gift_card,
        row_number() OVER (PARTITION BY written.id, line.product_id ORDER BY line.position) = 1
    FROM written JOIN line ON line.number = written.number
    ORDER BY written.id, line.position
    RETURNING id, order_id, variant_id, quantity
), moved AS (
    SELECT
        item.id, item.variant_id, written.location_id, item.quantity, written.placed_at,
        CASE WHEN written.fulfillment_status = 'unfulfilled' THEN item.quantity ELSE 0 END AS committed
    FROM item
    JOIN written ON written.id = item.order_id
    JOIN product_variants AS variant ON variant.id = item.variant_id AND variant.track_inventory
), ledger AS (
    INSERT INTO inventory_transactions (variant_id, location_id, kind, change, order_item_id, at)
    SELECT variant_id, location_id, 'sale', -quantity, id, placed_at FROM moved
), shelf AS (
    INSERT INTO stock AS shelf (variant_id, location_id, available, committed)
    SELECT variant_id, location_id, -sum(quantity), sum(committed) FROM moved GROUP BY variant_id, location_id
    ON CONFLICT (variant_id, location_id) DO UPDATE SET
        available = shelf.available + excluded.available,
        committed = shelf.committed + excluded.committed
), buyer AS (
    INSERT INTO customer_stats AS buyer (customer_id, currency, orders, spent, first_order_at, last_order_at)
    SELECT customer_id, currency, count(*), sum(total), min(placed_at), max(placed_at)
    FROM written GROUP BY customer_id, currency
    ON CONFLICT (customer_id, currency) DO UPDATE SET
        orders = buyer.orders + excluded.orders,
        spent = buyer.spent + excluded.spent,
        first_order_at = least(buyer.first_order_at, excluded.first_order_at),
        last_order_at = greatest(buyer.last_order_at, excluded.last_order_at)
)
SELECT
    checked.number,
    written.id IS NOT NULL AS written,
    CASE WHEN NOT EXISTS (SELECT FROM orders WHERE orders.number = checked.number) THEN checked.reason END AS reason
FROM checked LEFT JOIN written ON written.number = checked.number
