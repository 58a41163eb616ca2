-- A customer by the shop's own id, with the sums of their orders and their addresses.
SELECT
    customer.external_id, customer.email, customer.first_name, customer.last_name, customer.state, customer.tags,
    customer.created_at,
    (
        SELECT coalesce(json_agg(json_build_object(
            'currency', stats.currency, 'orders', stats.orders, 'spent', stats.spent, 'refunded', stats.refunded,
            'first_order_at', stats.first_order_at, 'last_order_at', stats.last_order_at,
            'segment', member.segment, 'rfm_group', member.rfm_group
        ) ORDER BY stats.currency), '[]')
        FROM customer_stats AS stats
        LEFT JOIN segment_members AS member
            ON member.customer_id = stats.customer_id AND member.currency = stats.currency
        WHERE stats.customer_id = customer.id
    ) AS spending,
    (
        SELECT coalesce(json_agg(json_build_object(
            'type', address.address_type, 'is_default', address.is_default, 'first_name', address.first_name,
            'last_name', address.last_name, 'address1', address.address1, 'address2', address.address2,
            'city', address.city, 'province', address.province, 'country', address.country, 'zip', address.zip
        ) ORDER BY address.id), '[]')
        FROM addresses AS address WHERE address.customer_id = customer.id
    ) AS addresses
FROM customers AS customer
WHERE customer.external_id = %(id)s
