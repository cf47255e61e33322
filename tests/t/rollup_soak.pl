# Random changes by several sessions at once, with refreshes among them: no
# deadlock, nothing lost; then random changes one by one against an oracle.
use strict;
use warnings;
use GridTest;
use Test::More;

my $seconds = $ENV{SOAK_SECONDS} // 15;
fresh_database('rollup_soak');
psql(<<'SQL');
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, kind int, at timestamp, closed timestamp, x int);
CREATE INDEX ON cases (grid);
SELECT grid_rollup_create('r', 'cases', 'grid',
    '{"n": "count(*)", "x": "sum(x)", "c": {"expr": "count(*) FILTER (WHERE x > 3)", "at": "closed"}, "s": {"expr": "gridstats_agg(x / 3.0)", "at": "closed"}}',
    'at', '1 day', '{kind}', 'grid', 'street');
CREATE FUNCTION some_code(r float8) RETURNS gridcode LANGUAGE sql AS $$
    SELECT CASE WHEN r < 0.05 THEN NULL WHEN r < 0.1 THEN '350304001' WHEN r < 0.15 THEN '350304001002' WHEN r < 0.2 THEN '35030400100200'
        WHEN r < 0.25 THEN '350304001002003001' ELSE '35030400' || 1 + (r * 1000)::int % 2 || '00' || 1 + (r * 3000)::int % 3 || '00' || (r * 7000)::int % 5 END::gridcode $$;
CREATE FUNCTION some_time(r float8) RETURNS timestamp LANGUAGE sql AS $$
    SELECT CASE WHEN r > 0.1 THEN timestamp '2024-01-01' + r * interval '20 days' END $$;
-- one random statement
CREATE FUNCTION change(first int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r float8 := random();
    i int := first + (random() * 100)::int;
BEGIN
    IF r < 0.35 THEN
        INSERT INTO cases SELECT i + j, some_code(random()), (random() * 3)::int, some_time(random()), some_time(random()), (random() * 9)::int
        FROM generate_series(0, (random() * 5)::int) j ON CONFLICT (id) DO UPDATE SET x = excluded.x, at = excluded.at;
    ELSIF r < 0.5 THEN UPDATE cases SET grid = some_code(random()) WHERE id = i;
    ELSIF r < 0.6 THEN UPDATE cases SET at = some_time(random()), closed = some_time(random()) WHERE id BETWEEN i AND i + 3;
    ELSIF r < 0.7 THEN UPDATE cases SET kind = nullif((random() * 3)::int, 0), x = nullif((random() * 5)::int, 0) WHERE id = i;
    ELSIF r < 0.9 THEN DELETE FROM cases WHERE id BETWEEN i AND i + (random() * 4)::int;
    ELSE INSERT INTO cases VALUES (i, some_code(random()), 1, some_time(random()), NULL, 1) ON CONFLICT DO NOTHING;
    END IF;
END $$;
-- the oracle shares nothing with the engine
CREATE VIEW oracle AS
WITH t AS (SELECT left(grid::text, 15) AS g, kind, x, w.what, w.at::date AS bucket FROM cases,
    LATERAL (VALUES (1, at), (2, closed)) w(what, at) WHERE grid IS NOT NULL AND w.at IS NOT NULL)
SELECT left(g, d)::gridcode AS code, l AS level, bucket, kind, count(*) FILTER (WHERE what = 1) AS n, sum(x) FILTER (WHERE what = 1) AS x,
    count(*) FILTER (WHERE what = 2 AND x > 3) AS c, gridstats_agg(x / 3.0) FILTER (WHERE what = 2) AS s
FROM t JOIN (VALUES ('grid', 15), ('community', 12), ('street', 9)) v(l, d) ON length(g) >= d GROUP BY 1, 2, 3, 4;
CREATE VIEW wrong_live AS (TABLE r_live EXCEPT ALL TABLE oracle) UNION ALL (TABLE oracle EXCEPT ALL TABLE r_live);
CREATE VIEW wrong AS (TABLE r EXCEPT ALL TABLE oracle) UNION ALL (TABLE oracle EXCEPT ALL TABLE r);
SQL

# one session, a fixed seed: after every few changes the live view, then the refresh
my $wrong = psql(<<'SQL');
SET jit = off;
SELECT setseed(0.42);
CREATE PROCEDURE soak(rounds int, INOUT wrong bigint DEFAULT 0) LANGUAGE plpgsql AS $$
BEGIN
    FOR round IN 1 .. rounds LOOP
        FOR i IN 0 .. (random() * 6)::int LOOP PERFORM change(0); END LOOP;
        wrong := wrong + (SELECT count(*) FROM wrong_live);
        IF round % 3 = 0 THEN PERFORM grid_rollup_refresh('r'); wrong := wrong + (SELECT count(*) FROM wrong); END IF;
        IF round % 51 = 0 THEN wrong := wrong + (SELECT count(*) FROM grid_rollup_verify('r')); COMMIT; END IF;
    END LOOP;
END $$;
CALL soak(204);
SQL
is((split /\n/, $wrong)[-1], 0, '204 rounds of random changes with a fixed seed');

# many sessions, each with rows of its own and common cells
my %script = (
    write => "SELECT change(:client_id * 1000);\n",
    many => "BEGIN;\nSELECT change(:client_id * 1000);\nSELECT change(:client_id * 1000);\nSELECT change(:client_id * 1000);\nEND;\n",
    refresh => "SELECT grid_rollup_refresh('r');\n",
    batched => "CALL grid_rollup_refresh_batched('r', 20);\n",
    live => "SELECT 1 / (1 - least(count(*), 1)) FROM wrong_live;\n",
);
for my $name (keys %script) {
    open my $f, '>', "$ENV{GT_TMP}/soak_$name.sql" or die $!;
    print $f $script{$name};
    close $f;
}
my $log = "$ENV{GT_TMP}/soak.log";
my $status = finish(background($log, "$ENV{GT_BIN}/pgbench", '-n', '-c', 8, '-j', 2, '-T', $seconds,
    '-f', "$ENV{GT_TMP}/soak_write.sql\@20", '-f', "$ENV{GT_TMP}/soak_many.sql\@10", '-f', "$ENV{GT_TMP}/soak_refresh.sql\@3",
    '-f', "$ENV{GT_TMP}/soak_batched.sql\@2", '-f', "$ENV{GT_TMP}/soak_live.sql\@2", 'rollup_soak'));
is($status, 0, 'no deadlock and no wrong live figure in a mix of 8 sessions') or diag(`tail -20 $log`);
unlike(`cat $log`, qr/ERROR|aborted/, 'no error');
psql("SELECT grid_rollup_refresh('r')");
is(psql('SELECT count(*) FROM wrong'), 0, 'figures are right');
is(psql("SELECT count(*) FROM grid_rollup_verify('r')"), 0, 'verified');
cmp_ok(psql('SELECT count(*) FROM r'), '>', 100, 'there were figures');
done_testing();
