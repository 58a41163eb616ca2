-- Receipts and adjustments: ledger rows that their reference makes unique, and the stock by the rows that were new.
WITH moved AS (
    INSERT INTO inventory_transactions (variant_id, location_id, kind, change, reference, reason, at)
    SELECT variant.id, location.id, %(kind)s, given.quantity, %(reference)s, %(reason)s, given.at
    FROM unnest(%(skus)s::text[], %(locations)s::text[], %(quantities)s::integer[], %(at)s::timestamptz[])
        AS given (sku, location, quantity, at)
    JOIN product_variants AS variant ON variant.sku = given.sku
    JOIN locations AS location ON location.code = given.location
    ON CONFLICT (reference, variant_id, location_id) WHERE reference IS NOT NULL DO NOTHING
    RETURNING variant_id, location_id, change, at
), arrived AS (
    UPDATE incoming_stock SET received_at = moved.at
    FROM moved
    WHERE %(kind)s = 'receipt' AND incoming_stock.reference = %(reference)s AND incoming_stock.received_at IS NULL
        AND incoming_stock.variant_id = moved.variant_id AND incoming_stock.location_id = moved.location_id
)
INSERT INTO stock AS shelf (variant_id, location_id, available)
SELECT variant_id, location_id, change FROM moved ORDER BY variant_id, location_id
ON CONFLICT (variant_id, location_id) DO UPDATE SET available = shelf.available + excluded.available
