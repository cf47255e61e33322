# The whole national tree: 665,276 codes of 2 to 12 digits.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes 'time';

my $data = data_folder();
plan skip_all => '../shared/data is absent' unless $data && -e "$data/codes/national.csv.gz";

my $started = time;
fresh_database('national');
psql('SET client_min_messages = warning; CREATE TABLE raw (code text COLLATE "C", name text)');
psql("\\copy raw FROM PROGRAM 'gzip -dc $data/codes/national.csv.gz' CSV HEADER");
psql('CREATE TABLE units (code gridcode PRIMARY KEY, name text NOT NULL); INSERT INTO units TABLE raw;
    CREATE INDEX ON raw (code); VACUUM ANALYZE units; VACUUM ANALYZE raw');

is(psql('SELECT count(*) FROM units'), '665276', 'the tree loads');
is(psql('SELECT string_agg(concat(d, \':\', n), \' \' ORDER BY d) FROM (SELECT grid_digits(code) d, count(*) n FROM units GROUP BY 1) x'),
    '2:31 4:342 6:2978 9:41352 12:620573', 'its levels');
is(psql('SELECT count(*) FROM units WHERE grid_level(code) IS NULL'), '0', 'every code is at a level');
is(psql(q{SELECT string_agg(code::text, ' ' ORDER BY code) FROM units WHERE grid_unpad(rpad(code::text, 12, '0')) <> code}),
    '350527000 350527000000 441900 442000 460400', 'every code survives padding, but those that end in a level of zeros');
is(psql('SELECT count(*) FROM units u LEFT JOIN units p ON p.code = grid_parent(u.code) WHERE p.code IS NULL AND grid_depth(u.code) > 1'), '0', 'every parent is there');

# order and round trips
is(psql('SELECT count(*) FROM (SELECT code, row_number() OVER (ORDER BY code) AS n FROM units) a
    JOIN (SELECT code, row_number() OVER (ORDER BY code COLLATE "C") AS n FROM raw) b USING (n) WHERE a.code::text = b.code'),
    '665276', 'ORDER BY code is ORDER BY text COLLATE "C"');
is(psql('SELECT count(*) FROM (SELECT code::text, name FROM units EXCEPT ALL TABLE raw) x'), '0', 'every code is its text');
for my $format ('text', 'binary', 'csv') {
    my $file = "$ENV{GT_TMP}/server/national.$format";
    psql("DROP TABLE IF EXISTS back; CREATE TABLE back (code gridcode, name text);
        COPY units TO '$file' (FORMAT $format); COPY back FROM '$file' (FORMAT $format)");
    is(psql('SELECT count(*) FROM (TABLE units EXCEPT ALL TABLE back) x') . psql('SELECT count(*) FROM back'), '0665276', "COPY $format round-trips");
}

# subtrees
my $counties = q{
    SELECT count(*), count(*) FILTER (WHERE inside = prefixed), sum(inside)
    FROM (SELECT c.code, (SELECT count(*) FROM units u WHERE u.code <@ c.code) AS inside,
        (SELECT count(*) FROM raw r WHERE r.code >= c.code::text AND r.code < c.code::text || ':' AND r.code LIKE c.code::text || '%') AS prefixed
        FROM units c WHERE grid_digits(c.code) = 6) x};
my ($n, $right, $sum) = split /\|/, psql($counties);
is("$n $right", '2978 2978', 'code <@ county is LIKE county || % for every county');
is(psql('SELECT count(*) FROM units c JOIN units u ON u.code <@ c.code WHERE grid_digits(c.code) = 6'), $sum, 'and as one join');
is(psql("SELECT string_agg(code || ' ' || n, ', ' ORDER BY code) FROM (SELECT c.code, (SELECT count(*) FROM units u WHERE u.code <@ c.code) AS n
    FROM unnest('{4419,4420,4604}'::gridcode[]) c(code)) x"),
    psql("SELECT string_agg(p || ' ' || n, ', ' ORDER BY p) FROM (SELECT p, (SELECT count(*) FROM raw WHERE code LIKE p || '%') AS n FROM unnest('{4419,4420,4604}'::text[]) p) x"),
    'the cities without counties');

# the same rows whatever the plan
psql('CREATE TABLE other AS SELECT code, name FROM units WHERE hashtext(code::text) % 3 = 0;
    CREATE INDEX ON other (code); CREATE INDEX hashed ON other USING hash (code); VACUUM ANALYZE other');
my %nodes = ('Merge Join' => 'mergejoin', 'Hash Join' => 'hashjoin', 'Nested Loop' => 'nestloop');
my $oracle = psql(q{SELECT count(*), md5(string_agg(r.code, ',' ORDER BY r.code)) FROM raw r WHERE hashtext(r.code) % 3 = 0});
for my $node (sort keys %nodes) {
    my $set = 'SET max_parallel_workers_per_gather = 0; SET jit = off;' . join '', map { "SET enable_$_ = off;" } grep { $_ ne $nodes{$node} } values %nodes;
    my $query = q{SELECT count(*), md5(string_agg(u.code::text, ',' ORDER BY u.code)) FROM units u JOIN other o USING (code)};
    like(psql("$set EXPLAIN $query"), qr/$node/, "$node is planned");
    is(psql("$set $query"), $oracle, "$node agrees with the texts");
}
my $scan = q{SELECT count(*), md5(string_agg(code::text, ',')) FROM (SELECT code FROM units WHERE code BETWEEN '34' AND '36' ORDER BY code) x};
my $index_only = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_indexscan = off;';
my $seq = 'SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET enable_indexscan = off;';
like(psql("$index_only EXPLAIN $scan"), qr/Index Only Scan/, 'Index Only Scan is planned');
like(psql("$seq EXPLAIN $scan"), qr/Seq Scan/, 'Seq Scan is planned');
is(psql("$index_only $scan"), psql("$seq $scan"), 'Index Only Scan agrees with Seq Scan');
is(psql("SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off;
    DROP INDEX other_code_idx; SELECT count(*) FROM units u WHERE grid_digits(code) = 6 AND EXISTS (SELECT FROM other o WHERE o.code = u.code)"),
    psql("SELECT count(*) FROM raw WHERE length(code) = 6 AND hashtext(code) % 3 = 0"), 'the hash index agrees with the texts');
is(psql("SELECT min(code), max(code), grid_common(code) FROM units WHERE code <@ '35'"),
    psql("SELECT min(code), max(code), '35' FROM raw WHERE code LIKE '35%'"), 'min, max and grid_common');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_indexonlyscan = off; SET enable_indexscan = off; SET enable_bitmapscan = off;';
my $aggregate = "SELECT min(code), max(code), grid_common(code) FROM units WHERE code > '3503' AND code < '3504'";
like(psql("$parallel EXPLAIN $aggregate"), qr/Partial Aggregate/, 'aggregates run in parallel');
is(psql("$parallel $aggregate"), psql("SET max_parallel_workers_per_gather = 0; $aggregate"), 'and agree');

# index scans, with the planner's own choice
my $range = qr/Index (?:Only )?Scan using units_pkey on units.*\n.*Index Cond: \(\(code >= .* AND \(code <= /;
like(psql("EXPLAIN SELECT count(*) FROM units WHERE code <@ '350304'"), $range, 'a constant is an index range');
like(psql("EXPLAIN SELECT count(*) FROM units WHERE '350304' @> code"), $range, 'also of @>');
like(psql("SET plan_cache_mode = force_generic_plan; PREPARE p(gridcode) AS SELECT count(*) FROM units WHERE code <@ \$1; EXPLAIN EXECUTE p('350304')"),
    $range, 'so is a parameter in a generic plan');
like(psql("SET max_parallel_workers_per_gather = 0; EXPLAIN SELECT c.code, u.name FROM units u JOIN unnest('{350304,350305}'::gridcode[]) c(code) ON u.code <@ c.code"),
    qr/Nested Loop.*Index Scan using units_pkey on units u/s, 'and the inner side of a nested loop');
like(psql("SET plan_cache_mode = force_generic_plan; PREPARE p(varchar) AS SELECT name FROM units WHERE code = \$1; EXPLAIN EXECUTE p('350304')"),
    qr/Index Scan using units_pkey/, 'code = varchar uses the index');

# partitions and BRIN
psql('CREATE TABLE parts (code gridcode, name text) PARTITION BY RANGE (code)');
psql("CREATE TABLE parts_$_ PARTITION OF parts FOR VALUES FROM ('$_') TO ('" . ($_ + 1) . "')") for psql(q{SELECT string_agg(code::text, ' ') FROM units WHERE grid_digits(code) = 2}) =~ /\d+/g;
psql('INSERT INTO parts TABLE units; ANALYZE parts');
my $pruned = psql("EXPLAIN SELECT * FROM parts WHERE code <@ '350304'");
is(join(' ', sort($pruned =~ /on (parts_\d+)/g)), 'parts_35', 'partitions are pruned');
is(psql("SELECT count(*) FROM parts WHERE code <@ '3503'"), psql("SELECT count(*) FROM raw WHERE code LIKE '3503%'"), 'and the right one is read');
psql('CREATE TABLE heap AS SELECT * FROM units ORDER BY code; CREATE INDEX brin ON heap USING brin (code) WITH (pages_per_range = 8); ANALYZE heap');
my $brin = psql("SET enable_seqscan = off; EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT count(*) FROM heap WHERE code <@ '350304'");
like($brin, qr/Bitmap Index Scan on brin/, 'BRIN is used');
ok($brin =~ /lossy=(\d+)/ && $1 <= 24, 'and reads few blocks') or diag($brin);
is(psql("SET enable_seqscan = off; SELECT count(*) FROM heap WHERE code <@ '350304'"), psql("SELECT count(*) FROM raw WHERE code LIKE '350304%'"), 'and agrees');

# estimates
psql(q{CREATE FUNCTION estimate(area gridcode) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE plan json;
    BEGIN
        EXECUTE format('EXPLAIN (FORMAT json) SELECT * FROM units WHERE code <@ %L', area) INTO plan;
        RETURN plan->0->'Plan'->>'Plan Rows';
    END $$});
is(psql('SHOW default_statistics_target'), '100', 'the default statistics target');
my %least = (2 => 0.95, 4 => 0.95, 6 => 0.85);
for (split /\n/, psql('SELECT digits, round(avg((guess <= 2 * truth AND truth <= 2 * guess)::int), 3)
    FROM (SELECT grid_digits(a.code) AS digits, estimate(a.code) AS guess, (SELECT count(*) FROM units u WHERE u.code <@ a.code) AS truth
        FROM units a WHERE grid_digits(a.code) <= 6) x GROUP BY 1 ORDER BY 1')) {
    my ($digits, $share) = split /\|/;
    ok($share >= $least{$digits}, sprintf('estimates of areas of %d digits within a factor 2: %.1f %% of at least %d %%', $digits, 100 * $share, 100 * $least{$digits}));
    printf "# areas of %d digits: %.1f %% within a factor 2\n", $digits, 100 * $share;
}
my ($guess) = psql('EXPLAIN SELECT * FROM units u JOIN (SELECT code FROM units WHERE grid_digits(code) = 6) c ON u.code <@ c.code') =~ /rows=(\d+)/;
ok($guess > 0, 'a join is estimated');

# autovacuum's ANALYZE
psql('ALTER SYSTEM SET autovacuum_naptime = 1');
psql(q{SELECT pg_reload_conf();
    CREATE TABLE fresh (code gridcode) WITH (autovacuum_analyze_threshold = 1, autovacuum_analyze_scale_factor = 0);
    CREATE TABLE fresh_nulls (code gridcode) WITH (autovacuum_analyze_threshold = 1, autovacuum_analyze_scale_factor = 0);
    INSERT INTO fresh SELECT code FROM units LIMIT 1000; INSERT INTO fresh_nulls SELECT NULL FROM generate_series(1, 100)});
ok(await(q{SELECT count(*) = 2 FROM pg_stat_user_tables WHERE relname IN ('fresh', 'fresh_nulls') AND autoanalyze_count > 0}), 'autovacuum analyzes');
is(psql(q{SELECT count(*) FROM pg_statistic WHERE starelid = 'fresh'::regclass AND 21743 IN (stakind1, stakind2, stakind3, stakind4)}), '1', 'with prefix counts');
psql('ALTER SYSTEM RESET autovacuum_naptime');
psql('SELECT pg_reload_conf()');

printf "# time: national tree %.1f s\n", time - $started;
done_testing();
