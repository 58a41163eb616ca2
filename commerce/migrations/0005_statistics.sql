-- What follows from the orders and the stream, in narrow tables of its own.

-- Changed in the transaction that changes the orders. `refunded` is of these orders, whenever it was paid back.
CREATE TABLE customer_stats (
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    currency currency NOT NULL,
    orders integer NOT NULL CHECK (orders > 0),
    spent bigint NOT NULL CHECK (spent >= 0),
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND spent),
    first_order_at timestamptz NOT NULL,
    last_order_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, currency)
) WITH (fillfactor = 80);

CREATE TABLE product_views (
    product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    day date NOT NULL,
    views bigint NOT NULL CHECK (views >= 0),
    PRIMARY KEY (day, product_id) INCLUDE (views)
);
CREATE INDEX product_views_product ON product_views (product_id);

-- The entries of the last batch that each consumer applied: those that may be given out again although they counted.
CREATE TABLE applied_batches (
    stream text NOT NULL,
    consumer text NOT NULL,
    entries text[] NOT NULL,
    PRIMARY KEY (stream, consumer)
);

-- Snapshots: rebuilt whole into a table beside them that then takes their place. `snapshots` says when.
CREATE TABLE snapshots (
    name text PRIMARY KEY,
    as_of timestamptz NOT NULL,
    seconds real NOT NULL
);

CREATE TABLE segment_members (
    currency currency NOT NULL,
    segment text NOT NULL,
    rfm_group text,  -- NULL for those who never ordered
    customer_id bigint NOT NULL,
    orders integer NOT NULL,
    revenue bigint NOT NULL,
    last_order_at timestamptz
);
CREATE INDEX ON segment_members (currency, segment, revenue DESC, customer_id DESC);
CREATE INDEX ON segment_members (currency, rfm_group, revenue DESC, customer_id DESC) WHERE rfm_group IS NOT NULL;
CREATE INDEX ON segment_members (customer_id, currency);

CREATE TABLE segment_summary (
    method text NOT NULL CHECK (method IN ('thresholds', 'rfm')),
    currency currency NOT NULL,
    segment text NOT NULL,
    customers bigint NOT NULL,
    repeat_customers bigint NOT NULL,  -- with two orders or more
    orders bigint NOT NULL,
    revenue bigint NOT NULL,
    median_days double precision  -- since the last order
);
CREATE UNIQUE INDEX ON segment_summary (currency, method, segment);

CREATE TABLE sales_months (
    currency currency NOT NULL,
    month date NOT NULL,
    orders bigint NOT NULL,
    customers bigint NOT NULL,
    new_customers bigint NOT NULL,
    sales bigint NOT NULL,
    refunds bigint NOT NULL  -- paid back in the month, of whichever month's orders
);
CREATE UNIQUE INDEX ON sales_months (currency, month);

CREATE TABLE product_performance (
    days smallint NOT NULL,
    currency currency NOT NULL,
    product_id bigint NOT NULL,
    category_id bigint NOT NULL,  -- 0: uncategorised
    brand_id bigint NOT NULL,  -- 0: none
    units bigint NOT NULL,
    orders bigint NOT NULL,
    gross bigint NOT NULL,
    discounts bigint NOT NULL,
    refunds bigint NOT NULL,
    net bigint NOT NULL,
    cost bigint,
    views bigint NOT NULL,
    rank bigint NOT NULL,
    rank_in_category bigint NOT NULL,
    abc text NOT NULL,
    profit_key bigint NOT NULL,  -- net - cost, or the least number where the cost is unknown: what the list sorts by
    conversion_key double precision NOT NULL  -- orders / views, or -1 where it is unknown
);
CREATE INDEX ON product_performance (days, currency, net DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, units DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, profit_key DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, views DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, conversion_key DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, category_id, net DESC, product_id DESC);
CREATE INDEX ON product_performance (days, currency, brand_id, net DESC, product_id DESC);

CREATE TABLE inventory_advice (
    variant_id bigint NOT NULL,
    location_id bigint NOT NULL,
    available integer NOT NULL,
    committed integer NOT NULL,
    incoming integer NOT NULL,
    units_30 integer NOT NULL,
    units_90 integer NOT NULL,
    stocked_days_30 real NOT NULL,
    stocked_days_90 real NOT NULL,
    daily_demand double precision NOT NULL,
    demand_sd double precision NOT NULL,
    days_of_cover double precision,  -- NULL: nothing sells
    safety_stock integer NOT NULL,
    reorder_point integer NOT NULL,
    suggested integer NOT NULL,
    status text NOT NULL,
    confidence text NOT NULL,
    urgency double precision NOT NULL  -- units that will be missing when what is ordered now arrives; below zero: to spare
);
CREATE INDEX ON inventory_advice (urgency DESC, variant_id DESC, location_id DESC);
CREATE INDEX ON inventory_advice (status, urgency DESC, variant_id DESC, location_id DESC);
CREATE INDEX ON inventory_advice (location_id, urgency DESC, variant_id DESC);
CREATE INDEX ON inventory_advice (location_id, status, urgency DESC, variant_id DESC);
CREATE INDEX ON inventory_advice (urgency DESC, variant_id DESC, location_id DESC)
    WHERE status IN ('out_of_stock', 'low_stock');
CREATE INDEX ON inventory_advice (location_id, urgency DESC, variant_id DESC)
    WHERE status IN ('out_of_stock', 'low_stock');
CREATE INDEX ON inventory_advice (variant_id);
