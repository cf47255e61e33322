# Distinct counts by the extension hll: sketches that are kept up to date, made
# anew, or aggregated straight from the rows are the same, at every level; and
# what becomes of a rollup with the extension.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('rollup_hll');
plan(skip_all => 'the extension hll is not available') unless psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hll'");

# in a schema that no search_path names
psql(<<'SQL');
ALTER DATABASE rollup_hll SET jit = off;
CREATE SCHEMA sketches;
CREATE EXTENSION hll SCHEMA sketches;
CREATE TABLE cases (id int PRIMARY KEY, grid gridcode, who text, who_else int, open boolean, at timestamp, closed timestamp, kind int);
CREATE INDEX ON cases (grid);
-- cells with 0, few, hundreds and thousands of people, in all representations of a sketch
INSERT INTO cases SELECT i, CASE WHEN i % 31 = 0 THEN '350304001' WHEN i % 3 > 0 THEN '350304001001001' WHEN i % 2 > 0 THEN '35030400100' || 1 + i % 3 || '00' || i % 7
        ELSE '35030400' || 1 + i % 2 || '002' || '00' || i % 5 END::gridcode,
    CASE WHEN i % 3 > 0 THEN 'person ' || i WHEN i % 4 > 0 THEN 'person ' || i % 40 END, i % 4000, i % 5 = 0,
    '2024-01-01'::timestamp + i % 5 * interval '1 day', CASE WHEN i % 9 = 0 THEN '2024-01-02'::timestamp + i % 3 * interval '1 day' END, i % 2
FROM generate_series(1, 12000) i;
INSERT INTO cases VALUES (20001, '350304001009001', NULL, NULL, true, '2024-01-01', NULL, 0), (20002, '350304001009002', 'alone', 1, NULL, '2024-01-01', NULL, 0);
SET search_path = public, sketches;
SELECT grid_rollup_create('r', 'cases', 'grid', '{"n": "count(*)", "who": "hll_add_agg(hll_hash_text(who))",
    "filtered": "hll_add_agg(hll_hash_text(who)) FILTER (WHERE open AND kind = 1)", "else": "hll_add_agg(hll_hash_integer(who_else), 12, 5)",
    "closers": {"expr": "hll_add_agg(hll_hash_text(who))", "at": "closed"}, "s": "gridstats_agg(who_else)"}',
    'at', '1 day', '{kind}', 'grid', 'street');
SELECT grid_rollup_create('few', 'cases', 'grid', '{"who": "hll_add_agg(hll_hash_text(who)) FILTER (WHERE open)"}', lowest_level => 'grid', top_level => 'district');
-- straight from the rows; hll has no operator class, so figures are compared as text
CREATE FUNCTION oracle() RETURNS TABLE (code gridcode, level text, bucket date, kind int, n bigint, who hll, filtered hll, "else" hll, closers hll, s gridstats) LANGUAGE sql
SET search_path = public, sketches AS $$
WITH t AS (SELECT left(grid::text, 15) AS g, who, who_else, open, kind, w.what, w.at::date AS bucket FROM cases, LATERAL (VALUES (1, at), (2, closed)) w(what, at)
    WHERE grid IS NOT NULL AND w.at IS NOT NULL)
SELECT left(g, d)::gridcode, l, bucket, kind, count(*) FILTER (WHERE what = 1), hll_add_agg(hll_hash_text(who)) FILTER (WHERE what = 1),
    hll_add_agg(hll_hash_text(who)) FILTER (WHERE what = 1 AND open AND kind = 1), hll_add_agg(hll_hash_integer(who_else), 12, 5) FILTER (WHERE what = 1),
    hll_add_agg(hll_hash_text(who)) FILTER (WHERE what = 2), gridstats_agg(who_else) FILTER (WHERE what = 1)
FROM t JOIN (VALUES ('grid', 15), ('community', 12), ('street', 9)) v(l, d) ON length(g) >= d GROUP BY 1, 2, 3, 4 $$;
CREATE FUNCTION few_oracle() RETURNS TABLE (code gridcode, level text, who hll) LANGUAGE sql SET search_path = public, sketches AS $$
SELECT left(g, d)::gridcode, l, hll_add_agg(hll_hash_text(who)) FILTER (WHERE open)
FROM (SELECT left(grid::text, 15) AS g, who, open FROM cases WHERE grid IS NOT NULL) t
JOIN (VALUES ('grid', 15), ('community', 12), ('street', 9), ('district', 6)) v(l, d) ON length(g) >= d GROUP BY 1, 2 $$;
CREATE VIEW wrong_live AS (SELECT r::text FROM r_live r EXCEPT ALL SELECT o::text FROM oracle() o) UNION ALL (SELECT o::text FROM oracle() o EXCEPT ALL SELECT r::text FROM r_live r);
CREATE VIEW wrong AS (SELECT r::text FROM r EXCEPT ALL SELECT o::text FROM oracle() o) UNION ALL (SELECT o::text FROM oracle() o EXCEPT ALL SELECT r::text FROM r);
CREATE VIEW few_wrong AS (SELECT r::text FROM few_live r EXCEPT ALL SELECT o::text FROM few_oracle() o) UNION ALL (SELECT o::text FROM few_oracle() o EXCEPT ALL SELECT r::text FROM few_live r);
-- and as what they estimate, by hll's own equality
CREATE VIEW estimates_wrong AS SELECT r.code, r.level, r.bucket, r.kind
FROM r FULL JOIN oracle() o ON (r.code, r.level, r.bucket, coalesce(r.kind, -1)) = (o.code, o.level, o.bucket, coalesce(o.kind, -1))
WHERE NOT (r.who = o.who) OR (r.who IS NULL) <> (o.who IS NULL) OR hll_cardinality(r.who) IS DISTINCT FROM hll_cardinality(o.who)
    OR hll_cardinality(r.filtered) IS DISTINCT FROM hll_cardinality(o.filtered) OR hll_cardinality(r."else") IS DISTINCT FROM hll_cardinality(o."else")
    OR hll_cardinality(r.closers) IS DISTINCT FROM hll_cardinality(o.closers) OR r.n IS DISTINCT FROM o.n;
SQL

sub right {
    my ($what) = @_;
    is(psql('SELECT count(*) FROM wrong_live') . psql('SELECT count(*) FROM few_wrong'), '00', "$what: live views");
    psql("SELECT grid_rollup_refresh('r'), grid_rollup_refresh('few')");
    is(psql('SELECT count(*) FROM wrong'), 0, "$what: sketches are those of the rows");
    is(psql('SELECT count(*) FROM estimates_wrong'), 0, "$what: so are their estimates");
    is(psql('SELECT count(*) FROM wrong_live') . psql('SELECT count(*) FROM few_wrong'), '00', "$what: live views after the refresh");
    my ($out, $err, $status) = psql_try("SELECT (SELECT count(*) FROM grid_rollup_verify('r')) + (SELECT count(*) FROM grid_rollup_verify('few'))");
    is($out, 0, "$what: verified") or diag(substr $err, 0, 200);
}

right('build');
is(psql("SELECT string_agg(DISTINCT level, ' ' ORDER BY level) FROM r"), 'community grid street', 'levels');
cmp_ok(psql("SELECT count(DISTINCT substring(sketches.hll_print(who)::text FROM '^[A-Z]+')) FROM r"), '>=', 2, 'sketches of several representations');
cmp_ok(psql("SELECT abs(sum(who) / (SELECT count(DISTINCT who) FROM cases WHERE open) - 1) FROM (SELECT sketches.hll_cardinality(who) AS who FROM few WHERE level = 'district') f"),
    '<', 0.1, 'the estimate is one of the distinct count');
psql("UPDATE cases SET who = 'new ' || id, open = NOT open WHERE id % 50 = 0");
right('UPDATE of measures');
psql("UPDATE cases SET grid = '350304001003003', kind = 1 - kind WHERE id % 40 = 0; UPDATE cases SET at = closed, closed = NULL WHERE id % 63 = 0");
right('UPDATE of codes, dimensions and times');
psql("DELETE FROM cases WHERE id % 3 > 0 AND id > 300; UPDATE cases SET open = false WHERE kind = 1 AND id % 2 = 0");
right('DELETE, and a filter that leaves nothing in some cells');
psql("INSERT INTO cases SELECT 30000 + i, '350304001001001', 'person ' || i, i, i % 2 = 0, '2024-01-03', NULL, 1 FROM generate_series(1, 3000) i");
right('INSERT');

# a rebuild gives the same as all that
my $all = q{SELECT md5(string_agg(r::text, chr(10) ORDER BY r::text)) FROM r};
my $before = psql($all);
psql("SELECT grid_rollup_touch('r')");
is(psql('SELECT count(*) FROM wrong_live'), 0, 'live view while everything is to be computed');
psql("SELECT grid_rollup_refresh('r')");
is(psql($all), $before, 'rebuild equals incremental');
psql("CALL grid_rollup_refresh_batched('r', 3)");
psql("UPDATE cases SET who = NULL WHERE id % 13 = 0");
psql("CALL grid_rollup_refresh_batched('r', 3)");
is(psql('SELECT count(*) FROM wrong'), 0, 'batched refresh');

# a figure that is wrong is found
psql("UPDATE r SET who = sketches.hll_empty() WHERE level = 'street'");
my ($found, $err) = psql_try("SELECT string_agg(DISTINCT measure || ' ' || level, ',') FROM grid_rollup_verify('r')");
is($found, 'who street', 'verify sees a wrong sketch') or diag(substr $err, 0, 200);
psql("SELECT grid_rollup_touch('r'); SELECT grid_rollup_refresh('r')");
is(psql('SELECT count(*) FROM wrong'), 0, 'mended');

# tools that know no sketches read the rest
is(psql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'r_bi'::regclass AND attnum > 0 AND NOT attisdropped"),
    'code bucket kind n s_count s_sum s_min s_max', 'the view for BI tools leaves sketches out');
is(psql("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'few_bi'::regclass AND attnum > 0 AND NOT attisdropped"), 'code', 'also where there is nothing else');
is(psql('SELECT sum(n) FROM r_bi'), psql('SELECT count(*) FROM cases WHERE grid IS NOT NULL AND at IS NOT NULL'), 'its counts');

my (undef, $refused) = psql_try("SELECT grid_rollup_create('d', 'cases', 'grid', '{\"n\": \"count(DISTINCT who)\"}')");
like($refused, qr/0A000.*does not merge.*HINT:.*hll_add_agg\(hll_hash_.*\bhll\b/s, 'count(DISTINCT …) is refused, and hll named');
(undef, $refused) = psql_try("SELECT grid_rollup_create('d', 'cases', 'grid', '{\"n\": \"sketches.hll_union_agg(NULL)\"}')");
like($refused, qr/does not merge/, 'a union is no measure');

# a dump brings it back
my $dump = "$ENV{GT_TMP}/hll.sql";
is(system("$ENV{GT_BIN}/pg_dump -d rollup_hll -f $dump") >> 8, 0, 'dump');
fresh_database('rollup_hll_restored');
psql('DROP EXTENSION gridtree; DROP EXTENSION postgis');
is(system("$ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d rollup_hll_restored -f $dump >$dump.log 2>&1") >> 8, 0, 'restore') or diag(`tail -5 $dump.log`);
psql("UPDATE cases SET who = 'restored' WHERE id % 100 = 0");
right('restored');

# the extension goes
(undef, $refused) = psql_try('DROP EXTENSION hll');
like($refused, qr/2BP01.*cannot drop extension hll/s, 'hll cannot be dropped while a rollup uses it');
is(psql('SELECT count(*) FROM grid_rollup_catalog') . psql('SELECT count(*) FROM wrong_live'), '20', 'and everything is as it was');
psql("SELECT grid_rollup_create('plain', 'cases', 'grid', '{\"n\": \"count(*)\"}', lowest_level => 'grid', top_level => 'street')");
psql("SELECT grid_rollup_refresh('plain')");
psql('DROP EXTENSION hll CASCADE');
is(psql("SELECT string_agg(rollup::text, ' ') FROM grid_rollup_catalog"), 'plain', 'CASCADE: the rollups are gone, one without sketches stays');
is(psql('SELECT count(DISTINCT rollup) FROM grid_rollup_measure'), 1, 'CASCADE: so are their measures');
is(psql("SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), 'nothing') FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(r|few)(_(log|rest|rows|live|bi|[a-z_]*idx|key))?\$'"), 'nothing', 'CASCADE: nothing is left');
psql("UPDATE cases SET open = true WHERE id % 7 = 0; INSERT INTO cases VALUES (50000, '350304001001001', 'x', 1, true, '2024-01-01', NULL, 1)");
psql("SELECT grid_rollup_refresh('plain')");
is(psql("SELECT count(*) FROM grid_rollup_verify('plain')"), 0, 'CASCADE: writers and the other rollup go on');
psql('CREATE SCHEMA IF NOT EXISTS sketches; CREATE EXTENSION hll SCHEMA sketches');
psql("SET search_path = public, sketches; SELECT grid_rollup_create('r', 'cases', 'grid', '{\"who\": \"hll_add_agg(hll_hash_text(who))\"}'); SELECT grid_rollup_refresh('r')");
is(psql("SELECT grid_rollup_drop('plain'); SELECT count(*) FROM grid_rollup_catalog"), "\n1", 'and it can all be made again');
psql('DROP EXTENSION hll CASCADE');
is(psql("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'grid_rollup%'"), 0, 'CASCADE: with the last rollup go the triggers');
fresh_database('rollup_hll');
psql('DROP DATABASE rollup_hll_restored');
done_testing();
