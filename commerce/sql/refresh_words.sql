-- Counts the words of names and brands again; digits are no words.
WITH counted AS (
    SELECT word, count(*)::integer AS products
    FROM product_search
    LEFT JOIN brands ON brands.id = product_search.brand_id
    CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector('simple', concat_ws(' ', product_search.name, brands.name))))
        AS word
    WHERE word ~ '^[[:alpha:]]{3,40}$'
    GROUP BY word
), gone AS (
    DELETE FROM search_words WHERE NOT EXISTS (SELECT FROM counted WHERE counted.word = search_words.word)
)
INSERT INTO search_words SELECT word, products FROM counted
ON CONFLICT (word) DO UPDATE SET products = excluded.products WHERE search_words.products <> excluded.products
