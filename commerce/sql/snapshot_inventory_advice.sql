-- What to do about each variant at each location.
--
--     demand d          half of units / day of the last 30 days, half of those of 90, counting only days with stock
--     safety stock SS   z * sqrt(L * sd^2 + d^2 * sdL^2)      L, sdL: days of delivery and their deviation
--     reorder point     d * L + SS, compared with what is available or on its way
--
-- The balance after each change of the ledger is the stock of today less the changes since.
INSERT INTO {target} (
    variant_id, location_id, available, committed, incoming, units_30, units_90, stocked_days_30, stocked_days_90,
    daily_demand, demand_sd, days_of_cover, safety_stock, reorder_point, suggested, status, confidence, urgency
)
WITH change AS (
    SELECT
        ledger.variant_id, ledger.location_id, ledger.at, ledger.change, ledger.kind,
        shelf.available - coalesce(sum(ledger.change) OVER since, 0) AS balance,
        lag(ledger.at, 1, %(now)s::timestamptz) OVER latest AS until,
        lead(ledger.at) OVER latest IS NULL AS is_first
    FROM inventory_transactions AS ledger
    JOIN stock AS shelf ON shelf.variant_id = ledger.variant_id AND shelf.location_id = ledger.location_id
    WHERE ledger.at > %(now)s::timestamptz - interval '90 days'
    WINDOW latest AS (PARTITION BY ledger.variant_id, ledger.location_id ORDER BY ledger.at DESC, ledger.id DESC),
        since AS (latest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), empty AS (
    -- The stretches without stock: after a change, and from the window's beginning to the first one.
    SELECT variant_id, location_id, at AS since, until FROM change WHERE balance <= 0
    UNION ALL
    SELECT variant_id, location_id, %(now)s::timestamptz - interval '90 days', at FROM change
    WHERE is_first AND balance - change <= 0
), empty_days AS (
    SELECT
        variant_id, location_id,
        sum(extract(epoch FROM until - since)::float8) / 86400 AS of_90,
        sum(greatest(extract(epoch FROM until - greatest(since, %(now)s::timestamptz - interval '30 days'))::float8, 0))
            / 86400 AS of_30
    FROM empty GROUP BY variant_id, location_id
), sold_day AS (
    SELECT
        variant_id, location_id, floor(extract(epoch FROM %(now)s::timestamptz - at)::float8 / 86400) AS day,
        -sum(change) AS units,
        -sum(change) FILTER (WHERE at > %(now)s::timestamptz - interval '30 days') AS recent
    FROM change WHERE kind = 'sale' GROUP BY 1, 2, 3
), sold AS (
    SELECT
        variant_id, location_id, sum(units)::integer AS units_90, coalesce(sum(recent), 0)::integer AS units_30,
        sum(units * units)::float8 AS squares
    FROM sold_day GROUP BY variant_id, location_id
), coming AS (
    SELECT variant_id, location_id, sum(quantity)::integer AS quantity
    FROM incoming_stock WHERE received_at IS NULL GROUP BY variant_id, location_id
), known AS (
    SELECT
        shelf.variant_id, shelf.location_id, shelf.available, shelf.committed,
        coalesce(coming.quantity, 0) AS incoming,
        coalesce(sold.units_30, 0) AS units_30, coalesce(sold.units_90, 0) AS units_90,
        coalesce(sold.squares, 0) AS squares,
        greatest(CASE WHEN sold.variant_id IS NULL AND empty_days.variant_id IS NULL AND shelf.available <= 0 THEN 0
            ELSE 30 - coalesce(empty_days.of_30, 0) END, 0) AS stocked_30,
        greatest(CASE WHEN sold.variant_id IS NULL AND empty_days.variant_id IS NULL AND shelf.available <= 0 THEN 0
            ELSE 90 - coalesce(empty_days.of_90, 0) END, 0) AS stocked_90,
        variant.lead_days::float8 AS lead_days, variant.lead_days_sd::float8 AS lead_days_sd, variant.pack_size
    FROM stock AS shelf
    JOIN product_variants AS variant ON variant.id = shelf.variant_id AND variant.track_inventory
    JOIN products AS product ON product.id = variant.product_id AND product.status = 'active'
    LEFT JOIN sold ON sold.variant_id = shelf.variant_id AND sold.location_id = shelf.location_id
    LEFT JOIN empty_days ON empty_days.variant_id = shelf.variant_id AND empty_days.location_id = shelf.location_id
    LEFT JOIN coming ON coming.variant_id = shelf.variant_id AND coming.location_id = shelf.location_id
), rate AS MATERIALIZED (  -- as the steps below: worked out once, not again wherever it is named
    -- No rate is taken from less than a day; a month altogether without stock or sale says nothing about demand.
    SELECT
        known.*,
        CASE WHEN stocked_30 < 1 AND units_30 = 0 THEN units_90 / greatest(stocked_90, 1)
            ELSE 0.5 * units_30 / greatest(stocked_30, 1) + 0.5 * units_90 / greatest(stocked_90, 1) END AS demand,
        greatest(round(stocked_90), 2) AS observed
    FROM known
), spread AS MATERIALIZED (
    SELECT rate.*, sqrt(greatest(squares - units_90::float8 * units_90 / observed, 0) / (observed - 1)) AS demand_sd
    FROM rate
), safe AS MATERIALIZED (
    SELECT
        spread.*,
        %(z)s::float8 * sqrt(lead_days * demand_sd * demand_sd + demand * demand * lead_days_sd * lead_days_sd) AS safety
    FROM spread
), pointed AS MATERIALIZED (
    SELECT safe.*, ceil(demand * lead_days + safety)::integer AS reorder_point, available + incoming AS position FROM safe
)
SELECT
    variant_id, location_id, available, committed, incoming, units_30, units_90, stocked_30, stocked_90,
    demand, demand_sd,
    CASE WHEN demand > 0 THEN greatest(available, 0) / demand END,
    ceil(safety), reorder_point,
    CASE
        WHEN demand > 0 AND position <= reorder_point
            THEN ceil((reorder_point + demand * %(review_days)s::float8 - position) / pack_size) * pack_size
        WHEN position < 0 THEN ceil(-position / pack_size::float8) * pack_size
        ELSE 0
    END,
    CASE
        WHEN available < 0 OR (available = 0 AND demand > 0) THEN 'out_of_stock'
        WHEN demand > 0 AND position <= reorder_point THEN 'low_stock'
        WHEN units_90 > 0 AND available > 3 * units_90 THEN 'overstocked'
        WHEN units_90 = 0 AND available > 0 AND stocked_90 >= 30 THEN 'slow_moving'
        ELSE 'ok'
    END,
    CASE
        WHEN units_90 >= 30 AND stocked_90 >= 60 THEN 'high'
        WHEN units_90 >= 5 AND stocked_90 >= 14 THEN 'medium'
        WHEN units_90 > 0 THEN 'low'
        ELSE 'none'
    END,
    demand * lead_days - position
FROM pointed
