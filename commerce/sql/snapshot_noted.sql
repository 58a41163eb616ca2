-- Notes when a snapshot was rebuilt.
INSERT INTO snapshots (name, as_of, seconds) VALUES (%(name)s, %(as_of)s, %(seconds)s)
ON CONFLICT (name) DO UPDATE SET as_of = excluded.as_of, seconds = excluded.seconds
