# MovedRollup.pm: a rollup whose database moves, by a dump or an upgrade: what is
# there before, and what must work afterwards.
package MovedRollup;
use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(rollup_to_move questions_before works_on);

# SQL that makes s.r on s.cases, with figures, touched cells and settings, all of a new role's.
sub rollup_to_move {
    my ($role) = @_;
    return <<"SQL";
CREATE ROLE $role LOGIN;
CREATE SCHEMA s AUTHORIZATION $role;
SET ROLE $role;
SET search_path = s, public;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * \$1';
CREATE TABLE cases (id int, gone int, grid gridcode, kind text, day date, closed timestamptz, x int) PARTITION BY RANGE (id);
CREATE TABLE cases1 PARTITION OF cases FOR VALUES FROM (0) TO (500);
CREATE TABLE cases2 PARTITION OF cases FOR VALUES FROM (500) TO (1000);
ALTER TABLE cases DROP COLUMN gone;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "c": {"expr": "sum(twice(x)) FILTER (WHERE x > 5)", "at": "closed"}, "s": "gridstats_agg(x)"}',
    'day', '1 week', '{kind}', 'grid', 'district', schedule => '\@hourly', max_lag => '5 min', time_zone => 'Asia/Shanghai');
INSERT INTO cases SELECT i, ('35030400100100' || i % 7)::gridcode, 'k' || i % 3, date '2024-01-01' + i % 60, '2024-02-01'::timestamptz + i * interval '5 h', i
FROM generate_series(0, 999) i;
SELECT grid_rollup_refresh('r');
ALTER TABLE cases RENAME day TO reported;
SELECT grid_rollup_alter('r', '{"statement_timeout": "1 min"}');
UPDATE cases SET kind = 'touched' WHERE id BETWEEN 490 AND 510;
INSERT INTO cases VALUES (999, NULL, 'nowhere', '2024-01-01', NULL, 1);
SQL
}

# Queries whose answers are the same on the other side.
sub questions_before {
    return (
        'SELECT md5(string_agg(l::text, chr(10) ORDER BY code, level, bucket, kind)) FROM s.r_live l',
        'SELECT md5(string_agg(l::text, chr(10) ORDER BY code, level, bucket, kind)) FROM s.r l',
        'SELECT count(*), md5(string_agg(l::text, chr(10) ORDER BY l::text)) FROM s.r_log l',
        'SELECT rollup, source, log, rest, rows, live, bi, bucket_width, time_zone, schedule, max_lag, statement_timeout, s.* FROM grid_rollup_catalog c JOIN grid_rollup_state s USING (rollup)',
        'SELECT rollup, schedule, pending, unassigned FROM grid_rollup_status',
        "SELECT string_agg(tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text, ', ' ORDER BY tgrelid::regclass::text, tgname) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'",
        "SELECT string_agg(evtname || ' ' || evtenabled::text, ', ' ORDER BY evtname) FROM pg_event_trigger",
        'SELECT count(*) FROM grid_rollup_due()');
}

# On the other side, where $ask runs SQL: refreshes, writers, new partitions, runs, and in the end the drop.
sub works_on {
    my ($role, $ask) = @_;
    cmp_ok($ask->("SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh');
    is($ask->("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right');
    $ask->(<<"SQL");
SET ROLE $role;
UPDATE s.cases SET grid = '350304001002001' WHERE id % 10 = 0;
DELETE FROM s.cases2 WHERE id % 10 = 1;
CREATE TABLE s.cases3 PARTITION OF s.cases FOR VALUES FROM (1000) TO (2000);
INSERT INTO s.cases3 VALUES (1000, '350304001002001', 'new', '2024-01-01', NULL, 1);
SQL
    cmp_ok($ask->("SET ROLE $role; SELECT grid_rollup_refresh('s.r')"), '>', 0, 'refresh by the owner');
    is($ask->("SELECT count(*) FROM grid_rollup_verify('s.r')"), 0, 'right after changes');
    is($ask->("CALL grid_rollup_run('s.r')"), 'done', 'run as the daemon runs it');
    is($ask->("SELECT grid_rollup_drop('s.r'); SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'"), "\n0", 'dropped');
}

1;
