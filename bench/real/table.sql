-- A table of a million rows: built, indexed, grouped, queried.
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, class INTEGER, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
INSERT INTO item
SELECT i, printf('%08x-%d', (i * 2654435761) % 4294967296, i), i % 997, i * 0.25
FROM n;
CREATE INDEX item_name ON item(name);
SELECT class, count(*), sum(price), max(name)
FROM item GROUP BY class ORDER BY 3 DESC LIMIT 10;
SELECT count(*), sum(length(group_name))
FROM (SELECT group_concat(name) AS group_name FROM item GROUP BY id / 50);
SELECT name FROM item WHERE name > '7fff' ORDER BY name LIMIT 5;
