-- Adds a category, or renames and moves the one that is there. A parent that is unknown is none.
INSERT INTO categories (slug, name, parent_id, sort_order)
VALUES (
    %(slug)s, %(name)s, (SELECT id FROM categories WHERE slug = %(parent)s::text), %(sort_order)s
)
ON CONFLICT (slug) DO UPDATE SET
    name = excluded.name, parent_id = excluded.parent_id, sort_order = excluded.sort_order
