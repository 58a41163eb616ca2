-- Which of these orders are booked.
SELECT number FROM orders WHERE number = ANY (%(numbers)s::text[])
