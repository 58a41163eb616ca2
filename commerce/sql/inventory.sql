-- Advice about stock, the most urgent first.
SELECT
    advice.variant_id, advice.location_id, variant.sku, product.name AS product, variant.name AS variant,
    location.code AS location, advice.status, advice.available, shelf.available AS available_now, advice.committed,
    advice.incoming, advice.units_30, advice.units_90, advice.stocked_days_30, advice.stocked_days_90,
    advice.daily_demand, advice.demand_sd, advice.days_of_cover, advice.safety_stock, advice.reorder_point,
    advice.suggested, advice.confidence, advice.urgency
FROM (
    SELECT * FROM inventory_advice
    WHERE (%(status)s::text IS NULL OR status = %(status)s::text)
        AND (%(location)s::bigint IS NULL OR location_id = %(location)s::bigint)
        AND (%(after)s::float8 IS NULL
            OR (urgency, variant_id, location_id)
                < (%(after)s::float8, %(after_variant)s::bigint, %(after_location)s::bigint))
    ORDER BY urgency DESC, variant_id DESC, location_id DESC
    LIMIT %(limit)s
) AS advice
JOIN stock AS shelf ON shelf.variant_id = advice.variant_id AND shelf.location_id = advice.location_id
JOIN product_variants AS variant ON variant.id = advice.variant_id
JOIN products AS product ON product.id = variant.product_id
JOIN locations AS location ON location.id = advice.location_id
ORDER BY advice.urgency DESC, advice.variant_id DESC, advice.location_id DESC
