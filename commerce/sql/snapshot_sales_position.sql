-- Up to where a window's sales are summed, and whether that will do: it was not long ago, nor many lines ago.
SELECT
    as_of, last_line,
    as_of > %(now)s::timestamptz - interval '1 day' AND as_of <= %(now)s::timestamptz
        AND (SELECT coalesce(max(id), 0) FROM order_items) - last_line <= %(most_lines)s::bigint AS is_fresh
FROM sales_positions WHERE days = %(days)s::smallint
