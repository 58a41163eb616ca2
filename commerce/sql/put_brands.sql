-- Adds brands, or renames those that are there.
INSERT INTO brands (slug, name) SELECT * FROM unnest(%(slugs)s::text[], %(names)s::text[])
ON CONFLICT (slug) DO UPDATE SET name = excluded.name WHERE brands.name <> excluded.name
