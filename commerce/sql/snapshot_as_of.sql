-- When a snapshot was rebuilt last.
SELECT as_of FROM snapshots WHERE name = %(name)s
