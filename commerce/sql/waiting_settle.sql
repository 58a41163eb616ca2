-- Lets go of refunds whose orders came; those that the orders do not allow stay, with the reason.
WITH settled AS (
    SELECT * FROM unnest(%(numbers)s::text[], %(reasons)s::text[]) AS settled (number, reason)
), kept AS (
    UPDATE waiting_refunds SET reason = settled.reason
    FROM settled
    WHERE waiting_refunds.number = settled.number AND settled.reason IS NOT NULL
)
DELETE FROM waiting_refunds USING settled
WHERE waiting_refunds.number = settled.number AND settled.reason IS NULL
