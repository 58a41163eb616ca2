-- What is in stock, and the ledger of why.
--
--     available = sum of the ledger = what can still be sold, below zero where more was sold than there was
--     committed = sold and not yet shipped            on hand = available + committed

CREATE TABLE stock (
    variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
    location_id bigint NOT NULL REFERENCES locations (id),
    available integer NOT NULL DEFAULT 0,
    committed integer NOT NULL DEFAULT 0,
    PRIMARY KEY (variant_id, location_id)
) WITH (fillfactor = 80);  -- no column outside the key is indexed, so with room on the page each update is HOT
CREATE INDEX stock_location ON stock (location_id);

CREATE TABLE transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    from_location_id bigint NOT NULL REFERENCES locations (id),
    to_location_id bigint NOT NULL REFERENCES locations (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_location_id <> to_location_id)
);
CREATE INDEX transfers_from ON transfers (from_location_id);
CREATE INDEX transfers_to ON transfers (to_location_id);

-- Append-only, so without an updated_at. Each row has the one thing that caused it, and nothing causes two.
CREATE TABLE inventory_transactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
    location_id bigint NOT NULL REFERENCES locations (id),
    kind text NOT NULL CHECK (kind IN ('receipt', 'sale', 'return', 'adjustment', 'transfer')),
    change integer NOT NULL
        CHECK (change <> 0 AND (kind <> 'sale' OR change < 0) AND (kind NOT IN ('return', 'receipt') OR change > 0)),
    order_item_id bigint REFERENCES order_items (id) ON DELETE SET NULL,
    refund_line_id bigint REFERENCES refund_lines (id) ON DELETE SET NULL,
    transfer_id bigint REFERENCES transfers (id),
    reference text,
    reason text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(order_item_id, refund_line_id, transfer_id, reference) <= 1),
    CHECK (kind NOT IN ('receipt', 'adjustment') OR reference IS NOT NULL),
    CHECK (kind <> 'transfer' OR transfer_id IS NOT NULL)
);
CREATE UNIQUE INDEX ledger_sale ON inventory_transactions (order_item_id) WHERE order_item_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_return ON inventory_transactions (refund_line_id) WHERE refund_line_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_transfer ON inventory_transactions (transfer_id, variant_id, location_id)
    WHERE transfer_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_reference ON inventory_transactions (reference, variant_id, location_id)
    WHERE reference IS NOT NULL;
CREATE INDEX ledger_variant ON inventory_transactions (variant_id, location_id, at);
CREATE INDEX ledger_at ON inventory_transactions (at) INCLUDE (variant_id, location_id, kind, change);
CREATE INDEX ledger_location ON inventory_transactions (location_id);

-- Bought in and not arrived yet.
CREATE TABLE incoming_stock (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL,
    variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
    location_id bigint NOT NULL REFERENCES locations (id),
    quantity integer NOT NULL CHECK (quantity > 0),
    expected_at timestamptz,
    received_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (reference, variant_id, location_id)
);
CREATE INDEX incoming_variant ON incoming_stock (variant_id, location_id) WHERE received_at IS NULL;
CREATE INDEX incoming_location ON incoming_stock (location_id);
