-- A customer's number by the shop's own id.
SELECT id FROM customers WHERE external_id = %(id)s
