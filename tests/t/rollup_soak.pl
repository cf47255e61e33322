# Random changes by several sessions at once, with refreshes among them: no
# deadlock, nothing lost; then random changes one by one against an oracle.
use strict;
use warnings;
use GridTest;
use Test::More;

my $seconds = $ENV{SOAK_SECONDS} // 30;
fresh_database('rollup_soak');
psql('ALTER DATABASE rollup_soak SET jit = off');
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

# many sessions, each with rows of its own and common cells: whole functions,
# plain statements of one row, transactions that touch cells in opposite orders
my $code = q{some_code(random())};
my $row = ":client_id * 1000 + :i";
my $pick = "\\set i random(0, 99)\n";
my @cells = qw(350304001001001 350304002002002);
my %script = (
    write => [20, "SELECT change(:client_id * 1000);\n"],
    many => [10, "BEGIN;\nSELECT change(:client_id * 1000);\nSELECT change(:client_id * 1000);\nSELECT change(:client_id * 1000);\nEND;\n"],
    insert => [20, $pick . "INSERT INTO cases VALUES ($row, $code, 1, some_time(random()), some_time(random()), :i % 9) ON CONFLICT DO NOTHING;\n"],
    measure => [20, $pick . "UPDATE cases SET x = :i % 8 WHERE id = $row;\n"],
    move => [15, $pick . "UPDATE cases SET grid = $code, at = some_time(random()) WHERE id = $row;\n"],
    delete => [10, $pick . "DELETE FROM cases WHERE id = $row;\n"],
    merge => [8, $pick . "MERGE INTO cases c USING (SELECT $row + j AS id, $code AS grid FROM generate_series(0, 5) j) n ON c.id = n.id\n"
        . "WHEN MATCHED AND c.x = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET grid = n.grid, x = 1\n"
        . "WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.grid, 2, '2024-01-05', NULL, 4);\n"],
    forth => [6, opposite(0, 1)],
    back => [6, opposite(1, 0)],
    copy => [6, $pick . "BEGIN;\nDELETE FROM cases WHERE id BETWEEN :client_id * 1000 + 200 AND :client_id * 1000 + 299;\n"
        . "SELECT copy_in(:client_id * 1000 + 200);\nEND;\n"],
    rollback => [4, $pick . "BEGIN;\nUPDATE cases SET grid = $code WHERE id = $row;\nSAVEPOINT s;\nDELETE FROM cases WHERE id = $row;\nROLLBACK TO s;\n"
        . "INSERT INTO cases VALUES (:client_id * 1000 + 500, $code, 1, '2024-01-03', NULL, 1) ON CONFLICT (id) DO UPDATE SET grid = excluded.grid;\nROLLBACK;\n"],
    refresh => [4, "SELECT grid_rollup_refresh('r');\n"],
    batched => [3, "CALL grid_rollup_refresh_batched('r', 20);\n"],
    touch => [1, "SELECT grid_rollup_touch('r');\n"],
    live => [4, "SELECT 1 / (1 - least(count(*), 1)) FROM wrong_live;\n"],
    snapshot => [2, "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1 / (1 - least(count(*), 1)) FROM wrong_live;\n\\sleep 100 ms\nSELECT 1 / (1 - least(count(*), 1)) FROM wrong_live;\nEND;\n"],
);

# A transaction of one-row statements in the cells in this order, on rows of the client.
sub opposite {
    my @order = @cells[@_];
    return "BEGIN;\n" . join('', map {
        my $id = ":client_id * 1000 + " . (400 + $_);
        "INSERT INTO cases VALUES ($id, '$order[$_]', 1, '2024-01-03', '2024-01-03', 5) ON CONFLICT (id) DO UPDATE SET grid = excluded.grid, x = cases.x % 7 + 1;\n"
      } 0, 1) . join('', map { "UPDATE cases SET x = x + 1, kind = 3 WHERE id = :client_id * 1000 + " . (400 + $_) . ";\n" } 1, 0) . "END;\n";
}
my (@mix, $file);
for my $name (sort keys %script) {
    $file = "$ENV{GT_TMP}/soak_$name.sql";
    open my $f, '>', $file or die $!;
    print $f $script{$name}[1];
    close $f;
    push @mix, '-f', "$file\@$script{$name}[0]";
}
# pgbench speaks no COPY: rows written by COPY TO are read by COPY FROM of the same client
my $folder = "$ENV{GT_TMP}/server";
psql(<<"SQL");
CREATE FUNCTION copy_in(first int) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
    EXECUTE format('COPY (SELECT %s + j, some_code(random()), 1, some_time(random()), NULL::timestamp, j %% 9 FROM generate_series(0, (random() * 20)::int) j) TO %L', first, '$folder/soak_copy.' || first);
    EXECUTE format('COPY cases FROM %L', '$folder/soak_copy.' || first);
END \$\$;
SQL
my $log = "$ENV{GT_TMP}/soak.log";
my $status = finish(background($log, "$ENV{GT_BIN}/pgbench", '-n', '-c', 8, '-j', 2, '-T', $seconds, @mix, 'rollup_soak'));
is($status, 0, 'no deadlock and no wrong live figure in a mix of 8 sessions') or diag(`tail -20 $log`);
unlike(`cat $log`, qr/ERROR|aborted/, 'no error');
like(`cat $log`, qr/number of failed transactions: 0 /, 'no failed transaction');
my @unused = `cat $log` =~ m{SQL script \d+: \S*/soak_(\w+)\.sql\n - weight: \d+ .*\n - 0 transactions}g;
is("@unused", '', 'everything was in the mix');
psql("SELECT grid_rollup_refresh('r')");
is(psql('SELECT count(*) FROM wrong'), 0, 'figures are right');
is(psql("SELECT count(*) FROM grid_rollup_verify('r')"), 0, 'verified');
cmp_ok(psql('SELECT count(*) FROM r'), '>', 100, 'there were figures');
done_testing();
