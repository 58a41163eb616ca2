-- Where what is committed is not what orders that were not shipped hold: sold, and not given back.
SELECT
    count(*) OVER () AS total,
    format('%%s at %%s: committed %%s, the orders say %%s', variant.sku, location.code,
        shelf.committed, coalesce(held.quantity, 0)) AS example
FROM stock AS shelf
LEFT JOIN held_stock AS held ON held.variant_id = shelf.variant_id AND held.location_id = shelf.location_id
JOIN product_variants AS variant ON variant.id = shelf.variant_id
JOIN locations AS location ON location.id = shelf.location_id
WHERE shelf.committed <> coalesce(held.quantity, 0)
ORDER BY variant.sku, location.code
LIMIT %(examples)s
