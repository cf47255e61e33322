-- A year of events, 2019, taken over from the system before: rows as they stand, without their steps. Cases are at a household
-- each; records and visits are numbers, a row for each grid and month.
CREATE TABLE demo.published (
  kind text PRIMARY KEY,
  year_2019 int NOT NULL  -- how many there were, as the district published
);
INSERT INTO demo.published VALUES ('record', 283754), ('visit', 91390), ('opinion', 3204), ('errand', 509), ('dispute', 167),
  ('environment', 2575), ('market', 48208), ('fire', 60638);

SET jit = off; -- the estimates are far too high
CREATE TABLE demo.filed AS
WITH grid AS (
  -- some communities report more than others, some are slower
  SELECT grid, households, kind, position, unit, days, year_2019,
         households * (0.4 + demo.chance(town, 1)) * (0.8 + 0.4 * demo.chance(spot, 1)) AS weight, 0.02 + 0.25 * demo.chance(town, 2) AS late
  FROM (SELECT grid, count(*) AS households, demo.key('community', left(grid::text, 12)::bigint) AS towns, demo.key('grid', grid::text::bigint) AS spots
        FROM community.household GROUP BY grid) AS g, community.event_kind JOIN demo.published USING (kind),
       LATERAL (SELECT md5(towns || kind) AS town, md5(spots || kind) AS spot) s
), upto AS (
  SELECT *, round(year_2019 * sum(weight) OVER w / sum(weight) OVER (PARTITION BY kind))::int AS upto
  FROM grid WINDOW w AS (PARTITION BY kind ORDER BY grid)
)
SELECT *, lag(upto, 1, 0) OVER (PARTITION BY kind ORDER BY grid) AS after FROM upto;

INSERT INTO community.event (kind, quantity, reported_at, grid, state)
SELECT kind, n, (DATE '2019-01-01' + make_interval(months => month) - INTERVAL '7 hours') AT TIME ZONE 'Asia/Shanghai', grid, 'recorded'
FROM demo.filed, generate_series(1, 12) AS month,
     LATERAL (SELECT (upto - after) * month / 12 - (upto - after) * (month - 1) / 12 AS n) AS share
WHERE unit <> 'case' AND n > 0 ORDER BY kind, grid, month;

INSERT INTO community.event (kind, reported_at, household, state, desk, department, deadline, extended_at, reopened_at, closed_at, satisfaction)
WITH resident AS (
  SELECT id, grid, row_number() OVER (PARTITION BY grid ORDER BY id) AS nth FROM community.household
), keyed AS MATERIALIZED (
  SELECT f.*, demo.key('event', 1000000::bigint * position + n) AS key
  FROM demo.filed f, generate_series(after + 1, upto) AS n WHERE unit = 'case'
), reported AS (
  SELECT *, DATE '2019-01-01' + floor(365 * demo.chance(key, 1))::int + TIME '08:00' + INTERVAL '10 hours' * demo.chance(key, 2) AS reported, md5(key) AS more FROM keyed
), answered AS MATERIALIZED (
  SELECT *, date_trunc('minute', reported AT TIME ZONE 'Asia/Shanghai') AS reported_at, days * INTERVAL '1 day' AS time,
         demo.chance(more, 2) < 0.03 AS longer, demo.chance(more, 3) < 0.02 AS again,
         CASE WHEN demo.chance(key, 3) < 0.01 THEN NULL             -- still open
              WHEN demo.chance(key, 3) < 0.01 + late THEN 1 + demo.chance(key, 4)
              ELSE 0.02 + 0.96 * demo.chance(key, 4) END AS share_of_time
  FROM reported
)
SELECT kind, reported_at, r.id, CASE WHEN share_of_time IS NULL THEN 'dispatched' ELSE 'closed' END, 'community',
       (SELECT id FROM community.organization o WHERE o.kind = 'department' AND o.name = CASE a.kind WHEN 'opinion' THEN '信访' WHEN 'errand' THEN '民政'
          WHEN 'dispute' THEN '司法' WHEN 'environment' THEN '生态环境' WHEN 'market' THEN '市场监管' ELSE '消防救援' END),
       reported_at + CASE WHEN longer THEN 2 * time ELSE time END,
       CASE WHEN longer THEN date_trunc('minute', reported_at + 0.9 * time) END,
       CASE WHEN again AND share_of_time IS NOT NULL THEN date_trunc('minute', reported_at + 0.7 * share_of_time * time) END,
       date_trunc('minute', reported_at + CASE WHEN longer THEN 1.5 ELSE 1 END * share_of_time * time),
       CASE WHEN share_of_time IS NOT NULL AND demo.chance(more, 4) < 0.6 THEN 1 + floor(5 * sqrt(demo.chance(md5(more), 1))) END
FROM answered a JOIN resident r ON r.grid = a.grid AND r.nth = 1 + floor(households * demo.chance(more, 1))::bigint
ORDER BY reported_at, key;
RESET jit;

-- Visits of the last two months, household by household.
INSERT INTO community.visit (household, visited_at)
SELECT id, (DATE '2019-11-01' + floor(61 * demo.chance(key, 2))::int + TIME '09:00' + INTERVAL '9 hours' * demo.chance(key, 3)) AT TIME ZONE 'Asia/Shanghai'
FROM community.household, LATERAL (SELECT md5(id || 'visit') AS key) AS k WHERE demo.chance(key, 1) < 0.35
ORDER BY 2, id;
ANALYZE community.event, community.visit;
