-- A year of events, 2019: each at a household and in the household's grid, so households are assigned first.
CREATE TABLE demo.kind (
  kind text PRIMARY KEY,
  nth int NOT NULL UNIQUE,
  name text NOT NULL,
  days int NOT NULL,      -- to deal with one
  year_2019 int NOT NULL  -- how many there were, as the district published
);
INSERT INTO demo.kind (nth, kind, name, days, year_2019) VALUES
  (1, 'record',      '基本信息', 15, 283754),
  (2, 'visit',       '走访宣传',  7,  91390),
  (3, 'opinion',     '收集意见', 10,   3204),
  (4, 'errand',      '为民代办',  5,    509),
  (5, 'dispute',     '化解纠纷', 15,    167),
  (6, 'environment', '环境问题',  3,   2575),
  (7, 'market',      '市场食药',  5,  48208),
  (8, 'fire',        '消防安全',  2,  60638);

CREATE TABLE demo.event (
  id bigint PRIMARY KEY,
  kind text NOT NULL,
  household uuid NOT NULL,
  code gridcode,
  reported_at timestamptz NOT NULL,
  deadline timestamptz NOT NULL,
  closed_at timestamptz);
SET jit = off; -- the estimates are far too high
INSERT INTO demo.event
WITH resident AS (
  SELECT h.id, h.code, b.grid, row_number() OVER (PARTITION BY grid ORDER BY h.id) AS nth
  FROM demo.household h JOIN demo.building b ON b.id = h.building
), grid AS (
  -- some communities report more than others, some are slower
  SELECT grid, households, kind, k.nth, days, year_2019,
         households * (0.4 + demo.chance(town, 1)) * (0.8 + 0.4 * demo.chance(spot, 1)) AS weight, 0.02 + 0.25 * demo.chance(town, 2) AS late
  FROM (SELECT grid, count(*) AS households, demo.key('community', left(grid::text, 12)::bigint) AS towns, demo.key('grid', grid::text::bigint) AS spots
        FROM resident GROUP BY grid) AS g, demo.kind k, LATERAL (SELECT md5(towns || kind) AS town, md5(spots || kind) AS spot) s
), upto AS (
  SELECT *, round(year_2019 * sum(weight) OVER w / sum(weight) OVER (PARTITION BY kind))::int AS upto
  FROM grid WINDOW w AS (PARTITION BY kind ORDER BY grid)
), keyed AS MATERIALIZED (
  SELECT g.*, demo.key('event', 1000000::bigint * g.nth + n) AS key
  FROM (SELECT *, lag(upto, 1, 0) OVER (PARTITION BY kind ORDER BY grid) AS after FROM upto) AS g, generate_series(after + 1, upto) AS n
), reported AS (
  SELECT *, DATE '2019-01-01' + floor(365 * demo.chance(key, 1))::int + TIME '08:00' + INTERVAL '10 hours' * demo.chance(key, 2) AS reported FROM keyed
), answered AS MATERIALIZED (
  SELECT *, reported AT TIME ZONE 'Asia/Shanghai' AS reported_at,
         CASE WHEN demo.chance(key, 3) < 0.01 THEN NULL             -- still open
              WHEN demo.chance(key, 3) < 0.01 + late THEN 1 + demo.chance(key, 4)
              ELSE 0.02 + 0.96 * demo.chance(key, 4) END AS share_of_time
  FROM reported
)
SELECT row_number() OVER (ORDER BY reported_at, key), kind, r.id, r.code, date_trunc('minute', reported_at), date_trunc('minute', reported_at) + days * INTERVAL '1 day',
       date_trunc('minute', reported_at + days * share_of_time * INTERVAL '1 day')
FROM answered a JOIN resident r ON r.grid = a.grid AND r.nth = 1 + floor(households * demo.chance(md5(key)))::bigint;
ALTER TABLE demo.event ADD FOREIGN KEY (kind) REFERENCES demo.kind;
CREATE INDEX ON demo.event (code, reported_at);
CREATE INDEX ON demo.event (code, deadline);
CREATE INDEX ON demo.event (code, closed_at);
RESET jit;
ANALYZE demo.kind, demo.event;
