-- What the shop sells: brands, categories, products, variants and their prices; and where it keeps them.
-- Money is BIGINT minor units with an ISO 4217 currency: DECIMAL(,2) holds neither yen nor dinars.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE DOMAIN currency AS text CHECK (VALUE ~ '^[A-Z]{3}$');

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TABLE brands (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE categories (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id bigint REFERENCES categories (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    description text NOT NULL DEFAULT '',
    sort_order integer NOT NULL DEFAULT 0,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX categories_parent ON categories (parent_id, sort_order, id);

-- A category may not stand below itself. The lock makes two moves that would close a circle together wait for each other.
CREATE FUNCTION refuse_category_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('categories', 0));
    IF EXISTS (
        WITH RECURSIVE above (id, parent_id) AS (
            SELECT NEW.parent_id, (SELECT parent_id FROM categories WHERE id = NEW.parent_id)
            UNION
            SELECT category.id, category.parent_id FROM categories AS category JOIN above ON category.id = above.parent_id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'category % would stand below itself', NEW.slug USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER categories_no_cycle BEFORE INSERT OR UPDATE OF parent_id ON categories
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION refuse_category_cycle();

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 100),
    handle text NOT NULL UNIQUE CHECK (length(handle) BETWEEN 1 AND 255),  -- in the URL of the product's page
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 500),
    short_description text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    category_id bigint REFERENCES categories (id),
    brand_id bigint REFERENCES brands (id),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('draft', 'active', 'archived')),
    tags text[] NOT NULL DEFAULT '{}',
    dimensions jsonb,
    meta_title text,
    meta_description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX products_category ON products (category_id);
CREATE INDEX products_brand ON products (brand_id);

CREATE TABLE product_variants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    sku text NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 100),
    name text NOT NULL DEFAULT '',
    option1 text,
    option2 text,
    option3 text,
    barcode text,
    weight_grams integer CHECK (weight_grams >= 0),
    track_inventory boolean NOT NULL DEFAULT true,
    inventory_policy text NOT NULL DEFAULT 'deny' CHECK (inventory_policy IN ('deny', 'continue')),
    requires_shipping boolean NOT NULL DEFAULT true,
    taxable boolean NOT NULL DEFAULT true,
    gift_card boolean NOT NULL DEFAULT false,
    position integer NOT NULL DEFAULT 0,
    -- How it is bought in; without a lead time no reorder point can be said.
    lead_days real NOT NULL DEFAULT 7 CHECK (lead_days >= 0),
    lead_days_sd real NOT NULL DEFAULT 2 CHECK (lead_days_sd >= 0),
    pack_size integer NOT NULL DEFAULT 1 CHECK (pack_size > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (product_id, option1, option2, option3)  -- also the index by product
);

-- What a variant costs, in each currency that it is sold in. `cost` is what the shop pays; NULL: not known.
CREATE TABLE variant_prices (
    variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
    currency currency NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    compare_price bigint CHECK (compare_price >= price),
    cost bigint CHECK (cost >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (variant_id, currency)
);

CREATE TABLE locations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    is_default boolean NOT NULL DEFAULT false,  -- where an order that names no location is taken from
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX locations_default ON locations (is_default) WHERE is_default;
INSERT INTO locations (code, name, is_default) VALUES ('main', 'Main warehouse', true);

CREATE TRIGGER touch BEFORE UPDATE ON brands FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON categories FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON product_variants FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON variant_prices FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON locations FOR EACH ROW EXECUTE FUNCTION touch();
