-- The id of a location.
SELECT array_agg(id) AS ids FROM locations WHERE code = %(slug)s
