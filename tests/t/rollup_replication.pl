# Logical replication: rollups on a subscriber see what the apply and the table
# synchronisation workers do, on plain and partitioned tables; rollups on a
# publisher do not get in the way of a publication of all tables. Publisher and
# subscriber are two databases of one cluster, so the slot is created by hand.
use strict;
use warnings;
use GridTest;
use Test::More;
use Time::HiRes ();

sub publisher { return GridTest::psql_in('rollup_pub', $_[0]); }
sub subscriber { return GridTest::psql_in('rollup_sub', $_[0]); }

# Publisher's kind, subscriber's kind:
#   plain    plain, plain
#   loose    plain without a key and REPLICA IDENTITY FULL, plain
#   routed   plain, partitioned by part
#   leaf     partitioned, partitioned alike; published as the partitions
#   root     partitioned by part, partitioned by id; published as the root
#   merged   partitioned by part, plain; published as the root
my @tables = qw(plain loose routed leaf root merged);
my $columns = 'id int, grid gridcode, at timestamp, x int, part int';
my $key = ', PRIMARY KEY (id, part)';

sub partitions {
    my ($by, @bounds) = @_;
    return sub {
        my ($table) = @_;
        my $n = 0;
        return join ' ', "CREATE TABLE $table ($columns$key) PARTITION BY $by;",
            map { "CREATE TABLE ${table}_" . ++$n . " PARTITION OF $table $_;" } @bounds;
    };
}
my $plain = sub { "CREATE TABLE $_[0] ($columns$key);" };
my $loose = sub { "CREATE TABLE $_[0] ($columns); ALTER TABLE $_[0] REPLICA IDENTITY FULL;" };
my $by_part = partitions('LIST (part)', 'FOR VALUES IN (1)', 'FOR VALUES IN (2)', 'DEFAULT');
my $by_id = partitions('RANGE (id)', 'FOR VALUES FROM (0) TO (100)', 'FOR VALUES FROM (100) TO (100000)');
my %published = (plain => $plain, loose => $loose, routed => $plain, leaf => $by_part, root => $by_part, merged => $by_part);
my %subscribed = (plain => $plain, loose => $loose, routed => $by_part, leaf => $by_part, root => $by_id, merged => $plain);

# A rollup and an oracle that shares nothing with it.
sub rollup {
    my ($table) = @_;
    return <<"SQL";
SELECT grid_rollup_create('r_$table', '$table', 'grid', '{"n": "count(*)", "x": "sum(x)"}', 'at', '1 day', lowest_level => 'grid', top_level => 'street');
CREATE VIEW ${table}_oracle AS SELECT left(grid::text, d)::gridcode AS code, l AS level, at::date AS bucket, count(*) AS n, sum(x) AS x
    FROM $table JOIN (VALUES ('grid', 15), ('community', 12), ('street', 9)) v(l, d) ON length(grid::text) >= d WHERE at IS NOT NULL GROUP BY 1, 2, 3;
CREATE VIEW ${table}_wrong AS (TABLE r_${table}_live EXCEPT ALL TABLE ${table}_oracle) UNION ALL (TABLE ${table}_oracle EXCEPT ALL TABLE r_${table}_live);
SQL
}

# SQL that says "cases", for one of the tables.
sub for_table {
    my ($sql, $table) = @_;
    $sql =~ s/cases/$table/g;
    return $sql;
}

# The same change of every published table.
sub change {
    my ($sql) = @_;
    publisher(join "\n", map { for_table($sql, $_) } @tables);
}

sub caught_up {
    my $lsn = publisher('SELECT pg_current_wal_lsn()');
    my $streaming = "SELECT coalesce(bool_or(replay_lsn >= '$lsn'), false) FROM pg_stat_replication WHERE application_name = 'rollup_sub' AND state = 'streaming'";
    return await($streaming);
}

# SQL for every table, in one session; the results by table.
sub each_table {
    my ($where, $sql) = @_;
    my @lines = split /\n/, $where->(join "\n", map { for_table($sql, $_) } @tables), -1;
    return map { $_ => shift @lines } @tables;
}

my $rows = q{SELECT count(*) || ' ' || coalesce(md5(string_agg(c::text, chr(10) ORDER BY id, part)), '-') FROM cases c;};

# $whole: does the log say "everything"?
sub right {
    my ($what, $whole) = @_;
    ok(caught_up(), "$what: caught up");
    is_deeply({each_table(\&subscriber, $rows)}, {each_table(\&publisher, $rows)}, "$what: the same rows");
    my %all = each_table(\&subscriber, 'SELECT count(*) > 0 FROM r_cases_log l WHERE l IS NULL;');
    is_deeply(\%all, {map { $_ => $whole ? 't' : 'f' } @tables}, "$what: logs " . ($whole ? 'everything' : 'cells')) if defined $whole;
    my %none = map { $_ => 0 } @tables;
    is_deeply({each_table(\&subscriber, 'SELECT count(*) FROM cases_wrong;')}, \%none, "$what: live views");
    refreshed_right(\&subscriber, $what);
}

sub refreshed_right {
    my ($where, $what) = @_;
    my %none = map { $_ => '0 0 0' } @tables;
    each_table($where, "SELECT grid_rollup_refresh('r_cases');");
    is_deeply({each_table($where, "SELECT (SELECT count(*) FROM grid_rollup_verify('r_cases')) || ' ' || (SELECT count(*) FROM cases_wrong) || ' ' || (SELECT count(*) FROM r_cases_log WHERE unassigned IS NULL);")},
        \%none, "$what: figures and live views after the refresh, nothing in the log");
}

sub clean_up {
    GridTest::run_psql('rollup_sub', $_) for 'ALTER SUBSCRIPTION rollup_sub DISABLE', 'ALTER SUBSCRIPTION rollup_sub SET (slot_name = NONE)', 'DROP SUBSCRIPTION IF EXISTS rollup_sub';
    for (1 .. 100) {
        GridTest::run_psql('rollup_pub', "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'rollup_pub' AND NOT active");
        last if publisher("SELECT count(*) FROM pg_replication_slots WHERE database = 'rollup_pub'") == 0;
        Time::HiRes::sleep(0.1);
    }
}
my $subscribed = 0;
END { my $status = $?; clean_up() if $subscribed; $? = $status; }

fresh_database('rollup_sub');
fresh_database('rollup_pub');
GridTest::psql_in('postgres', 'ALTER DATABASE rollup_sub SET jit = off; ALTER DATABASE rollup_pub SET jit = off');
publisher('CREATE FUNCTION some_code(i int) RETURNS gridcode LANGUAGE sql AS $$
    SELECT CASE WHEN i % 11 = 0 THEN NULL WHEN i % 13 = 0 THEN \'350304001\' ELSE \'35030400100\' || 1 + i % 3 || \'00\' || i % 5 END::gridcode $$');
publisher(join "\n", map { $published{$_}->($_) } @tables);
change(q{INSERT INTO cases SELECT i, some_code(i), CASE WHEN i % 17 <> 0 THEN timestamp '2024-01-01' + i * interval '5 hours' END, i % 7, 1 + i % 3 FROM generate_series(1, 150) i;});
publisher('CREATE PUBLICATION leaves FOR TABLE plain, loose, routed, leaf;
    CREATE PUBLICATION roots FOR TABLE root, merged WITH (publish_via_partition_root = true)');
subscriber(join "\n", map { $subscribed{$_}->($_) . rollup($_) . "SELECT grid_rollup_refresh('r_$_');" } @tables);

# the rows that are there are copied by synchronisation workers
$subscribed = 1;
publisher("SELECT pg_create_logical_replication_slot('rollup_sub', 'pgoutput')");
subscriber("CREATE SUBSCRIPTION rollup_sub CONNECTION 'host=$ENV{PGHOST} port=$ENV{PGPORT} user=$ENV{PGUSER} dbname=rollup_pub'
    PUBLICATION leaves, roots WITH (create_slot = false, slot_name = rollup_sub)");
for (1 .. 600) {
    last if subscriber("SELECT count(*) > 0 AND bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel") eq 't';
    Time::HiRes::sleep(0.1);
}
is(subscriber("SELECT count(*) > 0 AND bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel"), 't', 'synchronised');
is(subscriber("SELECT string_agg(DISTINCT srrelid::regclass::text, ' ' ORDER BY srrelid::regclass::text) FROM pg_subscription_rel"),
    'leaf_1 leaf_2 leaf_3 loose merged plain root routed', 'what is subscribed to');
cmp_ok(subscriber('SELECT count(*) FROM plain_oracle'), '>', 50, 'there are figures');
right('copy', 0);

change("INSERT INTO cases SELECT i, some_code(i), timestamp '2024-01-10' + i * interval '1 hour', i, 1 + i % 3 FROM generate_series(201, 230) i;
    INSERT INTO cases VALUES (300, '350304001009009', '2024-05-01', 1, 1);");
right('INSERT', 0);
change('UPDATE cases SET x = x + 100 WHERE id % 5 = 0;');
right('UPDATE of a measure', 0);
change("UPDATE cases SET grid = '350304001007007' WHERE id % 7 = 0; UPDATE cases SET grid = NULL WHERE id % 19 = 0; UPDATE cases SET grid = '350304001' WHERE id % 23 = 0;");
right('UPDATE of the code', 0);
change("UPDATE cases SET at = at + interval '40 days' WHERE id % 3 = 0; UPDATE cases SET at = NULL WHERE id % 29 = 0; UPDATE cases SET at = '2024-02-02' WHERE at IS NULL AND id % 2 = 0;");
right('UPDATE of the time', 0);
change('UPDATE cases SET part = 1 + (part + 1) % 3, x = x + 1 WHERE id % 4 = 0;');
right('UPDATE that moves rows between partitions', 0);
change('DELETE FROM cases WHERE id % 6 = 0;');
right('DELETE', 0);
change("BEGIN; DELETE FROM cases WHERE id = 1; INSERT INTO cases VALUES (1, '350304001001001', '2024-01-01', 5, 2); UPDATE cases SET x = 6 WHERE id = 1;
    SAVEPOINT s; UPDATE cases SET grid = '350304001008008'; ROLLBACK TO s; UPDATE cases SET grid = '350304001001002' WHERE id = 1; COMMIT;");
right('several changes in a transaction', 0);
change('UPDATE cases SET x = x;');
right('UPDATE of every row', 0);

# refreshes while changes come in
for my $round (1 .. 5) {
    change("UPDATE cases SET x = x + $round WHERE id % 5 = $round % 5; INSERT INTO cases VALUES (1000 + $round, '350304001001001', '2024-01-01', 1, 1);");
    each_table(\&subscriber, "SELECT grid_rollup_refresh('r_cases');");
}
right('refreshes meanwhile', 0);

# the subscriber's own changes, and its own partitions
each_table(\&subscriber, "INSERT INTO cases VALUES (5000, '350304001001001', '2024-01-01', 7, 1); UPDATE cases SET x = 8 WHERE id = 5000;");
is_deeply({each_table(\&subscriber, 'SELECT count(*) FROM cases_wrong;')}, {map { $_ => 0 } @tables}, 'own changes: live views');
each_table(\&subscriber, 'DELETE FROM cases WHERE id = 5000;');
right('own changes', 0);
subscriber('ALTER TABLE routed DETACH PARTITION routed_3; CREATE TABLE routed_4 PARTITION OF routed FOR VALUES IN (3, 4)');
subscriber('INSERT INTO routed SELECT * FROM routed_3; DROP TABLE routed_3');
change('UPDATE cases SET x = x + 1 WHERE part = 3;');
right('a new partition of the subscriber');

change('TRUNCATE cases;');
right('TRUNCATE', 1);
change("INSERT INTO cases SELECT i, some_code(i), timestamp '2024-01-10' + i * interval '1 hour', i, 1 + i % 3 FROM generate_series(1, 20) i;");
right('INSERT again', 0);
change("BEGIN; TRUNCATE cases; INSERT INTO cases VALUES (1, '350304001001001', '2024-01-01', 5, 2); COMMIT;");
right('TRUNCATE and INSERT in a transaction', 1);
publisher('INSERT INTO leaf VALUES (2, \'350304001001001\', \'2024-01-01\', 5, 1); TRUNCATE leaf_2');
ok(caught_up(), 'TRUNCATE of a partition: caught up');
is(subscriber('SELECT count(*) FROM leaf_wrong') . subscriber('SELECT count(*) FROM leaf'), '01', 'TRUNCATE of a partition');
right('afterwards');

# rollups of the publisher, and a publication of all tables, theirs included
publisher(join "\n", map { rollup($_) } @tables);
publisher('CREATE PUBLICATION all_tables FOR ALL TABLES');
sub published_right {
    my ($what) = @_;
    is_deeply({each_table(\&publisher, 'SELECT count(*) FROM cases_wrong;')}, {map { $_ => 0 } @tables}, "$what: publisher's live views");
    refreshed_right(\&publisher, "$what, publisher");
}
published_right('all tables published');
change("INSERT INTO cases SELECT i, some_code(i), timestamp '2024-01-10' + i * interval '1 hour', i, 1 + i % 3 FROM generate_series(30, 60) i;
    UPDATE cases SET grid = '350304001001001', x = x + 1 WHERE id % 3 = 0; DELETE FROM cases WHERE id = 40;");
published_right('changes of published tables');
change('UPDATE cases SET x = x + 1 WHERE id % 2 = 0;');
change(q{CALL grid_rollup_refresh_batched('r_cases', 2); SELECT grid_rollup_touch('r_cases'); SELECT grid_rollup_alter('r_cases', '{"max_lag": "5 min"}');});
published_right('batched refresh, touch and alter');
right('the same on the subscriber', 0);
change('TRUNCATE cases;');
published_right('TRUNCATE of published tables');
change("DROP VIEW cases_oracle CASCADE; SELECT grid_rollup_drop('r_cases');");
is(publisher('SELECT count(*) FROM grid_rollup_catalog'), 0, 'dropped on the publisher');
right('dropped on the publisher', 1);
unlike(`cat $ENV{GT_TMP}/server/log`, qr/rollup_sub ERROR.*\n.*CONTEXT:.*(?:processing remote data|logical replication)/, 'no error of the workers');

clean_up();
$subscribed = 0;
is(publisher("SELECT count(*) FROM pg_replication_slots WHERE database = 'rollup_pub'") . subscriber("SELECT count(*) FROM pg_subscription WHERE subname = 'rollup_sub'"), '00', 'cleaned up');
done_testing();
