-- Where the stock is not the sum of the ledger.
SELECT
    count(*) OVER () AS total,
    format('%%s at %%s: available %%s, the ledger says %%s', variant.sku, location.code,
        coalesce(shelf.available, 0), coalesce(summed.available, 0)) AS example
FROM stock AS shelf
FULL JOIN (
    SELECT variant_id, location_id, sum(change) AS available
    FROM inventory_transactions GROUP BY variant_id, location_id
) AS summed ON summed.variant_id = shelf.variant_id AND summed.location_id = shelf.location_id
JOIN product_variants AS variant ON variant.id = coalesce(shelf.variant_id, summed.variant_id)
JOIN locations AS location ON location.id = coalesce(shelf.location_id, summed.location_id)
WHERE coalesce(shelf.available, 0) <> coalesce(summed.available, 0)
ORDER BY variant.sku, location.code
LIMIT %(examples)s
