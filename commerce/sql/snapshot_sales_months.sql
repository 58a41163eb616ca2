-- Sales by month of the shop's zone. A refund belongs to the month in which it was paid back.
INSERT INTO {target} (currency, month, orders, customers, new_customers, sales, refunds)
WITH sold AS (
    SELECT
        placed.currency, date_trunc('month', placed.placed_at AT TIME ZONE %(zone)s)::date AS month,
        placed.customer_id, placed.total, placed.placed_at = stats.first_order_at AS is_first
    FROM orders AS placed
    JOIN customer_stats AS stats ON stats.customer_id = placed.customer_id AND stats.currency = placed.currency
    WHERE placed.financial_status IN ('paid', 'partially_refunded', 'refunded')
), paid_back AS (
    SELECT
        placed.currency, date_trunc('month', refunds.refunded_at AT TIME ZONE %(zone)s)::date AS month,
        sum(refunds.amount) AS refunds
    FROM refunds JOIN orders AS placed ON placed.id = refunds.order_id
    GROUP BY 1, 2
), month_of AS (
    SELECT
        currency, month, count(*) AS orders, count(DISTINCT customer_id) AS customers,
        count(DISTINCT customer_id) FILTER (WHERE is_first) AS new_customers, sum(total) AS sales
    FROM sold GROUP BY currency, month
)
SELECT
    currency, month, coalesce(orders, 0), coalesce(customers, 0), coalesce(new_customers, 0), coalesce(sales, 0),
    coalesce(refunds, 0)
FROM month_of FULL JOIN paid_back USING (currency, month)
