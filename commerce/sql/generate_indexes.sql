-- The indexes of the large tables that no constraint needs: they are made again when the rows are in.
SELECT indexname AS name, indexdef AS definition FROM pg_indexes
WHERE schemaname = current_schema() AND tablename IN ('orders', 'order_items', 'inventory_transactions')
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
ORDER BY indexname
