-- The segments of one method in one currency.
SELECT segment, customers, repeat_customers, orders, revenue, median_days
FROM segment_summary
WHERE method = %(method)s AND currency = %(currency)s
