-- What was bought and given back. An order *counts* while it is paid or was: `paid`, `partially_refunded`, `refunded`.

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 100),
    customer_id bigint NOT NULL REFERENCES customers (id),
    location_id bigint NOT NULL REFERENCES locations (id),
    financial_status text NOT NULL
        CHECK (financial_status IN ('pending', 'paid', 'partially_refunded', 'refunded', 'voided')),
    fulfillment_status text NOT NULL DEFAULT 'unfulfilled' CHECK (fulfillment_status IN ('unfulfilled', 'fulfilled')),
    currency currency NOT NULL,
    subtotal bigint NOT NULL CHECK (subtotal >= 0),  -- of the lines, before discounts
    discount bigint NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND subtotal),
    shipping bigint NOT NULL DEFAULT 0 CHECK (shipping >= 0),
    tax bigint NOT NULL DEFAULT 0 CHECK (tax >= 0),
    total bigint NOT NULL CHECK (total = subtotal - discount + shipping + tax),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    placed_at timestamptz NOT NULL,  -- when it was bought; created_at is when it was written here
    cancelled_at timestamptz,
    cancel_reason text CHECK (cancel_reason IN ('customer', 'inventory', 'fraud', 'declined', 'other')),
    notes text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    shipping_address jsonb,
    billing_address jsonb,
    metafields jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (cancel_reason IS NULL OR cancelled_at IS NOT NULL)
);
CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC, id DESC);
CREATE INDEX orders_location ON orders (location_id, placed_at DESC);
-- The few that do not count: a sum over lines leaves them out without reading the many that do.
CREATE INDEX orders_uncounted ON orders (id) WHERE financial_status IN ('pending', 'voided');
CREATE INDEX orders_placed ON orders (placed_at) INCLUDE (currency, customer_id, total, discount, financial_status);

-- `placed_at` and `currency` are the order's, and like the order's never change: so that what was sold in a window is
-- one range of one index. A line outlives its product: what was bought stays written.
CREATE TABLE order_items (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id bigint REFERENCES products (id) ON DELETE SET NULL,
    variant_id bigint REFERENCES product_variants (id) ON DELETE SET NULL,
    sku text NOT NULL,
    name text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price bigint NOT NULL CHECK (price >= 0),  -- of one unit
    discount bigint NOT NULL DEFAULT 0 CHECK (discount BETWEEN 0 AND price * quantity),  -- of the line
    cost bigint CHECK (cost >= 0),  -- of one unit, when it was sold; NULL: not known then
    currency currency NOT NULL,
    placed_at timestamptz NOT NULL,
    taxable boolean NOT NULL DEFAULT true,
    requires_shipping boolean NOT NULL DEFAULT true,
    gift_card boolean NOT NULL DEFAULT false,
    first_of_product boolean NOT NULL DEFAULT true,  -- so that distinct orders of a product are counted, not sorted out
    properties jsonb,
    UNIQUE (order_id, sku)
);
CREATE INDEX order_items_placed ON order_items (placed_at)
    INCLUDE (product_id, order_id, currency, quantity, price, discount, cost, first_of_product);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX order_items_variant ON order_items (variant_id);

CREATE TABLE refunds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 100),
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    amount bigint NOT NULL CHECK (amount >= 0),  -- of the lines and `other`
    other bigint NOT NULL DEFAULT 0 CHECK (other BETWEEN 0 AND amount),  -- of shipping and tax
    reason text NOT NULL DEFAULT '',
    refunded_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_order ON refunds (order_id, refunded_at);
CREATE INDEX refunds_refunded ON refunds (refunded_at);

CREATE TABLE refund_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    refund_id bigint NOT NULL REFERENCES refunds (id) ON DELETE CASCADE,
    order_item_id bigint NOT NULL REFERENCES order_items (id) ON DELETE CASCADE,
    quantity integer NOT NULL CHECK (quantity >= 0),  -- 0: money back, goods kept
    amount bigint NOT NULL CHECK (amount >= 0),
    restocked boolean NOT NULL DEFAULT true,
    UNIQUE (refund_id, order_item_id)
);
CREATE INDEX refund_lines_item ON refund_lines (order_item_id);

-- A refund that came before its order: entries of a consumer that died are given to another one late.
CREATE TABLE waiting_refunds (
    number text PRIMARY KEY,
    order_number text NOT NULL,
    refund jsonb NOT NULL,
    reason text,  -- why it could not be applied when its order came; NULL: the order has not come
    since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX waiting_refunds_order ON waiting_refunds (order_number);

CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
