-- The customers of a segment (`column` is segment or rfm_group), those who brought most first.
SELECT
    member.customer_id, customer.external_id, customer.email, member.segment, member.rfm_group, member.orders,
    member.revenue, member.last_order_at
FROM segment_members AS member
JOIN customers AS customer ON customer.id = member.customer_id
WHERE member.currency = %(currency)s AND member.{column} = %(name)s
    AND (%(after)s::bigint IS NULL
        OR (member.revenue, member.customer_id) < (%(after)s::bigint, %(after_id)s::bigint))
ORDER BY member.revenue DESC, member.customer_id DESC
LIMIT %(limit)s
