# grid_schedule_next against a brute force over five years: the server's own AT
# TIME ZONE says what the wall clock shows, and the rules of docs/operations.md
# are written out in SQL. It goes by five minutes: the schedules name no minute
# between, and every zone's clock shows and skips whole multiples of five.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('schedule_bruteforce');

# Every moment of a zone in order, what the clock shows and the latest it has shown before. Kept are
# the readings each moment is answerable for: its own, and those skipped right before it.
psql(<<'SQL');
CREATE UNLOGGED TABLE answers (zone text, utc timestamptz, reading timestamp, own boolean, again boolean,
                               minute int, hour int, day int, month int, weekday int);
DO $$
DECLARE z text;
BEGIN
    FOREACH z IN ARRAY ARRAY['Asia/Shanghai', 'UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'] LOOP
        INSERT INTO answers
        SELECT z, utc, r, r = local, local <= shown, extract(minute FROM r), extract(hour FROM r), extract(day FROM r),
               extract(month FROM r), extract(dow FROM r)
        FROM (SELECT utc, local, max(local) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS shown
              FROM (SELECT utc, utc AT TIME ZONE z AS local
                    FROM generate_series(timestamptz '2024-01-01 00:00+00', '2029-01-01 00:00+00', '5 minutes') utc) m) c
        CROSS JOIN LATERAL (
            SELECT local AS r
            UNION ALL SELECT generate_series(shown + interval '5 minutes', local - interval '5 minutes', '5 minutes')
            WHERE local > shown + interval '5 minutes') readings;
    END LOOP;
END $$;
-- every next time, one from the other
CREATE FUNCTION chain(schedule text, zone text) RETURNS SETOF timestamptz LANGUAGE plpgsql AS $$
DECLARE at timestamptz := '2024-01-01 00:00+00';
BEGIN
    LOOP
        at := grid_schedule_next(schedule, at, zone);
        EXIT WHEN at > '2029-01-01 00:00+00';
        RETURN NEXT at;
    END LOOP;
END $$;
SQL

# schedule; follows real time; what its fields mean in SQL
my @cases = (
    ['*/15 * * * *',      1, 'minute IN (0, 15, 30, 45)'],
    ['10 */2 * * *',      1, 'minute = 10 AND hour % 2 = 0'],
    ['*/20 1,2,3 * * *',  1, 'minute IN (0, 20, 40) AND hour IN (1, 2, 3)'],
    ['30 2 * * *',        0, 'minute = 30 AND hour = 2'],
    ['0,15,45 1-3 * * *', 0, 'minute IN (0, 15, 45) AND hour BETWEEN 1 AND 3'],
    ['@daily',            0, 'minute = 0 AND hour = 0'],
    ['45 23 1,29-31 * *', 0, 'minute = 45 AND hour = 23 AND day IN (1, 29, 30, 31)'],
    ['5 4 13 * fri',      0, 'minute = 5 AND hour = 4 AND (day = 13 OR weekday = 5)'],
    ['0 3 */2 3,10 6-7',  0, 'minute = 0 AND hour = 3 AND day % 2 = 1 AND month IN (3, 10) AND weekday IN (6, 0)'],
    ['0 12 29 2 *',       0, 'minute = 0 AND hour = 12 AND day = 29 AND month = 2'],
);

for my $case (@cases) {
    my ($schedule, $real, $fits) = @$case;
    my $counts = $real ? 'own' : 'NOT again';
    my $result = psql(<<"SQL");
CREATE TEMP TABLE want AS SELECT DISTINCT zone, utc FROM answers a WHERE utc > '2024-01-01 00:00+00' AND $fits AND $counts;
CREATE TEMP TABLE got AS SELECT zone, chain('$schedule', zone) FROM (SELECT DISTINCT zone FROM answers) z;
SELECT (SELECT count(*) FROM (TABLE want EXCEPT ALL TABLE got) x), (SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE want) x),
       (SELECT count(*) FROM want) > 0;
SQL
    is($result, '0|0|t', "$schedule: every time of five years in five zones, and no other");
}

done_testing();
