-- For each word the likest that the catalogue has: 'headfones' and 'headphones' share trigrams enough at 0.4.
SELECT given.word, likest.word AS better
FROM unnest(%(words)s::text[]) AS given (word)
CROSS JOIN LATERAL (
    SELECT candidate.word FROM search_words AS candidate
    WHERE candidate.word %% given.word AND similarity(candidate.word, given.word) >= 0.4
    ORDER BY similarity(candidate.word, given.word) DESC, candidate.products DESC, candidate.word
    LIMIT 1
) AS likest
