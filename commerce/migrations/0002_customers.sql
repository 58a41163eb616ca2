-- Who buys. What follows from their orders stands in customer_stats: on this wide row no update would be HOT.

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id text NOT NULL UNIQUE CHECK (length(external_id) BETWEEN 1 AND 128),  -- the shop's own id, or the visitor's
    email text CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    first_name text NOT NULL DEFAULT '',
    last_name text NOT NULL DEFAULT '',
    phone text,
    birth_date date,
    gender text,
    accepts_marketing boolean NOT NULL DEFAULT false,
    tax_exempt boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled', 'invited')),
    currency currency,
    notes text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    metafields jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX customers_email ON customers (email) WHERE email IS NOT NULL;

CREATE TABLE addresses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    address_type text NOT NULL DEFAULT 'shipping' CHECK (address_type IN ('shipping', 'billing')),
    is_default boolean NOT NULL DEFAULT false,
    first_name text NOT NULL,
    last_name text NOT NULL,
    company text,
    address1 text NOT NULL,
    address2 text,
    city text NOT NULL,
    province text,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    zip text,
    phone text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX addresses_customer ON addresses (customer_id);
CREATE UNIQUE INDEX addresses_default ON addresses (customer_id, address_type) WHERE is_default;

CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON addresses FOR EACH ROW EXECUTE FUNCTION touch();
