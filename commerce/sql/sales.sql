-- The latest months with sales or refunds, the latest first.
SELECT month, orders, customers, new_customers, sales, refunds
FROM sales_months WHERE currency = %(currency)s
ORDER BY month DESC
LIMIT %(months)s
