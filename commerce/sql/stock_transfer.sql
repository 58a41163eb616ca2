-- Moves goods between two locations: for each variant a pair of ledger rows, both or neither.
WITH made AS (
    INSERT INTO transfers (reference, from_location_id, to_location_id)
    SELECT %(reference)s, source.id, target.id
    FROM locations AS source, locations AS target
    WHERE source.code = %(source)s AND target.code = %(target)s
    ON CONFLICT (reference) DO NOTHING
    RETURNING id, from_location_id, to_location_id
), moved AS (
    INSERT INTO inventory_transactions (variant_id, location_id, kind, change, transfer_id, at)
    SELECT variant.id, side.location_id, 'transfer', side.sign * given.quantity, made.id, given.at
    FROM made
    CROSS JOIN unnest(%(skus)s::text[], %(quantities)s::integer[], %(at)s::timestamptz[]) AS given (sku, quantity, at)
    JOIN product_variants AS variant ON variant.sku = given.sku
    CROSS JOIN LATERAL (VALUES (made.from_location_id, -1), (made.to_location_id, 1)) AS side (location_id, sign)
    RETURNING variant_id, location_id, change
)
INSERT INTO stock AS shelf (variant_id, location_id, available)
SELECT variant_id, location_id, change FROM moved ORDER BY variant_id, location_id
ON CONFLICT (variant_id, location_id) DO UPDATE SET available = shelf.available + excluded.available
