-- Adds the customers that are new. An e-mail address belongs to whoever had it first; another customer goes without.
WITH given AS (
    SELECT DISTINCT ON (external_id) external_id, email, first_name, last_name, currency, seen_at
    FROM unnest(
        %(customers)s::text[], %(emails)s::text[], %(first_names)s::text[], %(last_names)s::text[],
        %(currencies)s::text[], %(placed)s::timestamptz[]
    ) AS given (external_id, email, first_name, last_name, currency, seen_at)
    WHERE NOT EXISTS (SELECT FROM customers WHERE customers.external_id = given.external_id)
    ORDER BY external_id, seen_at
)
INSERT INTO customers (external_id, email, first_name, last_name, currency, created_at)
SELECT
    external_id,
    CASE WHEN row_number() OVER (PARTITION BY email ORDER BY seen_at, external_id) = 1
        AND NOT EXISTS (SELECT FROM customers WHERE customers.email = given.email) THEN email END,
    first_name, last_name, currency, seen_at
FROM given
ON CONFLICT DO NOTHING
