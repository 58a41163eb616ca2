-- How many products that can be found are in each category itself.
INSERT INTO {target} (category_id, products)
SELECT category_id, count(*) FROM product_search WHERE category_id <> 0 GROUP BY category_id
