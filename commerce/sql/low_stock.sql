-- What is out of stock or will be before a delivery, the most urgent first, less what was restocked since.
SELECT
    advice.variant_id, advice.location_id, variant.sku, product.name AS product, variant.name AS variant,
    location.code AS location, advice.status, advice.available, shelf.available AS available_now, advice.committed,
    advice.incoming, advice.units_30, advice.units_90, advice.stocked_days_30, advice.stocked_days_90,
    advice.daily_demand, advice.demand_sd, advice.days_of_cover, advice.safety_stock, advice.reorder_point,
    advice.suggested, advice.confidence, advice.urgency
FROM inventory_advice AS advice
JOIN stock AS shelf ON shelf.variant_id = advice.variant_id AND shelf.location_id = advice.location_id
JOIN product_variants AS variant ON variant.id = advice.variant_id
JOIN products AS product ON product.id = variant.product_id
JOIN locations AS location ON location.id = advice.location_id
WHERE advice.status IN ('out_of_stock', 'low_stock')
    AND shelf.available + (
        SELECT coalesce(sum(coming.quantity), 0) FROM incoming_stock AS coming
        WHERE coming.variant_id = advice.variant_id AND coming.location_id = advice.location_id
            AND coming.received_at IS NULL
    ) <= advice.reorder_point
    AND (%(location)s::bigint IS NULL OR advice.location_id = %(location)s::bigint)
    AND (%(after)s::float8 IS NULL
        OR (advice.urgency, advice.variant_id, advice.location_id)
            < (%(after)s::float8, %(after_variant)s::bigint, %(after_location)s::bigint))
ORDER BY advice.urgency DESC, advice.variant_id DESC, advice.location_id DESC
LIMIT %(limit)s
