-- Sets what is committed to what orders that were not shipped hold.
UPDATE stock AS shelf SET committed = coalesce(held.quantity, 0)
FROM stock AS known
LEFT JOIN held_stock AS held ON held.variant_id = known.variant_id AND held.location_id = known.location_id
WHERE shelf.variant_id = known.variant_id AND shelf.location_id = known.location_id
    AND shelf.committed <> coalesce(held.quantity, 0)
