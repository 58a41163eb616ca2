-- Identities go on after the rows that were copied in.
SELECT
    setval(pg_get_serial_sequence('brands', 'id'), (SELECT max(id) FROM brands)),
    setval(pg_get_serial_sequence('categories', 'id'), (SELECT max(id) FROM categories)),
    setval(pg_get_serial_sequence('locations', 'id'), (SELECT max(id) FROM locations)),
    setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products)),
    setval(pg_get_serial_sequence('product_variants', 'id'), (SELECT max(id) FROM product_variants)),
    setval(pg_get_serial_sequence('customers', 'id'), (SELECT max(id) FROM customers)),
    setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders))
