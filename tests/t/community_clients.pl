# The register as clients see it: JDBC, ODBC, psycopg, GDAL and QGIS, each as Debian packages it; and the statements of the
# kinds that Metabase, Superset, Grafana and Power BI send, which are not run here. docs/clients.md says what each needs.
#
# Programs in tests/clients print results as TAP does, and "done" at last. One that is not installed is skipped, by name.
use strict;
use warnings;
use GridTest;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Socket;
use Test::More;

my @roles = qw(bi zhang boss);
my $street = '350304003';
my $grid = '350304003004005';

my $database = fresh_database('community_clients');
psql(<<'SQL');
\set schema community
\set role_prefix clients
\i sql/community/install.sql
CREATE ROLE clients_bi LOGIN IN ROLE clients_reader;
CREATE ROLE clients_zhang LOGIN IN ROLE clients_officer;
CREATE ROLE clients_boss LOGIN IN ROLE clients_admin;
ALTER ROLE clients_bi SET jit = off;
ALTER ROLE clients_boss SET jit = off;
\set officer clients_zhang
SET search_path = community, public;
\i tests/clients/register.sql
ANALYZE;
SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog;
VACUUM ANALYZE;
SQL

END {
    local $?;
    $ENV{PGDATABASE} = 'postgres';
    system("$ENV{GT_BIN}/psql -qX -d postgres -c 'DROP DATABASE $database WITH (FORCE)' -c 'DROP ROLE "
        . join(', ', map {"clients_$_"} @roles, qw(owner officer manager handler statistician reader admin)) . "'");
}

# SQL as one of the roles.
sub as {
    my ($role, $sql) = @_;
    local $ENV{PGUSER} = "clients_$role";
    return psql($sql);
}

# Plans of what these roles do come to them as notices.
sub trace {
    my ($on) = @_;
    for my $role (map {"clients_$_"} @roles) {
        psql($on ? "ALTER ROLE $role SET session_preload_libraries = 'auto_explain'; ALTER ROLE $role SET auto_explain.log_min_duration = 0;
                    ALTER ROLE $role SET auto_explain.log_level = notice"
                 : "ALTER ROLE $role RESET session_preload_libraries");
    }
    return;
}

# A statement's plan uses an index, and reads none of some tables whole.
sub by_index {
    my ($role, $sql, $index, @tables) = @_;
    my $plan = as($role, "EXPLAIN (COSTS OFF) $sql");
    like($plan, qr/(?:using|Bitmap Index Scan on) $index\b/, "by an index: $sql");
    unlike($plan, qr/Seq Scan on \Q$_\E(?:\s|$)/, "$_ is not read whole") for @tables;
    return;
}

# ---- what tools read of a database before anybody has asked anything

my $readable = <<'SQL';
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'community'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1
SQL
is(join(' ', split /\n/, as('bi', $readable)), 'areas events_monthly figures freshness reference_case size_check staffing_gaps visit_coverage',
    'a reader finds the views of figures and nothing else');
is(join(' ', split /\n/, as('bi', q(SELECT table_name FROM information_schema.tables WHERE table_schema = 'community' ORDER BY 1))),
    join(' ', split /\n/, as('bi', $readable)), 'information_schema has the same');
is(as('bi', q(SELECT string_agg(table_name || '.' || column_name || ' ' || udt_name, ', ') FROM information_schema.columns WHERE table_schema = 'community'
              AND data_type NOT IN ('text', 'integer', 'bigint', 'numeric', 'date', 'timestamp with time zone', 'boolean'))),
    'areas.geom geometry', 'columns have types that every tool knows, but geom');
is(as('bi', q(SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE c.relnamespace = 'community'::regnamespace AND a.attnum >= 0 AND has_table_privilege(c.oid, 'SELECT')
              AND coalesce(col_description(c.oid, a.attnum), '') = '')), '', 'each with a comment');
is(as('bi', q(SELECT string_agg(relname, ', ') FROM pg_class WHERE relnamespace = 'community'::regnamespace AND relkind IN ('r', 'v')
              AND coalesce(obj_description(oid, 'pg_class'), '') = '')), '', 'as each table and view');
my %key = (areas => 'code', size_check => 'code', figures => 'code', events_monthly => 'code, month, kind', visit_coverage => 'code, month',
    staffing_gaps => 'code, gap', reference_case => 'kind', freshness => 'figures');
is(join(' ', sort keys %key), join(' ', split /\n/, as('bi', $readable)), 'each view has columns that tell its rows apart');
for my $view (sort keys %key) {
    like(as('bi', "SELECT count(*) > 0, count(*) - count(DISTINCT ROW($key{$view})) FROM community.$view"), qr/^t\|0$/, "$view: $key{$view}");
}
is(as('bi', "SELECT ST_AsGeoJSON(ST_Transform(geom, 4326))::jsonb->>'type' FROM community.areas WHERE code = '$grid'"), 'MultiPolygon',
    'polygons as GeoJSON');
for my $role (qw(zhang boss)) {
    is(as($role, q(SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'community'::regnamespace AND c.relkind = 'r'
                   AND has_table_privilege(c.oid, 'SELECT') AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'))),
        '', "$role: every table has its key");
    my $keys = <<'SQL';
SELECT %s FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair (here, there)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.here JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.there
WHERE k.contype = 'f' AND k.connamespace = 'community'::regnamespace AND has_column_privilege(k.conrelid, a.attnum, 'SELECT')
SQL
    cmp_ok(as($role, sprintf $keys, 'count(*)'), '>=', 30, "$role: foreign keys, too");
    is(as($role, sprintf($keys, q(string_agg(k.conname, ', '))) . q( AND NOT has_column_privilege(k.confrelid, b.attnum, 'SELECT'))), '',
        "$role: which lead to what the role may read");
}

# ---- statements as such tools make them

my $in_street = "h.grid LIKE '$street%'";
my $filed = "SELECT count(*) FROM community.event e JOIN community.household h ON h.id = e.household WHERE $in_street";

# A chart of a data set: Superset and Metabase put a query or a table inside another.
my $virtual = "SELECT community_name AS community_name, sum(events_filed) AS \"SUM(events_filed)\"
    FROM (SELECT * FROM community.figures WHERE level = 'community') AS virtual_table
    WHERE street_code IN ('$street') GROUP BY community_name ORDER BY \"SUM(events_filed)\" DESC, community_name LIMIT 1000";
is(as('bi', $virtual), psql("SELECT a.name, count(*) FROM community.event e JOIN community.household h ON h.id = e.household
    JOIN community.area a ON a.code = left(h.grid, 12) WHERE $in_street GROUP BY a.code, a.name ORDER BY 2 DESC, 1"), 'a query inside a query');
by_index('bi', $virtual, 'area_(?:street|level)_idx', 'event_total t', 'event_daily d', 'area a');
my $months = "SELECT date_trunc('month', month) AS month, sum(filed) AS filed
    FROM (SELECT * FROM community.events_monthly WHERE unit = 'case') AS virtual_table
    WHERE code = '$street' AND month >= to_date('2023-03-01', 'YYYY-MM-DD') AND month < to_date('2023-06-01', 'YYYY-MM-DD')
    GROUP BY date_trunc('month', month) ORDER BY 1 LIMIT 10000";
my $by_month = psql("SELECT to_char(reported_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month, count(*) FROM community.event e
    JOIN community.household h ON h.id = e.household WHERE $in_street AND reported_at >= '2023-03-01 00:00+08' AND reported_at < '2023-06-01 00:00+08' GROUP BY 1 ORDER BY 1");
is(as('bi', "SELECT to_char(month, 'YYYY-MM'), filed FROM ($months) chart"), $by_month, 'months of a time axis');
by_index('bi', $months, 'area_(?:pkey|code_kind_key)', 'event_daily d', 'area a');
like(as('bi', "SELECT count(*) FROM (SELECT * FROM community.figures) q WHERE lower(name) LIKE '%第3街道%'"), qr/^1$/, 'a search box');

# A time series: Grafana writes the ends of its window as times in UTC, whatever the column is.
for my $zone (qw(UTC Asia/Shanghai America/Asuncion)) {
    is(as('bi', "SET timezone = '$zone'; SELECT string_agg(DISTINCT month::text, ' ' ORDER BY month::text), sum(filed) FROM community.events_monthly
                 WHERE code = '$street' AND unit = 'case' AND month BETWEEN '2023-02-28T16:00:00Z' AND '2023-05-31T15:59:59.999Z'"),
        '2023-03-01 2023-04-01 2023-05-01|' . psql("$filed AND reported_at >= '2023-03-01 00:00+08' AND reported_at < '2023-06-01 00:00+08'"),
        "months within times, for a session in $zone");
    is(as('bi', "SET timezone = '$zone'; SELECT string_agg(DISTINCT month::text, ' ' ORDER BY month::text) FROM community.visit_coverage"),
        '2023-09-01 2023-10-01 2023-11-01', "all months of visits in $zone");
}
my $series = q(SELECT floor(extract(epoch FROM reported_at) / 86400) * 86400 AS "time", kind_name AS metric, count(*) AS value
    FROM community.events WHERE reported_at BETWEEN '2023-03-01T00:00:00Z' AND '2023-09-30T23:59:59.999Z' GROUP BY 1, 2 ORDER BY 1);
my $rows = "FROM community.event WHERE grid = '$grid' AND reported_at BETWEEN '2023-03-01T00:00:00Z' AND '2023-09-30T23:59:59.999Z'";
is(as('zhang', "SELECT sum(value), min(\"time\") FROM ($series) s"), psql("SELECT count(*), floor(min(extract(epoch FROM reported_at)) / 86400) * 86400 $rows"),
    'days of a series of rows, in scope');
like(as('zhang', "EXPLAIN (COSTS OFF) $series"), qr/event_gridcode_reported_at_idx.*\n\s*Index Cond: .*gridcode.*reported_at >=/, 'by the index on both');

# A page or a sum, folded: Power BI quotes everything.
my $folded = qq(select "_"."code" as "code", "_"."name" as "name", "_"."events_filed" as "events_filed" from "community"."figures" "_"
    where "_"."street_code" = '$street' and "_"."street_code" is not null order by "_"."code" limit 4096);
is(as('bi', "SELECT count(*) FROM ($folded) f"), 11, 'a filter, folded');
by_index('bi', $folded, 'area_street_idx', 'event_total t', 'event_daily d', 'household_total h', 'area a');
my $sums = qq(select "rows"."street_name" as "street_name", sum("rows"."events_filed") as "a0"
    from (select "_"."street_name", "_"."events_filed" from "community"."figures" "_"
        where "_"."level" = 'community' and ("_"."street_code" = '$street' or "_"."street_code" = '350304004')) "rows"
    group by "street_name" order by "street_name" limit 1000001);
is(as('bi', $sums), "第3街道|" . psql($filed) . "\n第4街道|" . psql($filed =~ s/$street/350304004/r), 'a sum, folded');
by_index('bi', $sums, 'area_(?:street|level)_idx', 'event_total t', 'event_daily d', 'area a');
is(as('bi', qq(select sum("_"."filed") from "community"."events_monthly" "_" where "_"."code" = '$street' and "_"."unit" = 'case'
    and "_"."month" >= timestamp '2023-03-01 00:00:00' and "_"."month" < timestamp '2023-06-01 00:00:00')),
    psql("$filed AND reported_at >= '2023-03-01 00:00+08' AND reported_at < '2023-06-01 00:00+08'"), 'a month between two times without a zone');
is(as('bi', q(select count(*), count("$Inner"."households") from (select "code", "name" from "community"."areas" where "level" = 'community') "$Outer"
    left outer join (select "code", "households" from "community"."figures") "$Inner" on "$Outer"."code" = "$Inner"."code")), '100|100', 'a relation by code');
for my $mode (qw(force_generic_plan force_custom_plan)) {
    my $plan = as('bi', qq(SET plan_cache_mode = $mode; PREPARE page (text) AS select "_"."name" from "community"."figures" "_" where "_"."community_code" = \$1;
        EXPLAIN (COSTS OFF) EXECUTE page ('${street}001')));
    like($plan, qr/area_community_idx\n\s*Index Cond: \(community = (?:\$1|'${street}001'::text)\)/, "a parameter, $mode");
}

# ---- clients

# A program of tests/clients: its results are ours.
sub client {
    my ($name, @command) = @_;
    my $log = "$ENV{GT_TMP}/client.$name";
    my $home = "$ENV{GT_TMP}/home.$name";
    mkdir $home;
    chmod 0700, $home;
    local @ENV{qw(PGDATABASE HOME XDG_RUNTIME_DIR LC_ALL PYTHONIOENCODING TZ)} = ($database, $home, $home, 'C', 'utf-8', 'America/Asuncion');
    my $status = finish(background($log, 'timeout', 300, @command));
    my $said = slurp($log);
    my $failed = 0;
    for my $line (split /\n/, $said) {
        if ($line =~ /^(not )?ok - (.*)/) {
            $failed = $1;
            ok(!$failed, "$name: $2");
        } elsif ($failed && $line =~ /^# /) {
            diag($line);
        }
    }
    ok($status == 0 && $said =~ /^done$/m, "$name: everything was tried") or diag("exit status $status\n", substr $said, -3000);
    return;
}

# The Python that has a module, and undef where there is none.
sub python_with {
    my ($module) = @_;
    for my $python ('/usr/bin/python3', 'python3') {
        return $python if system("$python -c 'import $module' >/dev/null 2>&1") == 0;
    }
    return;
}

# JDBC knows TCP only, and the server a socket: what is between them forwards. It goes when this process does.
sub forward {
    my ($listener, $alive) = @_;
    my $watched = IO::Select->new($listener, $alive);
    my %peer;
    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $ready ($watched->can_read) {
            if ($ready == $alive) {
                return;
            } elsif ($ready == $listener) {
                my $from = $listener->accept or next;
                my $to = IO::Socket::UNIX->new("$ENV{PGHOST}/.s.PGSQL.$ENV{PGPORT}") or next;
                @peer{$from, $to} = ($to, $from);
                $watched->add($from, $to);
            } elsif (my $other = $peer{$ready}) {
                my $got = sysread $ready, my $bytes, 65536;
                for (my $done = 0; $got && $done < length $bytes;) {
                    my $written = syswrite $other, $bytes, length($bytes) - $done, $done;
                    $got = 0 if !$written;
                    $done += $written // 0;
                }
                next if $got;
                $watched->remove($ready, $other);
                delete @peer{$ready, $other};
                close $_ for $ready, $other;
            }
        }
    }
}

sub runs { return system("$_[0] >/dev/null 2>&1") == 0; }

SKIP: {
    my ($jar) = grep {-e} '/usr/share/java/postgresql.jar', '/usr/share/java/postgresql-jdbc.jar', '/usr/share/java/postgresql-jdbc/postgresql.jar';
    skip 'JDBC: no driver (Debian package libpostgresql-jdbc-java)', 1 if !$jar;
    skip 'JDBC: no Java compiler (Debian package default-jdk-headless)', 1 if !runs('javac -version');
    my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die "no proxy: $@";
    socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die $!;
    my $proxy = fork // die $!;
    if (!$proxy) {
        close $here;
        eval { forward($listener, $there); 1 } or print STDERR "# the proxy ended: $@";
        POSIX::_exit(0);
    }
    close $there;
    my $port = $listener->sockport;
    close $listener;
    trace(1);
    client('JDBC', 'java', '-Dfile.encoding=UTF-8', '-cp', $jar, 'tests/clients/Jdbc.java', "jdbc:postgresql://127.0.0.1:$port/$database");
    trace(0);
    close $here;
    finish($proxy);
}

SKIP: {
    my ($driver) = grep {-e} glob '/usr/lib/*/odbc/psqlodbcw.so /usr/lib64/psqlodbcw.so /usr/lib/psqlodbcw.so';
    skip 'ODBC: no driver (Debian package odbc-postgresql)', 1 if !$driver;
    my $folder = "$ENV{GT_TMP}/odbc";
    mkdir $folder;
    my %ini = ('odbcinst.ini' => "[PostgreSQL]\nDriver = $driver\n",
        'odbc.ini' => "[register]\nDriver = PostgreSQL\nServername = $ENV{PGHOST}\nPort = $ENV{PGPORT}\nDatabase = $database\nUsername = clients_bi\n");
    for my $name (keys %ini) {
        open my $f, '>', "$folder/$name" or die $!;
        print $f $ini{$name};
        close $f;
    }
    local @ENV{qw(ODBCSYSINI ODBCINI)} = ($folder, "$folder/odbc.ini");
    SKIP: {
        skip 'ODBC: no isql (Debian package unixodbc)', 1 if !runs('isql --version');
        is(`echo "SELECT name, households FROM community.figures WHERE code = '$street'" | LC_ALL=C.UTF-8 isql -b -d'|' register 2>&1`, "第3街道|500\n",
            'ODBC: isql, by a data source of its own');
    }
    my $python = python_with('pyodbc');
    skip 'ODBC: no pyodbc (Debian package python3-pyodbc)', 1 if !$python;
    client('ODBC', $python, '-B', 'tests/clients/odbc_rows.py',
        "DRIVER={PostgreSQL};SERVER=$ENV{PGHOST};PORT=$ENV{PGPORT};DATABASE=$database;TextAsLongVarchar=0;MaxVarcharSize=4000");
}

SKIP: {
    my $python = python_with('psycopg2');
    skip 'psycopg: not there (Debian package python3-psycopg2)', 1 if !$python;
    trace(1);
    client('psycopg', $python, '-B', 'tests/clients/psycopg_rows.py');
    trace(0);
}

SKIP: {
    skip 'GDAL: no ogrinfo (Debian package gdal-bin)', 1 if !runs('ogrinfo --version');
    skip 'GDAL: without PostgreSQL', 1 if `ogrinfo --formats` !~ /PostgreSQL -vector/;
    my $connection = "PG:host=$ENV{PGHOST} port=$ENV{PGPORT} dbname=$database user=clients_";
    my $areas = `ogrinfo -ro -so "${connection}bi" community.areas 2>&1`;
    like($areas, qr/^Geometry: Multi Polygon$/m, 'GDAL: areas has polygons');
    like($areas, qr/^Geometry Column = geom$/m, 'GDAL: in geom');
    like($areas, qr/^Feature Count: 1111$/m, 'GDAL: all of them');
    like($areas, qr/ID\["EPSG",4326\]\]$/m, 'GDAL: with their SRID');
    like($areas, qr/^$_: String/m, "GDAL: field $_") for qw(code name street_code community_name);
    like($areas, qr/^valid_from: Date/m, 'GDAL: field valid_from');
    like($areas, qr/^  DESCRIPTION=\w/m, 'GDAL: and what they are');
    my $boundary = `ogrinfo -ro -so "${connection}boss" community.boundary 2>&1`;
    like($boundary, qr/^FID Column = id$/m, 'GDAL: boundary has its key');
    like($boundary, qr/^Geometry Column NOT NULL = geom$/m, 'GDAL: and polygons');
    like($boundary, qr/^code: String/m, 'GDAL: and the code');
    my $json = "$ENV{GT_TMP}/areas.json";
    my $said = `ogr2ogr -f GeoJSON "$json" "${connection}bi" -sql "SELECT code, name, geom FROM community.areas WHERE level = 'grid' AND street_code = '$street' ORDER BY code" 2>&1`;
    my $map = eval { JSON::PP->new->utf8->decode(slurp($json)) } // {};
    is(scalar @{$map->{features} // []}, psql("SELECT count(*) FROM community.areas WHERE level = 'grid' AND street_code = '$street'"),
        'GDAL: a street as GeoJSON, all its grids') or diag($said);
    my ($odd) = grep { $_->{properties}{code} eq "${street}001002" } @{$map->{features} // []};
    is($odd->{properties}{name}, "\"\x{7532}\"\x{7684}'\x{4e59}'\\\x{4e19}?", 'GDAL: names unharmed');
    is(lc($odd->{geometry}{type} // ''), 'multipolygon', 'GDAL: with their polygons');
}

SKIP: {
    my $python = python_with('qgis.core');
    skip 'QGIS: no provider (Debian package python3-qgis, which make check does not install: it is large)', 1 if !$python;
    local $ENV{QT_QPA_PLATFORM} = 'offscreen';
    client('QGIS', $python, '-B', 'tests/clients/qgis_layers.py');
}

done_testing();
