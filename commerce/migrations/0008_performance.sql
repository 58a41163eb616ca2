-- Product performance: a snapshot for each of its three windows, and beneath each what need not be read again.
--
-- Lines are added and never change. So a window's sums, once read, stay true of the lines up to `last_line`, and a
-- rebuild adds the lines behind it and takes away those that have left the window: some thousands, not a year's.

DROP TABLE product_performance;
DELETE FROM snapshots WHERE name = 'product_performance';

CREATE TABLE product_performance_30 (
    currency smallint NOT NULL,  -- its ISO 4217 number: sorted and indexed in two thirds of the time of its letters
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
CREATE INDEX ON product_performance_30 (currency, net DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, units DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, profit_key DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, views DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, conversion_key DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, category_id, net DESC, product_id DESC);
CREATE INDEX ON product_performance_30 (currency, brand_id, net DESC, product_id DESC);
CREATE TABLE product_performance_90 (LIKE product_performance_30 INCLUDING ALL);
CREATE TABLE product_performance_365 (LIKE product_performance_30 INCLUDING ALL);

-- The lines of a window, of all orders, as of the last time that they were read: `sales_positions`.
CREATE TABLE product_sales_30 (
    product_id bigint NOT NULL,
    currency currency NOT NULL,
    lines bigint NOT NULL,
    units bigint NOT NULL,
    orders bigint NOT NULL,
    gross bigint NOT NULL,
    discounts bigint NOT NULL,
    cost bigint NOT NULL,  -- of the lines whose cost is known
    unknown_costs bigint NOT NULL  -- how many lines that leaves out
);
CREATE TABLE product_sales_90 (LIKE product_sales_30 INCLUDING ALL);
CREATE TABLE product_sales_365 (LIKE product_sales_30 INCLUDING ALL);

-- Bookings take the lock of `commerce.booking` and their lines' ids behind it, so that whoever sees a line sees all with
-- a lesser id. What writes lines past that lock is seen when the sums are read again, within a day.
CREATE TABLE sales_positions (
    days smallint PRIMARY KEY,
    as_of timestamptz NOT NULL,
    last_line bigint NOT NULL
);

-- Should lines change after all (a product or an order is deleted), what was summed before is void.
CREATE FUNCTION forget_sales() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM sales_positions;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_sales AFTER UPDATE OR DELETE OR TRUNCATE ON order_items
    FOR EACH STATEMENT EXECUTE FUNCTION forget_sales();
