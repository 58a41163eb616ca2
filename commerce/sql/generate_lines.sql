-- Lines of made-up orders, with the price and the cost of today.
INSERT INTO order_items (
    order_id, product_id, variant_id, sku, name, quantity, price, discount, cost, currency, placed_at, first_of_product
)
SELECT
    line.order_id, variant.product_id, variant.id, variant.sku, product.name, line.quantity, price.price,
    price.price * line.quantity * line.discount / 100, price.cost, placed.currency, placed.placed_at,
    row_number() OVER (PARTITION BY line.order_id, variant.product_id ORDER BY variant.id) = 1
FROM given_lines AS line
JOIN given_orders AS placed ON placed.id = line.order_id
JOIN product_variants AS variant ON variant.id = line.variant_id
JOIN products AS product ON product.id = variant.product_id
JOIN variant_prices AS price ON price.variant_id = variant.id AND price.currency = placed.currency
