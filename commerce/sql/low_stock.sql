-- What is out of stock or will be before a delivery, the most urgent first, less what was restocked since.
SELECT
    advice.variant_id, advice.location_id, variant.sku, product.name AS product, variant.name AS variant,
    location.code AS location, advice.status, advice.available, advice.available_now AS available_now, advice.committed,
    advice.incoming, advice.units_30, advice.units_90, advice.stocked_days_30, advice.stocked_days_90,
    advice.daily_demand, advice.demand_sd, advice.days_of_cover, advice.safety_stock, advice.reorder_point,
    advice.suggested, advice.confidence, advice.urgency
FROM (
    SELECT * FROM (
        SELECT
            listed.*,
            (
                SELECT shelf.available FROM stock AS shelf
                WHERE shelf.variant_id = listed.variant_id AND shelf.location_id = listed.location_id
            ) AS available_now,
            (
                SELECT coalesce(sum(coming.quantity), 0) FROM incoming_stock AS coming
                WHERE coming.variant_id = listed.variant_id AND coming.location_id = listed.location_id
                    AND coming.received_at IS NULL
            ) AS incoming_now
        FROM inventory_advice AS listed
        WHERE listed.status IN ('out_of_stock', 'low_stock')
    ) AS looked_up
    WHERE available_now + incoming_now <= reorder_point
        AND (%(location)s::bigint IS NULL OR location_id = %(location)s::bigint)
        AND (%(after)s::float8 IS NULL
            OR (urgency, variant_id, location_id)
                < (%(after)s::float8, %(after_variant)s::bigint, %(after_location)s::bigint))
    ORDER BY urgency DESC, variant_id DESC, location_id DESC
    LIMIT %(limit)s
) AS advice
JOIN product_variants AS variant ON variant.id = advice.variant_id
JOIN products AS product ON product.id = variant.product_id
JOIN locations AS location ON location.id = advice.location_id
ORDER BY advice.urgency DESC, advice.variant_id DESC, advice.location_id DESC
