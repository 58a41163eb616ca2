-- Adds a location, or renames the one that is there.
INSERT INTO locations (code, name) VALUES (%(code)s, %(name)s)
ON CONFLICT (code) DO UPDATE SET name = excluded.name
