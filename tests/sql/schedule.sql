-- grid_schedule_next: what is due when, and what is refused.
\pset null (null)
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- the next five times of a schedule, on the wall clock of a zone
CREATE FUNCTION pg_temp.next5(schedule text, after timestamptz, zone text) RETURNS text
LANGUAGE sql AS $$
    WITH RECURSIVE t(at, n) AS (
        SELECT grid_schedule_next(schedule, after, zone), 1
        UNION ALL SELECT grid_schedule_next(schedule, at, zone), n + 1 FROM t WHERE n < 5)
    SELECT string_agg(to_char(at AT TIME ZONE zone, 'DY DD Mon HH24:MI'), ', ' ORDER BY n) FROM t $$;

SELECT s AS schedule, pg_temp.next5(s, '2026-02-27 10:30:00.5+08', 'Asia/Shanghai')
FROM unnest(ARRAY['* * * * *', '*/20 * * * *', '30 10 * * *', '0 2,14 * * *', '15 8-18/5 * * mon-fri', '0 0 * * 7',
                  '0 0 31 * *', '0 0 29 2 *', '0 0 1,15 * wed', '0 0 */10 * mon', '0 0 * * */2',
                  '@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@ANNUALLY']) s;

-- the clock goes forward at 02:00 (Berlin, 29 March 2026): 02:30 is skipped and runs at 03:00
SELECT s AS schedule, pg_temp.next5(s, '2026-03-28 12:00+01', 'Europe/Berlin')
FROM unnest(ARRAY['30 2 * * *', '0 2,3 * * *', '*/30 2 * * *', '30 * * * *']) s;

-- and back at 03:00 (25 October): 02:30 comes twice and runs once, unless the hour is "*"
SELECT s AS schedule, grid_schedule_next(s, '2026-10-25 02:29+02', 'Europe/Berlin') AS first,
       grid_schedule_next(s, grid_schedule_next(s, '2026-10-25 02:29+02', 'Europe/Berlin'), 'Europe/Berlin') AS second
FROM unnest(ARRAY['30 2 * * *', '30 * * * *']) s;

-- whole days the clock skipped (Samoa had no 30 December 2011), and half hours (Lord Howe)
SELECT grid_schedule_next('0 12 30 12 *', '2011-12-29 12:00-10', 'Pacific/Apia') AS at,
       grid_schedule_next('0 12 30 12 *', '2011-12-31 00:00+14', 'Pacific/Apia') AS then;
SELECT pg_temp.next5('15 2 * * *', '2026-10-02 12:00+10:30', 'Australia/Lord_Howe');

-- far away
SELECT grid_schedule_next('0 0 29 2 *', '1896-03-01', 'UTC'), grid_schedule_next('0 0 1 7 *', '9999-12-31', 'Europe/Berlin'),
       grid_schedule_next('0 0 29 2 */7', '2080-01-01', 'UTC');
SELECT grid_schedule_next(NULL, now(), 'UTC'), grid_schedule_next('@daily', NULL, 'UTC'), grid_schedule_next('@daily', now(), NULL);

-- refused
SELECT grid_schedule_next('', '2026-01-01', 'UTC');
SELECT grid_schedule_next('* * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('* * * * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('@reboot', '2026-01-01', 'UTC');
SELECT grid_schedule_next('60 * * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 0 0 * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('5-1 * * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('*/0 * * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 */25 * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('5/10 * * * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 0 * 一月 *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 0 1-2-3 * *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 0 30 2 *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('0 0 31 4,jun *', '2026-01-01', 'UTC');
SELECT grid_schedule_next('@daily', '2026-01-01', 'Mars/Olympus');
SELECT grid_schedule_next('@daily', '2026-01-01', repeat('x', 1000)) IS NULL;
SELECT grid_schedule_next('@daily', 'infinity', 'UTC');
SELECT grid_schedule_next('@daily', '-infinity', 'UTC');
SELECT grid_schedule_next('@yearly', '294276-12-31 23:00+00', 'UTC');
