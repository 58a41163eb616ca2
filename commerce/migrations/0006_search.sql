-- One row a product: what is searched, filtered and counted, and nothing else.

-- The only configurations that product_search is written and asked with: an index serves no other.
-- Stemmed words find "shoes" by "shoe"; the plain ones find a SKU as it is written.
CREATE FUNCTION search_document(name text, skus text, brand text, tags text, description text)
RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('simple', skus), 'A')
        || setweight(to_tsvector('english', brand), 'B') || setweight(to_tsvector('english', tags), 'B')
        || setweight(to_tsvector('english', description), 'C')
$$;
CREATE FUNCTION search_question(q text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT websearch_to_tsquery('english', q) || websearch_to_tsquery('simple', q)
$$;

CREATE TABLE product_search (
    product_id bigint PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
    document tsvector NOT NULL,
    name text NOT NULL,
    brand_id bigint NOT NULL,  -- 0: none
    category_ids bigint[] NOT NULL,  -- its category and all above it
    category_id bigint NOT NULL,  -- 0: none
    tags text[] NOT NULL,
    min_price bigint NOT NULL,  -- in the shop's currency
    max_price bigint NOT NULL,
    in_stock boolean NOT NULL,
    popularity bigint NOT NULL DEFAULT 0,  -- units of the last 90 days
    created_at timestamptz NOT NULL
);
CREATE INDEX product_search_document ON product_search USING gin (document);
CREATE INDEX product_search_categories ON product_search USING gin (category_ids);
CREATE INDEX product_search_tags ON product_search USING gin (tags);
CREATE INDEX product_search_brand ON product_search (brand_id);
CREATE INDEX product_search_price ON product_search (min_price, product_id);
CREATE INDEX product_search_popular ON product_search (popularity DESC, product_id DESC);
CREATE INDEX product_search_newest ON product_search (created_at DESC, product_id DESC);

-- The words of names and brands, as they are written: what a misspelt word is compared with.
CREATE TABLE search_words (
    word text PRIMARY KEY,
    products integer NOT NULL
);
CREATE INDEX search_words_trigrams ON search_words USING gin (word gin_trgm_ops);

-- A snapshot: how many products that can be found are in each category itself.
CREATE TABLE category_products (
    category_id bigint NOT NULL,
    products bigint NOT NULL
);
CREATE UNIQUE INDEX ON category_products (category_id);
