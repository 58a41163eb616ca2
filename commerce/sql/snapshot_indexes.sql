-- The indexes of a table, as the statements that make them.
SELECT indexdef AS definition FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %(table)s
ORDER BY indexname
