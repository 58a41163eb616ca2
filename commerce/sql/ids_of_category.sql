-- The ids of a category and all below it.
WITH RECURSIVE below (id) AS (
    SELECT id FROM categories WHERE slug = %(slug)s
    UNION
    SELECT category.id FROM categories AS category JOIN below ON category.parent_id = below.id
)
SELECT array_agg(id) AS ids FROM below
