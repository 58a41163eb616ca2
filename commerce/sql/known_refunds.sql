-- Which of these refunds are booked, or wait for their order.
SELECT number FROM refunds WHERE number = ANY (%(numbers)s::text[])
UNION
SELECT number FROM waiting_refunds WHERE number = ANY (%(numbers)s::text[])
