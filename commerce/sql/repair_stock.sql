-- Sets the stock to the sum of the ledger.
INSERT INTO stock AS shelf (variant_id, location_id, available)
SELECT
    coalesce(summed.variant_id, known.variant_id), coalesce(summed.location_id, known.location_id),
    coalesce(summed.available, 0)
FROM (
    SELECT variant_id, location_id, sum(change) AS available
    FROM inventory_transactions GROUP BY variant_id, location_id
) AS summed
FULL JOIN stock AS known ON known.variant_id = summed.variant_id AND known.location_id = summed.location_id
ON CONFLICT (variant_id, location_id) DO UPDATE SET available = excluded.available
WHERE shelf.available <> excluded.available
