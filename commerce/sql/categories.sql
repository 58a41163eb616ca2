-- All categories in the order that they are shown in, and how many products that can be found are in each itself.
SELECT category.id, category.parent_id, category.slug, category.name, coalesce(held.products, 0) AS products
FROM categories AS category
LEFT JOIN category_products AS held ON held.category_id = category.id
WHERE category.is_active
ORDER BY category.sort_order, category.id
