-- The id of a brand.
SELECT array_agg(id) AS ids FROM brands WHERE slug = %(slug)s
