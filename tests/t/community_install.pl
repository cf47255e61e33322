# The register is installed, installed again, upgraded, renamed, dumped and restored; and what fails leaves nothing behind.
# The files are those that make install put beside the server.
use strict;
use warnings;
use GridTest;
use Test::More;

my $shared = `$ENV{GT_BIN}/pg_config --sharedir`;
chomp $shared;
my $files = "$shared/gridtree/community";
my $work = "$ENV{GT_TMP}/community_install";
my $as = $ENV{GT_AS} // '';
mkdir $work or die $!;
my @roles = map { "install_$_" } qw(owner officer manager handler statistician reader admin);
my ($newest) = slurp("$files/install.sql") =~ /^\\set newest (\d+)$/m;
my ($out, $err, $status);

sub quoted { my ($name) = @_; $name =~ s/"/""/g; return qq("$name"); }
sub literal { my ($text) = @_; $text =~ s/'/''/g; return "'$text'"; }

# Installs with variables; in a string, as for psql_try: $from is the folder, $user who does it.
sub installation {
    my (%with) = @_;
    my $from = delete $with{from} // $files;
    my $user = delete $with{user};
    $with{role_prefix} //= 'install';
    return ($user ? "\\c - $user\n" : '') . join('', map { "\\set $_ " . literal($with{$_}) . "\n" } sort keys %with) . "\\i $from/install.sql\n";
}
sub install { return psql(installation(@_)); }

# pg_dump of the database, without what is new in each: for comparisons. @options may choose less.
sub dumped {
    my ($database, @options) = @_;
    my $dump = `$ENV{GT_BIN}/pg_dump @options -d $database 2>$work/err`;
    is($? >> 8, 0, "pg_dump @options") or diag(slurp("$work/err"));
    $dump =~ s/^\\(un)?restrict .*\n//mg;
    return $dump;
}

sub write_file { my ($file, $text) = @_; open my $f, '>', $file or die $!; print $f $text; close $f; }

sub sorted { return join "\n", sort split /\n/, $_[0]; }

# Whether two long texts are the same; says where they first differ.
sub same {
    my ($got, $expected, $name) = @_;
    return pass($name) if $got eq $expected;
    fail($name);
    my @got = split /\n/, $got;
    my @expected = split /\n/, $expected;
    my ($at) = grep { ($got[$_] // '') ne ($expected[$_] // '') } 0 .. ($#got > $#expected ? $#got : $#expected);
    diag("line $at:\n  got " . ($got[$at] // 'nothing') . "\n  expected " . ($expected[$at] // 'nothing'));
}

# How many rows every table of a schema has, and a digest of them.
sub rows {
    my ($schema, $ask) = @_;
    $ask //= \&psql;
    my $queries = $ask->(<<"SQL");
SELECT string_agg(format('SELECT %L, count(*), md5(string_agg(t::text, E''\\n'' ORDER BY t::text COLLATE "C")) FROM %I.%I t', relname, nspname, relname), ' UNION ALL ' ORDER BY relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ${\ literal($schema)} AND relkind = 'r'
SQL
    return $ask->($queries);
}

# What each of the register's roles may do, as the server sees it, with everything of a schema and the schemas of the extensions.
sub rights {
    my ($schema, $ask) = @_;
    my $in = 'n.nspname = ' . literal($schema);
    return $ask->(<<"SQL");
SELECT rolname, nspname, relname, p, has_table_privilege(r.oid, c.oid, p)
FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = relnamespace, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
WHERE rolname ~ '^install' AND relkind IN ('r', 'v') AND $in ORDER BY 1, 2, 3, 4;
SELECT rolname, relname, attname, p, has_column_privilege(r.oid, c.oid, attnum, p)
FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped, unnest('{SELECT,INSERT,UPDATE}'::text[]) p
WHERE rolname ~ '^install' AND relkind IN ('r', 'v') AND $in ORDER BY 1, 2, 3, 4;
SELECT rolname, proname, pronargs, has_function_privilege(r.oid, f.oid, 'EXECUTE') FROM pg_roles r, pg_proc f JOIN pg_namespace n ON n.oid = pronamespace
WHERE rolname ~ '^install' AND $in ORDER BY 1, 2, 3;
SELECT rolname, nspname, p, has_schema_privilege(r.oid, n.oid, p) FROM pg_roles r, pg_namespace n, unnest('{USAGE,CREATE}'::text[]) p
WHERE rolname ~ '^install' AND ($in OR n.oid IN (SELECT extnamespace FROM pg_extension)) AND nspname !~ '^pg_' ORDER BY 1, 2, 3;
SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE schemaname = ${\ literal($schema)} ORDER BY 1, 2;
SELECT relname, relrowsecurity, relforcerowsecurity, relowner::regrole FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE $in AND relkind IN ('r', 'v') ORDER BY 1
SQL
}

# Everything else that a dump must carry: comments, triggers, keys, layers and rollups.
sub definitions {
    my ($schema, $ask) = @_;
    my $in = 'n.nspname = ' . literal($schema);
    return $ask->(<<"SQL");
SELECT relname, objsubid, description FROM pg_description d JOIN pg_class c ON c.oid = objoid AND classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = relnamespace WHERE $in ORDER BY 1, 2;
SELECT proname, obj_description(p.oid, 'pg_proc') FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE $in ORDER BY 1, 2;
SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace n WHERE $in;
SELECT tgenabled, pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE $in AND NOT tgisinternal ORDER BY 2;
SELECT conrelid::regclass::text, conname, condeferred, pg_get_constraintdef(s.oid) FROM pg_constraint s JOIN pg_namespace n ON n.oid = connamespace WHERE $in ORDER BY 1, 2;
SELECT layer, relation, geom_column, code_column, filter, scheme, srid FROM grid_layers ORDER BY 1;
SELECT rollup, source, log, rest, rows, live, bi, bucket_width, time_zone, max_lag FROM grid_rollup_catalog ORDER BY rollup::text
SQL
}

# A district of four grids side by side, two in each of two streets, with at least one row in every table that people fill.
# $up is what is above the district; $more is a search path, $wide the digits of a grid.
sub fill {
    my ($schema, %with) = @_;
    my ($up, $more, $wide, $srid) = ($with{up} // '', $with{path} // 'public', $with{wide} // 3, $with{srid} // 4326);
    psql("SET search_path = ${\ quoted($schema)}, $more;\n" . ($up ? "\\set up $up\n" : '') . <<"SQL");
\\set wide $wide
\\set srid $srid
CREATE TEMP TABLE drawn AS
SELECT '350304' || CASE n WHEN 0 THEN '' ELSE lpad(((n + 1) / 2)::text, 3, '0') || CASE depth WHEN 1 THEN '' ELSE '001' END
	|| CASE depth WHEN 3 THEN lpad((2 - n % 2)::text, :wide, '0') ELSE '' END END AS code,
	ST_MakeEnvelope(118 + 0.01 * west, 25, 118 + 0.01 * east, 25.01, :srid) AS geom
FROM (SELECT 0 AS n, 0 AS depth, 0 AS west, 4 AS east UNION ALL SELECT n, d, n - 1, n + 1 FROM unnest('{1,3}'::int[]) n, unnest('{1,2}'::int[]) d
	UNION ALL SELECT n, 3, n - 1, n FROM generate_series(1, 4) n) a;
\\if :{?up} \\else \\set up ''
\\endif
INSERT INTO drawn SELECT :'up', geom FROM drawn WHERE code = '350304' AND :'up' <> '';
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01');
INSERT INTO area (code, name, opened_in) SELECT code, 'area ' || code, 1 FROM drawn ORDER BY code;
INSERT INTO boundary (code, version, geom) SELECT code, 1, ST_Multi(geom) FROM drawn ORDER BY code;
SELECT boundary_publish(1) \\g /dev/null
INSERT INTO building (address, dwellings, geom) SELECT 'house ' || n, 3, ST_SetSRID(ST_Point(118.0025 + 0.005 * n, 25.005), :srid) FROM generate_series(0, 8) n;
INSERT INTO building (address) VALUES ('somewhere');
INSERT INTO household (building, door, residents) SELECT b.id, d::text, 2 + d FROM building b, generate_series(1, 3) d ORDER BY 1, 2;
INSERT INTO establishment (kind, name, geom) VALUES ('shop', 'shop', ST_SetSRID(ST_Point(118.005, 25.005), :srid));
INSERT INTO organization (kind, name, area) SELECT 'department', 'fire brigade', '350304';
INSERT INTO organization (kind, name, area) SELECT 'volunteer_team', 'team', '350304';
INSERT INTO organization (kind, name, area, grid, members) SELECT 'branch', 'branch of ' || code, code, code, 9 FROM area WHERE level = 'grid' ORDER BY code;
INSERT INTO assignment (person, post, area, role_name, valid_from)
SELECT md5(code)::uuid, 'officer', code, CASE n WHEN 1 THEN 'install_li' END, '2019-01-01'
FROM (SELECT code, row_number() OVER (ORDER BY code) AS n FROM area WHERE level = 'grid') g ORDER BY code;
SELECT event_report('fire', household => id) FROM household WHERE grid_status = 'assigned' ORDER BY building, door \\g /dev/null
SELECT event_advance(1, 'accepted'), event_advance(1, 'dispatched', (SELECT id FROM organization WHERE kind = 'department')),
	event_advance(1, 'handled'), event_advance(1, 'checked'), event_advance(1, 'closed', satisfaction => 5) \\g /dev/null
SELECT event_report('record', grid => code, quantity => 10, reported_at => '2019-05-01 12:00+08') FROM area WHERE level = 'grid' ORDER BY code \\g /dev/null
INSERT INTO visit (household, visited_at) SELECT id, '2019-05-01 12:00+08' FROM household WHERE grid_status = 'assigned' ORDER BY building, door;
INSERT INTO activity (team, area, title, helpers, hours) SELECT id, area, 'tea', 5, 2 FROM organization WHERE kind = 'volunteer_team';
SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog \\g /dev/null
-- and something that is not refreshed yet
UPDATE household SET residents = residents + 1 WHERE door = '3';
DROP TABLE drawn
SQL
}

# A register that fill() has filled works on: its triggers, layers, rollups and rights. $ask runs SQL where it is now.
sub works_on {
    my ($schema, $what, $ask, %with) = @_;
    # nobody has to have the schema in his search path
    my $path = 'SET search_path = ' . ($with{path} // 'public') . ";\n\\set s " . literal($schema) . "\n";
    my $srid = $with{srid} // 4326;
    my ($grid) = split /\n/, $ask->($path . q{SELECT code FROM :"s".area WHERE level = 'grid' ORDER BY code});
    my $figures = $path . qq{SELECT households, residents, events_filed FROM :"s".figures WHERE code = '$grid'};
    my $here = "ST_SetSRID(ST_Point(118.006, 25.006), $srid)";
    my $rollups = q{(SELECT rollup FROM grid_rollup_catalog JOIN pg_class ON oid = rollup WHERE relnamespace = quote_ident(:'s')::regnamespace) r};
    my $refresh = $path . "SELECT grid_rollup_refresh(rollup) FROM $rollups \\g /dev/null\n";
    $ask->($refresh);
    my ($households, $residents, $filed) = split /\|/, $ask->($figures);
    is($ask->($path . <<"SQL"), "$grid\n$grid\n$grid", "$what: rows get their grid");
INSERT INTO :"s".building (address, dwellings, geom) VALUES ('new', 1, $here) RETURNING grid;
INSERT INTO :"s".household (building, residents) SELECT max(id), 4 FROM :"s".building RETURNING grid;
SELECT :"s".event_report('environment', $here) AS event \\gset
SELECT grid FROM :"s".event WHERE id = :event;
SQL
    my $advance = $path . q{SELECT :"s".event_advance(max(id), '%s') FROM :"s".event};
    is($ask->(sprintf $advance, 'accepted'), 2, "$what: steps are taken");
    like(failure($ask, sprintf $advance, 'closed'), qr/is accepted, so it cannot be closed/, "$what: and checked");
    like(failure($ask, $path . 'DELETE FROM :"s".event_step'), qr/only ever added/, "$what: history is kept");
    $ask->($refresh);
    is($ask->($figures), join('|', $households + 1, $residents + 4, $filed + 1), "$what: figures follow");
    is($ask->($path . "SELECT count(DISTINCT rollup), count(v) FROM $rollups LEFT JOIN LATERAL grid_rollup_verify(rollup) v ON true"), '4|0', "$what: all figures are right");
    is($ask->($path . q{INSERT INTO :"s".boundary_version VALUES (2, 'second', '2020-01-01'); SELECT count(*) FROM :"s".boundary_check(2); DELETE FROM :"s".boundary_version WHERE version = 2}),
        0, "$what: the layers are whole");
    is($ask->($path . qq{SET ROLE install_li; SELECT count(*), bool_and(grid = '$grid') FROM :"s".household}), ($households + 1) . '|t', "$what: an officer sees the households of his grid");
}

# What $ask says of SQL that fails.
sub failure {
    my ($ask, $sql) = @_;
    eval { $ask->($sql) };
    return $@;
}

# ---------------------------------------------------------------- as it comes
fresh_database('community_install');
psql(q{DROP ROLE IF EXISTS install_li, install_plain, install_dba, install_maker, install_mallory});
ok(-e "$files/install.sql", 'make install has put the files beside the server');
is(join(' ', sort map { s/^sql\/community\///r } glob('sql/community/*.sql sql/community/*/*.sql')),
    join(' ', sort map { s/^\Q$files\E\///r } glob("$files/*.sql $files/*/*.sql")), 'all of them, and no others');
psql('CREATE ROLE install_li LOGIN');
install();
psql('GRANT install_officer TO install_li');
is(psql('SELECT name, language, role_prefix, scheme, top_level, srid, time_zone FROM community.register'), 'community|en|install|cn|district|4326|Asia/Shanghai', 'installed with defaults');
is(psql(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'community'::regnamespace AND relowner <> 'install_owner'::regrole}), 0, 'all of it is the owner\'s');
is(psql("SELECT count(*) FROM pg_roles WHERE rolname IN ('" . join("','", @roles) . "') AND NOT rolcanlogin AND NOT rolsuper AND NOT rolbypassrls"), 7, 'seven roles, none of which can log in');
fill('community');
is(psql(q{SELECT count(*) FROM pg_class c WHERE relnamespace = 'community'::regnamespace AND relkind = 'r'
    AND NOT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', oid::regclass), false, true, '')))[1]::text::int > 0 AND relname !~ '_(log|rest)$'}), 0, 'every table has rows');

# ---------------------------------------------------------------- again
my ($schema_before, $rows_before) = (dumped('community_install', '-s'), rows('community'));
install();
same(dumped('community_install', '-s'), $schema_before, 'installing again changes no definition');
same(rows('community'), $rows_before, 'and no row');
like($rows_before, qr/^event\|\d+\|/m, 'rows were compared');

# What psql prints, and where it stands afterwards.
sub printed {
    my (@options) = @_;
    my $run = "$work/run.sql";
    write_file($run, installation() . "\\echo :ON_ERROR_STOP :QUIET :{?lang} :{?role_prefix} :{?srid}\n");
    my $printed = `$ENV{GT_BIN}/psql -XAt -d community_install @options -f $run 2>&1`;
    is($? >> 8, 0, "psql @options");
    return $printed;
}
is(printed('-v ON_ERROR_STOP=0'), "Register $newest in schema community: language en, roles install_owner and others, codes cn from district down, SRID 4326, days of Asia/Shanghai\n0 off FALSE FALSE FALSE\n",
    'one line says what was installed, and the session is as it was');
is(printed('-q -v ON_ERROR_STOP=1'), "1 on FALSE FALSE FALSE\n", 'a quiet psql says nothing');

# It was installed with these, and is not made anew with others.
my %had = (lang => 'en', role_prefix => 'install', scheme => 'cn', top_level => 'district', srid => 4326, time_zone => 'Asia/Shanghai');
my %other = (lang => 'zh', role_prefix => 'install other', scheme => 'cn-grid2', top_level => 'city', srid => 4490, time_zone => 'UTC');
install(%had);
same(dumped('community_install', '-s'), $schema_before, 'its own variables may be said');
for my $variable (sort keys %other) {
    my (undef, $err, $status) = psql_try(installation($variable => $other{$variable}));
    is($status, 3, "another $variable: refused");
    like($err, qr/ERROR:  P0001: the register in schema community has $variable "\Q$had{$variable}\E", not "\Q$other{$variable}\E"/, "another $variable: and said");
}
same(dumped('community_install', '-s') . rows('community'), $schema_before . $rows_before, 'and nothing is changed');
is(psql(q{SELECT count(*) FROM pg_roles WHERE rolname ~ '^install other'}), 0, 'nor a role made');

# Two wait for each other, and for who is at work; who works waits for them.
my $settings = 'SET statement_timeout = 0; SET lock_timeout = 0';
my $run = "$work/again.sql";
write_file($run, installation());
for my $of (['another installation', q{SELECT pg_advisory_xact_lock(hashtextextended('gridtree register community', 0)) \g /dev/null}, q{locktype = 'advisory'}],
    ['who reads', 'SELECT FROM community.household LIMIT 1', q{locktype = 'relation' AND relation = 'community.household'::regclass AND mode = 'AccessExclusiveLock'}]) {
    my ($who, $holds, $lock) = @$of;
    open my $holder, '|-', "$ENV{GT_BIN}/psql -XqAt -d community_install >/dev/null" or die $!;
    $holder->autoflush;
    print $holder "$settings; BEGIN; $holds;\n";
    my $mine = $lock =~ s/AccessExclusiveLock/AccessShareLock/r;
    ok(await("SELECT EXISTS (SELECT FROM pg_locks WHERE granted AND $mine AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"), "$who: at work");
    my $again = background("$run.out", "$ENV{GT_BIN}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'community_install', '-f', $run);
    ok(await("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $lock)"), "$who: is waited for");
    if ($who eq 'who reads') {
        my (undef, $err) = psql_try(q{SET lock_timeout = '1ms'; SELECT FROM community.area});
        like($err, qr/55P03/, 'and who comes to other tables meanwhile waits as well');
        my (undef, $gave_up, $status) = psql_try("SET lock_timeout = '1ms';\n" . installation());
        is("$status " . ($gave_up =~ /ERROR:  (\w+)/)[0], '3 55P03', 'an installation gives up where it should not wait');
    }
    print $holder "COMMIT;\n";
    close $holder;
    is(finish($again), 0, "$who: goes on") or diag(slurp("$run.out"));
}
same(dumped('community_install', '-s') . rows('community'), $schema_before . $rows_before, 'and all is as before');

# What a DBA has added is his.
psql(<<'SQL');
CREATE ROLE install_dba;
GRANT USAGE ON SCHEMA community TO install_dba;
GRANT SELECT ON community.household, community.figures TO install_dba;
GRANT UPDATE (residents) ON community.household TO install_dba;
GRANT EXECUTE ON FUNCTION community.today() TO install_dba;
ALTER TABLE community.household ADD COLUMN heating text DEFAULT 'none', ADD COLUMN remark text;
COMMENT ON COLUMN community.household.heating IS 'ours';
CREATE INDEX household_heating ON community.household (heating);
ALTER TABLE community.household ADD CONSTRAINT known_heating CHECK (heating IN ('none', 'gas'));
CREATE POLICY look ON community.household FOR SELECT TO install_dba USING (true);
CREATE POLICY never ON community.household AS RESTRICTIVE FOR UPDATE TO install_officer USING (heating <> 'gas');
CREATE VIEW community.mine AS SELECT code, name, households FROM community.figures;
COMMENT ON COLUMN community.mine.code IS 'ours';
ALTER VIEW community.mine OWNER TO install_dba;
GRANT SELECT ON community.mine TO install_reader;
CREATE SCHEMA elsewhere;
CREATE VIEW elsewhere.yours AS SELECT e.*, f.name FROM community.events e JOIN community.figures f USING (code);
CREATE FUNCTION community.mine(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE TABLE community.extra (id int PRIMARY KEY, code text);
ALTER TABLE community.extra OWNER TO install_dba;
GRANT SELECT ON community.extra TO install_reader;
CREATE FUNCTION community.noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted AFTER INSERT ON community.household FOR EACH ROW EXECUTE FUNCTION community.noted();
DELETE FROM community.event_transition WHERE step = 'rejected' OR state = 'closed';
UPDATE community.event_transition SET actors = '{officer,manager}' WHERE step = 'accepted';
INSERT INTO community.event_transition VALUES ('reported', 'closed', 'closed', '{manager}');
SQL
$schema_before = dumped('community_install', '-s');
$rows_before = rows('community');
install();
# the order of rights may change
same(sorted(dumped('community_install', '-s')), sorted($schema_before), 'and nothing that a DBA has added');
same(rows('community'), $rows_before, 'with its rows, transitions among them');
psql('GRANT SELECT ON community.household TO install_reader; GRANT UPDATE (closed_at) ON community.event TO install_officer;
    CREATE POLICY everything ON community.household TO install_reader USING (true); GRANT EXECUTE ON FUNCTION community.boundary_apply(int) TO PUBLIC');
install();
same(sorted(dumped('community_install', '-s')), sorted($schema_before), 'what the register\'s roles have besides is taken away');
psql('DROP SCHEMA elsewhere CASCADE; DROP VIEW community.mine; DROP TABLE community.extra; DROP FUNCTION community.mine(text); DROP FUNCTION community.noted() CASCADE;
    ALTER TABLE community.household DROP COLUMN heating CASCADE, DROP COLUMN remark; DROP POLICY look ON community.household;
    DROP OWNED BY install_dba; DROP ROLE install_dba');

# ---------------------------------------------------------------- a dump moves
# A cluster of its own, where no role is known.
my $there = "$work/server";
sub other_server { return system("cd $work && $as $ENV{GT_BIN}/pg_ctl -D $there -l $work/log/server -w $_[0] >>$work/log/pg_ctl 2>&1") >> 8; }
sub ask_there {
    my ($sql) = @_;
    my @local = ($ENV{PGHOST}, $ENV{PGPORT});
    @ENV{qw(PGHOST PGPORT)} = ("$work/log", 54328);
    my @answer = psql_try($sql);
    @ENV{qw(PGHOST PGPORT)} = @local;
    die "psql failed: $answer[1]\n" if $answer[2];
    return $answer[0];
}
mkdir "$work/log";
mkdir $there;
if ($as) { chown((stat $ENV{GT_DATA})[4, 5], "$work/log", $there); }
my ($major) = `$ENV{GT_BIN}/postgres -V` =~ /(\d+)/;
is(system("cd $work && $as $ENV{GT_BIN}/initdb -D $there -U $ENV{PGUSER} -A trust -E UTF8 --locale=C.UTF-8 -N >$work/initdb.log 2>&1"), 0, 'another cluster is made');
open my $conf, '>>', "$there/postgresql.conf" or die $!;
print $conf "listen_addresses = ''\nunix_socket_directories = '$work/log'\nport = 54328\nfsync = off\ntimezone = 'UTC'\n";
close $conf;
is(other_server('start'), 0, 'and started');
is(system("$ENV{GT_BIN}/pg_dumpall --roles-only -f $work/roles.sql") >> 8, 0, 'roles are dumped');
my $other = "-h $work/log -p 54328";
# the superuser is there already
system("$ENV{GT_BIN}/psql $other -Xq -d postgres -f $work/roles.sql >$work/roles.log 2>&1");
unlike(slurp("$work/roles.log"), qr/ERROR:  (?!role "$ENV{PGUSER}" already exists)/, 'and restored');

# Restores what pg_dump with these options gives into a database of the other cluster; true when that says nothing.
sub moved {
    my ($what, $before, @options) = @_;
    is(system("$ENV{GT_BIN}/pg_dump -d community_install -f $work/dump.sql @options 2>$work/err") >> 8, 0, "$what: pg_dump @options") or diag(slurp("$work/err"));
    system("$ENV{GT_BIN}/dropdb $other --if-exists community_install 2>/dev/null; $ENV{GT_BIN}/createdb $other community_install");
    $before->() if $before;
    return is(system("$ENV{GT_BIN}/psql $other -Xq -v ON_ERROR_STOP=1 -d community_install -f $work/dump.sql >$work/restore.log 2>&1") >> 8, 0, "$what: restored") || diag(slurp("$work/restore.log"));
}
my @before = (rows('community'), rights('community', \&psql), definitions('community', \&psql));
like($before[1], qr/^install_reader\|community\|figures\|SELECT\|t$/m, 'rights are read');
for my $way (['dump by a superuser'], ['dump as the owner', '--role=install_owner'], ['dump of a schema with its extensions', '-n community', '-e gridtree', '-e postgis', '-e btree_gist']) {
    my ($what, @options) = @$way;
    next unless moved($what, undef, @options);
    same(rows('community', \&ask_there), $before[0], "$what: rows are the same");
    same(rights('community', \&ask_there), $before[1], "$what: and rights");
    same(definitions('community', \&ask_there), $before[2], "$what: and comments, triggers, keys, layers and rollups");
    works_on('community', $what, \&ask_there);
    ask_there(installation());
    pass("$what: and can be installed over");
}
# The schema alone: its tables, but layers and rollups are gridtree's.
moved('dump of the schema alone', sub { ask_there('SET client_min_messages = warning; CREATE EXTENSION gridtree CASCADE; CREATE EXTENSION btree_gist') }, '-n community');
same(rows('community', \&ask_there), $before[0], 'dump of the schema alone: rows are the same');
is(ask_there('SELECT count(*) FROM grid_layers') . ask_there('SELECT count(*) FROM grid_rollup_catalog'), '00', 'and layers and rollups are not known');
is(other_server('-m immediate stop'), 0, 'the other cluster stops');

# ---------------------------------------------------------------- a schema is renamed
psql('ALTER SCHEMA community RENAME TO "moved on"');
install(schema => 'moved on');
is(psql(q{SELECT count(*) FROM pg_proc WHERE pronamespace = '"moved on"'::regnamespace AND array_to_string(proconfig, ',') ~ 'community'}), 0, 'renamed: no function looks into the old schema');
works_on('moved on', 'renamed', \&psql);
psql('ALTER SCHEMA "moved on" RENAME TO community');
install();

# ---------------------------------------------------------------- another beside it
($out, $err, $status) = psql_try(installation(schema => 'net work'));
is($status, 3, 'a second register with the roles of the first');
like($err, qr/role_prefix "install" is that of the register in schema community: choose another/, 'is refused');
is(psql(q{SELECT to_regnamespace('"net work"')}), '', 'and not there');
install(schema => 'net work', role_prefix => 'install other', lang => 'zh', srid => 4490, scheme => 'cn-grid2', top_level => 'city', time_zone => 'Asia/Urumqi');
is(psql('SELECT name, language, role_prefix, scheme, top_level, srid, time_zone FROM "net work".register'), 'net work|zh|install other|cn-grid2|city|4490|Asia/Urumqi', 'a second register, otherwise');
psql('GRANT "install other_officer" TO install_li');
$rows_before = rows('community');
fill('net work', up => '3503', wide => 2, srid => 4490);
same(rows('community'), $rows_before, 'what is written there is not here');
works_on('net work', 'second', \&psql, srid => 4490);
works_on('community', 'first', \&psql);
is(psql('SELECT code, level FROM "net work".figures WHERE parent_code IS NULL AND code IS NOT NULL'), '3503|city', 'its highest area is the city');
is(psql(q{SELECT count(*) FROM "net work".area WHERE grid_digits(gridcode) = 14}), 4, 'its grids have two digits');
is(psql(q{SELECT "net work".today() = (now() AT TIME ZONE 'Asia/Urumqi')::date}), 't', 'its days begin there');
like(psql(q{SELECT obj_description('"net work".area'::regclass)}), qr/[^\x00-\x7f]/, 'its comments are Chinese');
is(psql(q{SELECT count(*) FROM information_schema.table_privileges WHERE grantee ~ '^install other' AND table_schema = 'community' OR grantee ~ '^install_' AND table_schema = 'net work'}),
    0, 'the roles of one have nothing of the other');
psql('DROP SCHEMA community CASCADE');
works_on('net work', 'the first dropped', \&psql, srid => 4490);
psql('DROP SCHEMA "net work" CASCADE');

# ---------------------------------------------------------------- extensions in schemas of their own, roles with few rights
psql('DROP EXTENSION gridtree CASCADE; DROP EXTENSION postgis CASCADE; DROP EXTENSION btree_gist CASCADE; DROP SCHEMA public;
    CREATE SCHEMA post; CREATE SCHEMA "grid tree"; CREATE EXTENSION postgis SCHEMA post; CREATE EXTENSION gridtree SCHEMA "grid tree"');
install();
psql('GRANT install_officer TO install_li');
fill('community', path => '"grid tree", post');
works_on('community', 'extensions elsewhere', \&psql, path => '"grid tree", post');
psql('SET client_min_messages = warning; DROP SCHEMA community CASCADE; DROP EXTENSION btree_gist; DROP EXTENSION gridtree CASCADE; DROP EXTENSION postgis CASCADE; DROP SCHEMA post; DROP SCHEMA "grid tree"; CREATE SCHEMA public;
    GRANT USAGE ON SCHEMA public TO PUBLIC; CREATE EXTENSION gridtree CASCADE');
psql(join '', map { "DROP OWNED BY $_; DROP ROLE $_;" } @roles);

psql('CREATE ROLE install_plain LOGIN CREATEROLE; GRANT CREATE ON DATABASE community_install TO install_plain');
install(user => 'install_plain');
is(psql(q{SELECT pg_has_role('install_plain', 'install_owner', 'USAGE')}), 'f', 'who installs with CREATEROLE is not the owner afterwards');
($out, $err, $status) = psql_try("\\c - install_plain\nSELECT FROM community.household");
like($err, qr/permission denied/, 'and sees nothing');
psql('GRANT install_officer TO install_li');
fill('community');
$schema_before = dumped('community_install', '-s');
install(user => 'install_plain');
same(dumped('community_install', '-s'), $schema_before, 'he can do it again, and nothing changes');
works_on('community', 'by a role with CREATEROLE', \&psql);
psql('DROP SCHEMA community CASCADE');
# the roles are there, and he may be the owner
psql(q{CREATE ROLE install_maker LOGIN; GRANT CREATE ON DATABASE community_install TO install_maker; GRANT install_owner TO install_maker});
install(user => 'install_maker');
is(psql(q{SELECT pg_has_role('install_maker', 'install_owner', 'USAGE')}), 't', 'who was the owner before stays it');
fill('community');
works_on('community', 'by a role without CREATEROLE', \&psql);

# ---------------------------------------------------------------- an upgrade
system("cp -r $files $work/next") == 0 or die;
my $script = slurp("$work/next/install.sql");
my $next = $newest + 1;
my $migration = sprintf 'migrations/%03d-test.sql', $next;
$script =~ s/^\\set newest $newest$/\\set newest $next/m;
$script =~ s/^(SELECT :installed < $newest AS missing .*?^\\endif\n)/$1SELECT :installed < $next AS missing \\gset\n\\if :missing\n\t\\ir $migration\n\\endif\n/ms or die 'install.sql has another form';
write_file("$work/next/install.sql", $script);

write_file("$work/next/$migration", "ALTER TABLE activity ADD COLUMN remark text;\nSELECT 1 / 0;\n");
my $dump_before = dumped('community_install');
($out, $err, $status) = psql_try(installation(from => "$work/next"));
is($status, 3, 'an upgrade that fails');
same(dumped('community_install'), $dump_before, 'changes nothing');

# In the next version views have another column, not at their ends, and functions another argument. Before that its migration
# drops them, with those of the register that depend on them, and never with CASCADE, which would reach what is a district's own.
sub edit {
    my ($file, @changes) = @_;
    my $text = slurp("$work/next/$file");
    while (my ($old, $new) = splice @changes, 0, 2) {
        $text =~ s/\Q$old\E/$new/ or die "$file has no $old";
    }
    write_file("$work/next/$file", $text);
}
edit('views.sql', 'SELECT k.position, k.kind, k.name, k.unit,' => 'SELECT k.position, k.kind, k.days, k.name, k.unit,',
    'SELECT a.code, a.gridcode, a.name, a.level, a.kind,' => 'SELECT a.code, a.gridcode, a.opened_in, a.name, a.level, a.kind,',
    'SELECT grid_common(p.gridcode) AS root, array_agg(p.gridcode) AS codes,' => 'SELECT grid_common(p.gridcode) AS root, count(*) AS posts, array_agg(p.gridcode) AS codes,');
edit('functions.sql', 'months(first date, last date)' => "months(first date, last date, every interval DEFAULT '1 month')", q{last::timestamp, '1 month')} => 'last::timestamp, every)');
edit('events.sql', 'deadline timestamptz DEFAULT NULL, note text DEFAULT NULL) RETURNS bigint' => 'deadline timestamptz DEFAULT NULL, urgent boolean DEFAULT false, note text DEFAULT NULL) RETURNS bigint');
edit('policies.sql', 'event_report(text, geometry, uuid, int, text, int, timestamptz, timestamptz, text)' => 'event_report(text, geometry, uuid, int, text, int, timestamptz, timestamptz, boolean, text)',
    'months(date, date)' => 'months(date, date, interval)');
my $tables = <<'SQL';
ALTER TABLE activity ADD COLUMN remark text;
CREATE TABLE remark (id int PRIMARY KEY, activity bigint REFERENCES activity);
ALTER TABLE building ALTER COLUMN address SET NOT NULL;
SQL
my $dropped = <<'SQL';
DROP FUNCTION map_columns(), map_tree(text, text);
DROP VIEW reference_case, areas, figures, event_month, events_monthly, staffing_gaps, size_check, visit_coverage, area_visible, area_named;
DROP FUNCTION months(date, date);
DROP FUNCTION event_report(text, geometry, uuid, int, text, int, timestamptz, timestamptz, text);
-- policies.sql puts them back
SELECT format('DROP POLICY %I ON %I.%I', policyname, schemaname, tablename) FROM pg_policies
WHERE schemaname = :'schema' AND permissive = 'PERMISSIVE' AND concat(qual, with_check) LIKE '%my\_scope%' \gexec
SQL
$dropped .= "DROP VIEW my_scope;\n";

# A new installation has none of them yet when the migration runs.
sub where_there { return "SELECT to_regclass('figures') IS NOT NULL AS there \\gset\n\\if :there\n$_[0]\\endif\n"; }

write_file("$work/next/$migration", $tables);
($out, $err, $status) = psql_try(installation(from => "$work/next"));
is($status, 3, 'an upgrade whose migration has dropped no view');
like($err, qr/ERROR:  42P16: cannot change name of view column/, 'stops at the first that is another');
same(dumped('community_install'), $dump_before, 'and changes nothing');

write_file("$work/next/$migration", $tables . where_there($dropped));
psql('CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.yours AS SELECT code, households FROM community.figures');
$dump_before = dumped('community_install');
($out, $err, $status) = psql_try(installation(from => "$work/next"));
is($status, 3, 'an upgrade that changes a view on which a district has built its own');
like($err, qr/2BP01.*view elsewhere\.yours depends on view /s, 'stops, and says on which');
same(dumped('community_install'), $dump_before, 'and changes nothing');
psql('DROP SCHEMA elsewhere CASCADE');
my $figures = 'SELECT * FROM community.figures ORDER BY code';
my $figures_before = psql($figures);
install(from => "$work/next");
is(psql('SELECT version FROM community.register'), $next, 'an upgrade makes the new version');
is(psql($figures), $figures_before, 'figures stay');
is(psql(q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'community.reference_case'::regclass}), 'position kind days name unit quantity', 'a view has its new column');
is(psql(q{SELECT count(*), max(pronargs) FROM pg_proc WHERE pronamespace = 'community'::regnamespace AND proname = 'event_report'}), '1|10', 'a function its new argument, and there is no other of its name');
works_on('community', 'upgraded', \&psql);
my $upgraded = dumped('community_install', '-s');
($out, $err, $status) = psql_try(installation());
is($status, 3, 'older files than the register');
like($err, qr/has version $next of the register, and these files make version $newest/, 'are refused');
psql('DROP SCHEMA community CASCADE');
install(from => "$work/next", user => 'install_maker');
# indexes of rollups come with their figures
fill('community');
same(dumped('community_install', '-s'), $upgraded, 'an upgraded register has the definitions of a new one');
psql('DROP SCHEMA community CASCADE');
psql('DROP OWNED BY install_maker; DROP ROLE install_maker; DROP OWNED BY install_plain; DROP ROLE install_plain');

# ---------------------------------------------------------------- what cannot be installed
psql(join '', map { "DROP OWNED BY $_; DROP ROLE $_;" } @roles, map { s/install_/"install other_/r . '"' } @roles);
sub everything { return dumped('community_install') . psql('SELECT rolname, rolsuper FROM pg_roles ORDER BY 1'); }
my $nothing = everything();
sub refused {
    my ($what, $like, @with) = @_;
    my ($out, $err, $status) = psql_try(ref $with[0] ? ${ $with[0] } : installation(@with));
    is($status, 3, "$what: refused");
    like($err, $like, "$what: and said");
    same(everything(), $nothing, "$what: nothing is left");
}
refused('unknown language', qr/there are no comments in language "fr": lang is en or zh/, lang => 'fr');
refused('unknown time zone', qr/time zone "Mars\/Base" not recognized/, time_zone => 'Mars/Base');
refused('no scheme', qr/invalid input syntax for type gridscheme: "nonsense"/, scheme => 'nonsense');
refused('scheme without streets', qr/scheme ".*" has no level "street"/, scheme => 'province 2, city 2, district 2, community 3, grid 3');
refused('scheme in another order', qr/scheme ".*" has level "community" too high/, scheme => 'district 2, community 3, street 3, grid 3');
refused('unknown top level', qr/scheme "cn" has no level "galaxy"/, top_level => 'galaxy');
refused('top level below the district', qr/scheme "cn" has level "district" too high/, top_level => 'street');
refused('unknown reference system', qr/there is no spatial reference system 12/, srid => 12);
refused('a reference system that is no number', qr/there is no spatial reference system many/, srid => 'many');
refused('long name', qr/longer than 63 bytes/, schema => 'x' x 64);
refused('reserved role names', qr/role name "pg_x_owner" is reserved/, role_prefix => 'pg_x');
psql('CREATE ROLE install_nobody LOGIN');
$nothing = everything();
refused('a role that may nothing', qr/roles that install_nobody may not create are missing: install_owner, install_officer, install_manager, install_handler, install_statistician, install_reader, install_admin\n/,
    user => 'install_nobody');
psql('CREATE ROLE install_owner; CREATE ROLE install_reader; GRANT install_owner TO install_nobody');
$nothing = everything();
refused('a role without some of the roles', qr/roles that install_nobody may not create are missing: install_officer, install_manager, install_handler, install_statistician, install_admin\n/, user => 'install_nobody');
psql("CREATE ROLE $_") for grep { !/owner|reader/ } @roles;
$nothing = everything();
refused('a role that may make no schema', qr/42501: permission denied/, user => 'install_nobody');
psql("DROP ROLE $_") for @roles;
psql('DROP ROLE install_nobody');

# Somebody lays something in the way, and waits for a superuser. A sequence tells of functions that have run.
psql('CREATE ROLE install_mallory LOGIN; GRANT CREATE ON DATABASE community_install TO install_mallory');
sub laid {
    my ($what, $like, $sql, $by, @with) = @_;
    psql(($by ? "SET SESSION AUTHORIZATION $by;\n" : '') . $sql);
    $nothing = everything();
    refused($what, $like, @with);
    is(psql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'install_mallory'}), 'f', "$what: who laid it there is nobody yet");
    psql('DROP SCHEMA IF EXISTS community CASCADE');
}
my $text = q{0; RESET ROLE; ALTER ROLE install_mallory SUPERUSER; COMMIT; SELECT 0};
my $columns = qq{'$text'::text AS version, 'community'::text AS name, 'en'::text AS language, 'install'::text AS role_prefix, 'cn'::text AS scheme, 'district'::text AS top_level, '4326'::text AS srid, 'Asia/Shanghai'::text AS time_zone};
my $open = 'CREATE SCHEMA community; GRANT ALL ON SCHEMA community TO PUBLIC;';
for my $of (['view', "CREATE VIEW community.register AS SELECT $columns"], ['table', "CREATE TABLE community.register AS SELECT $columns"],
    ['materialized view', "CREATE MATERIALIZED VIEW community.register AS SELECT $columns"]) {
    laid("a $of->[0] for the register", qr/schema community has a "register" that is not a register's/, "$open $of->[1]; GRANT SELECT ON community.register TO PUBLIC", 'install_mallory');
}
laid('a type in a schema that was there before', qr/schema community is there, and is not that of role install_owner/, $open . q{
CREATE SEQUENCE community.ran;
CREATE FUNCTION community.run(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('community.ran'); PERFORM set_config('role', session_user, true); ALTER ROLE install_mallory SUPERUSER; RETURN true; END $$;
CREATE DOMAIN community.gridscheme AS text CHECK (community.run(VALUE));
GRANT USAGE ON SEQUENCE community.ran TO PUBLIC}, 'install_mallory');
psql('CREATE ROLE install_owner');
laid('a table of the owner in a schema of another', qr/schema community has a "register" that is not a register's/, "CREATE SCHEMA community AUTHORIZATION install_mallory; CREATE TABLE community.register AS SELECT $columns; ALTER TABLE community.register OWNER TO install_owner");
laid('a view of the owner', qr/schema community has a "register" that is not a register's/, "CREATE SCHEMA community AUTHORIZATION install_owner; CREATE VIEW community.register AS SELECT $columns; ALTER VIEW community.register OWNER TO install_owner");
laid('a table of an owner who can log in', qr/schema community has a "register" that is not a register's/,
    "CREATE SCHEMA community AUTHORIZATION install_owner; CREATE TABLE community.register AS SELECT $columns; ALTER TABLE community.register OWNER TO install_owner; ALTER ROLE install_owner LOGIN");
psql('ALTER ROLE install_owner NOLOGIN');
laid('a version that is no number', qr/22P02/, "CREATE SCHEMA community AUTHORIZATION install_owner; CREATE TABLE community.register AS SELECT $columns; ALTER TABLE community.register OWNER TO install_owner");
laid('a language that is a path', qr{there are no comments in language "\.\./\.\./next/\w+": lang is en or zh},
    "CREATE SCHEMA community AUTHORIZATION install_owner; CREATE TABLE community.register AS SELECT $columns; CREATE TABLE community.event (); ALTER TABLE community.register OWNER TO install_owner; ALTER TABLE community.event OWNER TO install_owner;
    UPDATE community.register SET version = '1', language = '../../next/evil'");
laid('a schema in which everybody may create', qr/everybody may create objects in schema community: REVOKE CREATE ON SCHEMA community FROM PUBLIC/, 'CREATE SCHEMA community AUTHORIZATION install_owner; GRANT CREATE ON SCHEMA community TO PUBLIC');
psql('DROP ROLE install_owner; GRANT CREATE ON SCHEMA public TO PUBLIC');
laid('extensions where everybody may create', qr/everybody may create objects in schema public: REVOKE CREATE ON SCHEMA public FROM PUBLIC/, 'SELECT 1');
psql('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
install();
psql('GRANT CREATE ON SCHEMA public TO PUBLIC');
$nothing = everything();
refused('an upgrade with extensions where everybody may create', qr/everybody may create objects in schema public/);
psql('DROP SCHEMA community CASCADE; REVOKE CREATE ON SCHEMA public FROM PUBLIC');
psql(join '', map { "DROP OWNED BY $_; DROP ROLE $_;" } @roles, 'install_mallory');

psql('DROP EXTENSION IF EXISTS btree_gist; DROP EXTENSION gridtree');
$nothing = everything();
refused('no gridtree', qr/extension gridtree is not in this database: CREATE EXTENSION gridtree CASCADE/);

psql('DROP ROLE install_li');
system("rm -rf $work");
done_testing();
