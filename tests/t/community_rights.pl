# Who sees what of a register (sql/community), tried as those who want to see more: rows of others, what plans, errors and
# settings tell of them, forged rows, figures of single grids, and functions of the extension. What a role should see is
# computed by brute force as a superuser, by the digits of codes and without the register's views.
use strict;
use warnings;
use GridTest;
use Test::More;

my @tables = qw(building household establishment event event_step visit activity assignment);
my @groups = map { "rights_$_" } qw(owner officer manager handler statistician reader admin);
my %members = (
    rights_o1 => 'officer', rights_two => 'officer, rights_manager', rights_m => 'manager', rights_ms => 'manager', rights_h => 'handler',
    rights_oh => 'officer, rights_handler', rights_os => 'officer, rights_statistician', rights_s => 'statistician', rights_r => 'reader', rights_a => 'admin',
    rights_gone => 'officer', rights_new => 'officer', rights_late => 'officer', rights_w => 'officer', rights_v => 'officer', rights_posted => 'reader');
my @people = sort keys %members;
my $database = 'community_rights';

drop_roles();
fresh_database($database);
psql(qq{
ALTER DATABASE $database SET jit = off;
CREATE ROLE rights_nobody LOGIN;
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO PUBLIC;
\\set schema rights
\\set role_prefix rights
\\i sql/community/install.sql
});
psql("CREATE ROLE $_ LOGIN IN ROLE rights_$members{$_}; CREATE SCHEMA seen_$_ AUTHORIZATION $_") for @people;
psql('CREATE ROLE rights_pool LOGIN NOINHERIT IN ROLE rights_o1, rights_h, rights_s, rights_r, rights_a');
build_register();

# As a role, with nothing but its own rights. Returns (stdout, stderr, status).
sub as_try {
    my ($role, $sql) = @_;
    local $ENV{PGUSER} = $role;
    return psql_try("SET search_path = rights, public;\n$sql");
}

sub as {
    my ($role, $sql) = @_;
    my ($out, $err, $status) = as_try($role, $sql);
    die "as $role: $err\nin: $sql\n" if $status;
    return $out;
}

# Each statement by itself and rolled back: [SQLSTATE, message] of each, and all that was printed.
sub outcomes {
    my ($role, @statements) = @_;
    my ($out, $err) = as_try($role, "\\set ON_ERROR_STOP 0\n" . join '',
        map { "BEGIN;\n$_;\n\\echo OUTCOME :SQLSTATE :LAST_ERROR_MESSAGE\nROLLBACK;\n" } @statements);
    return ([map { [/^OUTCOME (\S+) ?(.*)/] } grep { /^OUTCOME / } split /\n/, $out], "$out\n$err");
}

# What each statement prints, in one session.
sub many {
    my ($role, @statements) = @_;
    return () if !@statements;
    local $ENV{PGUSER} = $role // $ENV{PGUSER};
    my @printed = split /^NEXT\n/m, psql("SET search_path = rights, public;\n" . join "\\echo NEXT\n", map { "$_;\n" } @statements);
    die 'not as many answers as questions' if @printed != @statements;
    return map { s/\n\z//r } @printed;
}

sub refused {
    my ($role, @statements) = @_;
    my ($outcomes) = outcomes($role, @statements);
    my @through = map { "$statements[$_]: " . join ' ', @{ $outcomes->[$_] // ['?'] } }
        grep { ($outcomes->[$_][0] // '') !~ /^42501$/ } 0 .. $#statements;
    is("@through", '', "$role is refused: " . scalar(@statements) . ' statements like ' . substr($statements[0] =~ s/\s+/ /gr, 0, 50));
}

sub drop_roles {
    my $sql = "DROP DATABASE IF EXISTS $database;\n" . join '', map { "DROP ROLE IF EXISTS $_;\n" } 'rights_pool', 'rights_nobody', @people, @groups;
    system("$ENV{GT_BIN}/psql", '-Xq', '-d', 'postgres', '-c', 'SET client_min_messages = warning', map { ('-c', $_) } split /\n/, $sql) and die 'cannot drop roles';
}

# 120 grids in a row, 40 a street and 8 a community: 1,200 buildings, 6,000 households, 18,000 events.
sub build_register {
    psql(<<'SQL');
SET search_path = rights, public;
INSERT INTO boundary_version VALUES (1, 'first', '2019-01-01');
CREATE TEMP TABLE g AS
SELECT k, format('350304%s%s%s', lpad((k / 40 + 1)::text, 3, '0'), lpad((k % 40 / 8 + 1)::text, 3, '0'), lpad((k % 8 + 1)::text, 3, '0')) AS code,
	ST_MakeEnvelope(119 + k * 0.01, 25, 119 + (k + 1) * 0.01, 25.01, 4326) AS geom
FROM generate_series(0, 119) k;
SELECT boundary_draw(1, code, 'area ' || code, geom) FROM (
	SELECT left(code, n) AS code, ST_Union(geom) AS geom FROM g, unnest('{6,9,12,15}'::int[]) n GROUP BY n, left(code, n) ORDER BY n, 1) a \g /dev/null
SELECT boundary_publish(1) \g /dev/null
INSERT INTO building (id, address, dwellings, geom)
SELECT k * 10 + i + 1, format('No. %s', k * 10 + i), 6, ST_SetSRID(ST_MakePoint(119 + k * 0.01 + 0.0005 + i * 0.0009, 25.005), 4326)
FROM generate_series(0, 119) k, generate_series(0, 9) i;
INSERT INTO building (id, address, dwellings, geom) VALUES (9001, 'beyond', 6, ST_SetSRID(ST_MakePoint(100, 10), 4326)), (9002, 'nowhere', 1, NULL);
INSERT INTO household (building, door, residents, valid_to)
SELECT b.id, d::text, 1 + (b.id * 7 + d * 3) % 5, CASE WHEN (b.id + d) % 31 = 0 THEN date '2024-05-01' END
FROM building b, generate_series(1, 5) d WHERE b.id <= 1200;
-- two in no grid, and one like no other, in building 1111, which is in nobody's scope but the administrator's
INSERT INTO household (building, door, residents) VALUES (9001, '1', 2), (9002, '1', 3), (1111, 'penthouse', 23);
INSERT INTO establishment (kind, name, geom) SELECT 'shop', format('shop %s', id), geom FROM building WHERE id % 3 = 0;
INSERT INTO organization (kind, name, area) SELECT 'department', format('department %s', n), '350304' FROM generate_series(1, 20) n;
INSERT INTO organization (kind, name, area) SELECT 'volunteer_team', name, code FROM area WHERE level = 'street' ORDER BY code;
INSERT INTO activity (team, area, title, helpers) SELECT o.id, a.code, 'cleaning', 3
FROM organization o JOIN area a ON a.street = o.area AND a.level IN ('community', 'grid') WHERE o.kind = 'volunteer_team';
INSERT INTO visit (household, visited_at, visited_by)
SELECT h.id, timestamptz '2024-01-01' + n * interval '40 days' + h.building * interval '1 hour', 'someone'
FROM household h, generate_series(1, 2) n WHERE h.valid_to IS NULL;
ALTER TABLE event DISABLE TRIGGER event_first_step;
INSERT INTO event (kind, reported_at, reported_by, building, household, state, department, deadline)
SELECT k.kind, at, 'someone', h.building, CASE WHEN n % 4 = 0 THEN h.id END,
	CASE WHEN k.unit <> 'case' THEN 'recorded' WHEN n % 4 = 1 THEN 'dispatched' ELSE 'accepted' END,
	CASE WHEN k.unit = 'case' AND n % 4 = 1 THEN (SELECT min(o.id) FROM organization o WHERE o.kind = 'department') + n / 4 % 20 END,
	CASE WHEN k.unit = 'case' THEN at + interval '5 days' END
FROM (SELECT *, row_number() OVER (ORDER BY building, door) AS nth FROM household) h, generate_series(1, 3) r,
	LATERAL (SELECT (h.nth * 3 + r)::int AS n) x,
	LATERAL (SELECT timestamptz '2024-01-01' + n * interval '17 minutes' AS at) y,
	LATERAL (SELECT * FROM event_kind ek WHERE ek.position = 1 + n % 8) k;
ALTER TABLE event ENABLE TRIGGER event_first_step;
INSERT INTO event_step (event, number, step, done_at, done_by, desk, department, grid, note)
SELECT e.id, s.n, s.step, e.reported_at + s.n * interval '1 minute', 'someone', e.desk, CASE s.step WHEN 'dispatched' THEN e.department END, e.grid, 'note ' || e.id
FROM event e, (VALUES (1, 'reported'), (2, 'accepted'), (3, 'dispatched')) s (n, step)
WHERE s.n = 1 OR s.n = 2 AND e.state <> 'recorded' OR s.n = 3 AND e.state = 'dispatched';

INSERT INTO assignment (person, post, area, organization, role_name, valid_from, valid_to)
SELECT md5(role)::uuid, post, area, (SELECT min(id) + nth FROM organization WHERE kind = 'department'), role, valid_from, valid_to
FROM (VALUES ('rights_o1', 'officer', '350304001001001', NULL::int, timestamptz '2019-01-01', NULL::timestamptz),
	('rights_o1', 'officer', '350304002003003', NULL, '2099-01-01', NULL),
	('rights_two', 'officer', '350304001002003', NULL, '2019-01-01', NULL),
	('rights_two', 'manager', '350304002004', NULL, '2019-01-01', NULL),
	('rights_m', 'manager', '350304001001', NULL, '2019-01-01', NULL),
	('rights_ms', 'manager', '350304003', NULL, '2019-01-01', '2099-01-01'),
	('rights_h', 'handler', '350304', 3, '2019-01-01', NULL),
	('rights_h', 'handler', '350304', 4, '2019-01-01', '2020-01-01'),
	('rights_oh', 'officer', '350304002002002', NULL, '2019-01-01', NULL),
	('rights_oh', 'handler', '350304', 7, '2019-01-01', NULL),
	('rights_os', 'officer', '350304002003001', NULL, '2019-01-01', NULL),
	('rights_os', 'statistician', '350304002', NULL, '2019-01-01', NULL),
	('rights_s', 'statistician', '350304002', NULL, '2019-01-01', NULL),
	('rights_gone', 'officer', '350304001001005', NULL, '2019-01-01', '2023-01-01'),
	('rights_new', 'officer', '350304001001005', NULL, '2023-01-01', NULL),
	('rights_late', 'officer', '350304001001006', NULL, '2019-01-01', NULL),
	('rights_w', 'worker', '350304001003', NULL, '2019-01-01', NULL),
	('rights_v', 'volunteer', '350304001003', NULL, '2019-01-01', NULL),
	('rights_posted', 'manager', '350304001001', NULL, '2019-01-01', NULL)) v (role, post, area, nth, valid_from, valid_to);
INSERT INTO assignment (person, post, area) SELECT md5('m' || code)::uuid, 'manager', code FROM area WHERE level = 'community' ORDER BY code;
SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog \g /dev/null
VACUUM ANALYZE;

-- What each should see, by digits.
CREATE VIEW evil.post AS SELECT r.rolname, a.post, a.area, a.organization, a.post IN ('officer', 'manager', 'worker', 'statistician') AS rows
FROM assignment a JOIN pg_roles r ON r.rolname = a.role_name WHERE now() >= a.valid_from AND now() < coalesce(a.valid_to, 'infinity');
CREATE FUNCTION evil.belongs(who name, VARIADIC groups text[]) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (SELECT FROM pg_auth_members m WHERE m.member::regrole::name = who AND m.roleid::regrole::text = ANY (groups)) $$;
CREATE FUNCTION evil.reaches(who name, code text) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT evil.belongs(who, 'rights_admin') OR evil.belongs(who, 'rights_officer', 'rights_manager', 'rights_statistician')
	AND EXISTS (SELECT FROM evil.post p WHERE p.rolname = who AND p.rows AND left(code, length(p.area)) = p.area) $$;
CREATE FUNCTION evil.handles(who name, department int) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT evil.belongs(who, 'rights_handler') AND EXISTS (SELECT FROM evil.post p WHERE p.rolname = who AND p.post = 'handler' AND p.organization = department) $$;
REVOKE ALL ON ALL TABLES IN SCHEMA evil FROM PUBLIC;
SQL
}

# Condition on table T by which WHO should see a row.
sub due_to {
    my ($who, $table) = @_;
    my $belongs = sub { "(SELECT evil.belongs('$who', " . join(', ', map { "'rights_$_'" } @_) . '))' };
    my $reached = "IN (SELECT code FROM area c WHERE evil.reaches('$who', c.code)) OR " . $belongs->('admin');
    my $handled = "IN (SELECT o.id FROM organization o WHERE evil.handles('$who', o.id))";
    return "t.role_name = '$who' AND " . $belongs->(qw(officer manager statistician))
        . ' OR ' . $belongs->(qw(manager statistician admin)) . " AND (t.area $reached)" if $table eq 'assignment';
    return "t.area $reached" if $table eq 'activity';
    return "t.grid $reached" . ({ event => " OR t.department $handled", event_step => " OR t.event IN (SELECT e.id FROM event e WHERE e.department $handled)" }->{$table} // '');
}

# Each role sees exactly its rows.
my %may = (handler => qr/^events?(_step)?$/, reader => qr/^$/);
for my $who (@people) {
    my ($kind) = $members{$who} =~ /^(\w+)$/;
    my $may = $may{ $kind // '' } // qr/./;
    my @shown = grep { $_ =~ $may } @tables, 'events';
    my @hidden = grep { $_ !~ $may } @tables, 'events';
    refused($who, map { "TABLE $_" } @hidden) if @hidden;
    as($who, join '', map { "CREATE TABLE seen_$who.$_ AS TABLE $_;\n" } @shown);
    my ($rows, @wrong) = (0);
    for (many(undef, map {
            my $due = 'SELECT t.* FROM ' . "$_ t WHERE " . due_to($who, $_);
            "SELECT '$_', (SELECT count(*) FROM (TABLE seen_$who.$_ EXCEPT ALL $due) x), (SELECT count(*) FROM ($due EXCEPT ALL TABLE seen_$who.$_) x), (SELECT count(*) FROM seen_$who.$_)"
        } grep { $_ ne 'events' } @shown), many(undef, @shown ? "SELECT 'events', count(*) FILTER (WHERE e.id IS NULL), count(*) FILTER (WHERE v.id IS NULL), 0 FROM seen_$who.event e FULL JOIN seen_$who.events v USING (id)" : ())) {
        my ($table, $more, $less, $seen) = split /\|/;
        push @wrong, "$table: $more too many, $less too few" if $more || $less;
        $rows += $seen;
    }
    is("@wrong", '', "$who sees exactly what is due: $rows rows");
    is($rows, { rights_gone => 1, rights_v => 1, rights_r => 0, rights_posted => 0 }->{$who}, "$who has no rows but of posts") if $who =~ /gone|_v$|posted|_r$/;
}
my ($nobody) = outcomes('rights_nobody', map { "SELECT FROM rights.$_" } @tables, 'areas', 'figures');
is(join(' ', map { $_->[0] } @$nobody), join(' ', ('42501') x 10), 'who has no role in it sees nothing');
is(as('rights_o1', 'SELECT count(*) FROM household'), 50, 'an officer sees a grid of fifty households');

# Sessions: SET ROLE by a login that inherits nothing, statements and cursors from before, and a statement that waited.
is(as('rights_pool', qq{
\\set ON_ERROR_STOP 0
SELECT count(*) FROM rights.event;
\\echo :SQLSTATE
\\set ON_ERROR_STOP 1
SET ROLE rights_o1;
PREPARE p AS SELECT count(*) FROM rights.event;
SELECT grid_locate('rights.grids', ST_SetSRID(ST_MakePoint(119.001, 25.001), 4326));
EXECUTE p;
SET plan_cache_mode = force_generic_plan;
EXECUTE p;
SET ROLE rights_h;
EXECUTE p;
RESET ROLE;
\\set ON_ERROR_STOP 0
EXECUTE p;
\\echo :SQLSTATE
SET ROLE rights_m;
\\echo :SQLSTATE
SET ROLE rights_r;
SELECT grid_locate('rights.grids', ST_SetSRID(ST_MakePoint(119.001, 25.001), 4326));
\\echo :SQLSTATE
SET SESSION AUTHORIZATION rights_m;
\\echo :SQLSTATE
SELECT set_config('role', 'rights_owner', false);
\\echo :SQLSTATE
}), join("\n", 42501, 350304001001001, 150, 150, as('rights_h', 'SELECT count(*) FROM event'), (42501) x 5), 'a pool: each role what is its own, in one session and one prepared statement');

my $replace = "$ENV{GT_BIN}/psql -XqAt -d $database -U $ENV{PGUSER} -c \"UPDATE rights.assignment SET valid_to = now() WHERE role_name = 'rights_late'\"";
is(as('rights_late', qq{
PREPARE p AS SELECT count(*) FROM household;
EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p; EXECUTE p;
BEGIN;
DECLARE before CURSOR FOR SELECT building FROM household ORDER BY building, door;
FETCH before;
\\! $replace
EXECUTE p;
DECLARE after CURSOR FOR SELECT building FROM household;
FETCH ALL after;
SELECT count(*) FROM event;
SELECT count(*) FROM building WHERE id = 51;
CLOSE before;
COMMIT;
EXECUTE p;
SELECT count(*) FROM events;
}), join("\n", (50) x 6, 51, (0) x 5), 'who is replaced sees nothing from the next statement on');

# A statement that waits until its officer is replaced, and then looks.
psql(q{UPDATE rights.assignment SET valid_to = NULL WHERE role_name = 'rights_late'});
open my $holder, '|-', "$ENV{GT_BIN}/psql -XqAt -d $database >/dev/null" or die $!;
$holder->autoflush;
print $holder "SELECT pg_advisory_lock(77);\n";
ok(await(q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND granted)}), 'a lock to wait for');
my $script = "$ENV{GT_TMP}/late.sql";
open my $f, '>', $script or die $!;
print $f q{
SET search_path = rights, public;
DO $$
DECLARE refused text := 'reported';
BEGIN
	RAISE NOTICE 'before: %', (SELECT count(*) FROM household);
	PERFORM pg_advisory_lock(77);
	RAISE NOTICE 'after: %', (SELECT count(*) FROM household);
	BEGIN
		PERFORM event_report('fire', grid => '350304001001006');
	EXCEPTION WHEN insufficient_privilege THEN refused := 'refused';
	END;
	RAISE NOTICE 'an event is %', refused;
END $$;
};
close $f;
my $late = background("$script.out", "$ENV{GT_BIN}/psql", '-Xq', '-U', 'rights_late', '-d', $database, '-f', $script);
ok(await(q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted)}), 'a statement of an officer waits');
psql(q{UPDATE rights.assignment SET valid_to = now() WHERE role_name = 'rights_late'});
print $holder "SELECT pg_advisory_unlock(77);\n";
close $holder;
finish($late);
my $said = slurp("$script.out");
like($said, qr/before: 50\n/, 'it saw the grid');
like($said, qr/after: 0\n/, 'who is replaced while a statement waits sees nothing after');
like($said, qr/an event is refused\n/, 'and reports nothing');

# Settings of the client.
for my $who ('rights_o1', 'rights_h', 'rights_gone') {
    my ($outcomes) = outcomes($who, 'SET row_security = off; SELECT count(*) FROM event', q{SET session_replication_role = replica}, 'SET SESSION AUTHORIZATION rights_a', 'SET ROLE rights_a', 'SET ROLE rights_owner');
    is(join(' ', map { $_->[0] } @$outcomes), '42501 42501 42501 42501 42501', "$who: row_security, session_replication_role, other roles");
}
my $counts = "SELECT (SELECT count(*) FROM rights.household), (SELECT count(*) FROM rights.event), (SELECT count(*) FROM rights.event_step), (SELECT count(*) FROM rights.events), (SELECT count(*) FROM rights.visit), (SELECT count(*) FROM rights.figures), (SELECT count(*) FROM rights.visit_coverage)";
my $plain = as('rights_o1', $counts);
my $shadows = q{
SET client_min_messages = warning;
SET search_path = evil, public;
CREATE TABLE evil.household AS SELECT 1 AS x;
CREATE VIEW evil.my_scope AS SELECT '35'::gridcode AS root, '{350304}'::gridcode[] AS codes, '{350304}'::gridcode[] AS field_codes;
CREATE TABLE evil.assignment AS SELECT 1 AS id, 'rights_o1'::text AS role_name, 'manager'::text AS post, '350304'::gridcode AS gridcode, '-infinity'::timestamptz AS valid_from, NULL::timestamptz AS valid_to;
CREATE VIEW evil.current_post AS SELECT 'rights_o1'::text AS role_name, true AS sees_rows, '350304'::gridcode AS gridcode, 'manager'::text AS post, 1 AS organization;
CREATE TABLE evil.register AS SELECT 'rights'::text AS name, 'cn'::text AS scheme, 'district'::text AS top_level;
CREATE TABLE evil.event_transition AS SELECT s AS state, 'closed' AS step, 'closed' AS new_state, '{officer,manager,handler}'::text[] AS actors FROM unnest('{reported,accepted,dispatched,handled}'::text[]) s;
CREATE FUNCTION evil.is_admin(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION evil.pg_has_role(name, name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION evil.grid_locate(text, geometry, float8 DEFAULT 0) RETURNS gridcode LANGUAGE sql AS $$ SELECT '350304001001001'::gridcode $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2020-01-01' $$;
CREATE FUNCTION evil.yes(gridcode, gridcode) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE FUNCTION evil.yes(gridcode, gridcode[]) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE OPERATOR evil.<@ (LEFTARG = gridcode, RIGHTARG = gridcode, FUNCTION = evil.yes);
CREATE OPERATOR evil.<@ (LEFTARG = gridcode, RIGHTARG = gridcode[], FUNCTION = evil.yes);
CREATE OPERATOR evil.@> (LEFTARG = gridcode, RIGHTARG = gridcode, FUNCTION = evil.yes);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);
};
as('rights_v', $shadows);
psql('GRANT ALL ON ALL TABLES IN SCHEMA evil TO PUBLIC');
my $temporary = $shadows =~ s/SET search_path = evil, public;//r =~ s/\bevil\.(?=household|my_scope|assignment|current_post|register|event_transition)/pg_temp./gr;
$temporary = join '', map { "$_;\n" } grep { /pg_temp|SET/ } split /;\n/, $temporary;
my $shadowed = "SET search_path = evil, pg_temp, rights, public, pg_catalog;\n";
is(as('rights_o1', "$temporary$shadowed$counts"), $plain, 'names of others before the register\'s change nothing of what an officer sees');
my $mine = as('rights_o1', q{SELECT min(id) FROM event WHERE state = 'accepted'});
my $others = psql(q{SELECT min(id) FROM rights.event WHERE state = 'accepted' AND grid = '350304003003003'});
my ($in_shadow) = outcomes('rights_o1', map { "$temporary$shadowed$_" }
    q{SELECT rights.event_report('fire', grid => '350304003003003')},
    q{INSERT INTO rights.event (kind, geom) VALUES ('fire', ST_SetSRID(ST_MakePoint(119.805, 25.005), 4326))},
    "INSERT INTO rights.event_step (event, step) VALUES ($others, 'handled')",
    "INSERT INTO rights.event_step (event, step, satisfaction) VALUES ($mine, 'closed', 5)",
    q{INSERT INTO rights.building (address, geom) VALUES ('mine now', ST_SetSRID(ST_MakePoint(119.805, 25.005), 4326))},
    q{INSERT INTO rights.activity (team, area, title, helpers) SELECT 21, '350304003', 'party', 1});
is(join(' ', map { $_->[0] } @$in_shadow), '42501 42501 42501 55000 42501 42501', 'nor of what he may write');
is(as('rights_o1', "BEGIN;\n$temporary$shadowed INSERT INTO rights.event (kind, geom) VALUES ('fire', ST_SetSRID(ST_MakePoint(119.005, 25.005), 4326)) RETURNING grid, reported_by, state;\nROLLBACK"),
    '350304001001001|rights_o1|reported', 'and what he writes is as ever');
psql('DROP OWNED BY rights_v CASCADE; CREATE SCHEMA seen_rights_v AUTHORIZATION rights_v; GRANT rights_officer TO rights_v');

# Functions that tell what they are given, operators, casts and errors.
my $leaky = q{
CREATE FUNCTION pg_temp.tell(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'TOLD %', t; RETURN true; END $$;
CREATE FUNCTION pg_temp.tell2(a text, b text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'TOLD %', a; RETURN true; END $$;
CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.tell2, RESTRICT = eqsel);
};
sub told {
    my ($who, $sql) = @_;
    my (undef, $err, $status) = as_try($who, "$leaky$sql");
    die $err if $status;
    my %told = map { $_ => 1 } $err =~ /TOLD (.*)/g;
    return \%told;
}
for my $who ('rights_o1', 'rights_two', 'rights_h', 'rights_s', 'rights_gone') {
    my @wrong;
    for my $of (['household', 'id'], ['event', 'id'], ['event_step', "event || ' ' || number"], ['visit', 'id'], ['events', 'id'], ['assignment', 'id']) {
        my ($table, $key) = @$of;
        next if $who eq 'rights_h' && $table !~ /^event/;
        my %due = map { $_ => 1 } split /\n/, as($who, "SELECT $key FROM $table");
        my $told = told($who, join '', map { "SELECT count(*) FROM $table WHERE $_;\n" } "pg_temp.tell(($key)::text)",
            "($key)::text OPERATOR(pg_temp.===) 'x'", "CASE WHEN pg_temp.tell(($key)::text) THEN true END");
        push @wrong, $table if grep { !$due{$_} } keys %$told;
        push @wrong, "$table (nothing told)" if $who !~ /gone/ && !%$told;
    }
    is("@wrong", '', "$who: leaky functions in conditions on rows are given his rows only");
}
my @figures = qw(figures events_monthly staffing_gaps visit_coverage);
for my $who ('rights_r', 'rights_h', 'rights_s', 'rights_o1') {
    my %due = map { $_ => 1 } split /\n/, psql(q{SET search_path = rights, public; SELECT code FROM area WHERE level <> 'grid'} . ($who =~ /_r|_h/ ? '' : " OR evil.reaches('$who', code)"));
    my @wrong;
    for my $view (@figures) {
        my $told = told($who, "SELECT count(*) FROM $view WHERE pg_temp.tell(code) AND name IS NOT NULL; SELECT count(*) FROM $view v WHERE pg_temp.tell(v.code || '' ) AND pg_temp.tell(v.code);");
        delete $told->{'<NULL>'};
        push @wrong, "$view $_" for grep { !$due{$_} } keys %$told;
        push @wrong, "$view (nothing told)" if !%$told;
        my %seen = map { $_ => 1 } grep { $_ ne '' } split /\n/, as($who, "SELECT DISTINCT code FROM $view");
        push @wrong, "$view shows $_" for grep { !$due{$_} } keys %seen;
        push @wrong, "$view lacks $_" for $view =~ /staffing/ ? () : grep { !$seen{$_} } keys %due;
    }
    is("@wrong", '', "$who: figures and leaky functions in conditions on them, of communities and above and grids in scope");
}
is(as('rights_a', 'SELECT count(*) FROM figures'), 140, 'an administrator has figures of all areas');
is(as('rights_posted', q{SELECT count(*) FROM figures WHERE level = 'grid'}), 8, 'a reader with a post has figures of its grids');

my $rare = psql("SELECT residents FROM rights.household_total WHERE code = (SELECT grid::gridcode FROM rights.building WHERE id = 1111)");
for my $of (['rights_o1', "SELECT count(*) FROM household WHERE 1 / (residents - 23) < 9", 'SELECT count(*) FROM household WHERE door::int > 0', 'SELECT sum(door::int) FROM household',
        "SELECT count(*) FROM event WHERE 1 / (id - $others) < 9", "SELECT count(*) FROM building WHERE 1 / (id - 1111) < 9", 'SELECT count(*) FROM household WHERE (door || residents)::numeric > 0'],
    ['rights_h', "SELECT count(*) FROM events WHERE 1 / (id - $others) < 9"],
    ['rights_r', "SELECT count(*) FROM figures WHERE 1 / (residents - $rare) < 9", "SELECT count(*) FROM visit_coverage WHERE 1 / (households - 51) < 9", q{SELECT count(*) FROM figures WHERE level <> 'none' AND code::numeric < 350304999999},
        'SELECT count(*) FROM figures WHERE (1 / (residents - 5) IS NOT NULL)', 'SELECT count(*) FROM figures WHERE (1 / (households - 2) IS NOT NULL)']) {
    my ($who, @statements) = @$of;
    my ($outcomes, $printed) = outcomes($who, @statements);
    is(join(' ', map { $_->[0] } @$outcomes), join(' ', ('00000') x @statements), "$who: values of others make no error");
}
my ($errors, $printed) = outcomes('rights_o1',
    q{INSERT INTO household (building, door, residents) VALUES (1, '1', 3)},
    q{INSERT INTO household (building, door, residents) VALUES (1111, 'penthouse', 3)},
    q{INSERT INTO household (building, door, residents) VALUES (1111, 'new', 3)},
    q{INSERT INTO household (building, door, residents) VALUES (99999, 'new', 3)},
    q{INSERT INTO household (building, door, residents) VALUES (1, 'new', 0)},
    q{INSERT INTO household (building, door, residents) VALUES (1, 'new', NULL)},
    q{INSERT INTO household (building, door, residents) VALUES (1111, 'penthouse', -1)},
    q{UPDATE household SET residents = -residents},
    q{UPDATE household SET door = '1'},
    q{UPDATE household SET valid_from = '2025-01-01', valid_to = '2024-01-01'},
    q{INSERT INTO household (building, door, residents) VALUES (1111, 'penthouse', 3) ON CONFLICT DO NOTHING},
    q{INSERT INTO household (building, door, residents) VALUES (1111, 'penthouse', 3) ON CONFLICT (building, (door || '')) WHERE valid_to IS NULL DO UPDATE SET residents = 1},
    'INSERT INTO visit (household) SELECT id FROM household LIMIT 0; INSERT INTO visit (household) VALUES (gen_random_uuid())',
    q{INSERT INTO visit (household) VALUES ('} . psql('SELECT id FROM rights.household WHERE residents = 23') . q{')});
is(join(' ', map { $_->[0] } @$errors), '23505 42501 42501 42501 23514 23502 42501 23514 23505 23514 42501 42501 42501 42501', 'rows of others make the same errors as rows that are not');
unlike($printed, qr/Failing row|Key \(|penthouse\)/, 'no error shows a row');
is($errors->[2][1], $errors->[1][1], 'a taken door of others is refused as a free one');
is($errors->[3][1], $errors->[1][1], 'and as one in no building');
is($errors->[12][1], $errors->[13][1], 'a visit to a household of others, as one to none');

# Plans. Stored statistics of what is told by a plan's guess, and indexes that find rows of others by their values.
is(psql(q{SELECT string_agg(format('%s.%s', c.relname, a.attname), ' ' ORDER BY c.relname, a.attnum)
    FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
    WHERE c.relnamespace = 'rights'::regnamespace AND c.relname IN ('household', 'household_door', 'event', 'event_step', 'visit')}),
    'event.id event.kind event.reported_at event.grid event.grid_status event.state event.desk event.department event.deadline event.extended_at event.reopened_at event.closed_at event.gridcode'
    . ' event_step.event event_step.number event_step.step event_step.done_at event_step.desk event_step.department event_step.deadline event_step.grid event_step.gridcode'
    . ' household.building household.valid_to household.grid household.grid_status household.gridcode visit.id visit.visited_at visit.grid visit.gridcode',
    'what the planner knows of values of others');
is(psql(q{SELECT string_agg(found, ' ' ORDER BY found COLLATE "C") FROM (SELECT DISTINCT format('%s (%s)', relname, columns) AS found FROM (
    SELECT c.relname, string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' ORDER BY k) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid, LATERAL generate_series(1, i.indnkeyatts) k
    WHERE c.relnamespace = 'rights'::regnamespace AND c.relname IN ('household', 'event', 'event_step', 'visit') GROUP BY c.relname, i.indexrelid) x WHERE columns !~ '^gridcode') y}),
    q{event (department) event (grid) event (id) event (kind) event_step (department) event_step (event, number) event_step (grid)}
    . q{ household (building) household (building, (door || ''::text)) household (grid) household (grid_status) household (id) visit (grid) visit (id)},
    'what rows of others can be found by, if only to be counted');
my @alike = (
    ["household WHERE residents = 23", "household WHERE residents = 24"], ["household WHERE residents > 20", "household WHERE residents > 2"],
    ["household WHERE door = 'penthouse'", "household WHERE door = 'cellar'"], ["household WHERE door || '' = 'penthouse'", "household WHERE door || '' = 'cellar'"],
    ["household WHERE id < '01000000-0000-0000-0000-000000000000'", "household WHERE id < 'f0000000-0000-0000-0000-000000000000'"],
    ["event_step WHERE note < 'note 11'", "event_step WHERE note < 'note 99'"], ["event WHERE building = 1111", "event WHERE building = 99999"],
    ["event WHERE geom && ST_MakeEnvelope(119, 25, 119.5, 26, 4326)", "event WHERE geom && ST_MakeEnvelope(10, 25, 10.5, 26, 4326)"],
    ["event WHERE reported_by = 'someone'", "event WHERE reported_by = 'nobody'"], ["visit WHERE visited_by = 'someone'", "visit WHERE visited_by = 'nobody'"]);
my @guesses = many('rights_o1', map { "EXPLAIN SELECT * FROM $_" } map { @$_ } @alike);
for my $k (0 .. $#alike) {
    my ($one, $other) = map { join ' ', /rows=(\d+)/g } @guesses[2 * $k, 2 * $k + 1];
    is($one, $other, "a plan guesses the same for: $alike[$k][0]");
}
my $cheap = 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET random_page_cost = 0';
my $known = psql(q{SELECT household FROM rights.event WHERE household IS NOT NULL AND grid = '350304003003003' LIMIT 1});
my $unknown = '00000000-0000-0000-0000-000000000000';
for my $who ('rights_o1', 'rights_h', 'rights_gone') {
    my @alike = grep { $who ne 'rights_h' || $_->[0] =~ /^event/ } ["event WHERE building = 1111 AND kind = 'dispute'", "event WHERE building = 99999 AND kind = 'dispute'"],
        ["event WHERE household = '$known'", "event WHERE household = '$unknown'"], ["visit WHERE household = '$known'", "visit WHERE household = '$unknown'"],
        ["household WHERE building = 1111 AND door = 'penthouse' AND valid_to IS NULL", "household WHERE building = 1111 AND door = 'cellar' AND valid_to IS NULL"],
        ["household WHERE building = 1111 AND door || '' = 'penthouse' AND valid_to IS NULL", "household WHERE building = 1111 AND door || '' = 'cellar' AND valid_to IS NULL"];
    my @plans;
    for my $set ('SELECT 1', $cheap) {
        push @plans, map { s/'[-\w]+'|\b(1111|99999)\b//gr } (many($who, $set, map { "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM $_" } map { @$_ } @alike))[1 .. 2 * @alike];
    }
    is($plans[2 * $_], $plans[2 * $_ + 1], "$who: EXPLAIN ANALYZE counts the same for: $alike[$_ % @alike][0]") for 0 .. 2 * @alike - 1;
}
my ($seen_plan) = as('rights_r', q{EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM figures WHERE level = 'none'});
unlike($seen_plan, qr/household x|on household\b/, 'a reader\'s plan does not count households in no grid');
is(as('rights_r', q{SELECT households IS NULL, residents IS NULL FROM figures WHERE level = 'none'}), 't|t', 'two households in no grid are not shown');
is(as('rights_r', 'SELECT households IS NULL AND residents IS NULL FROM people_without_grid()'), 't', 'nor by the function');
psql(q{INSERT INTO rights.household (building, door, residents) VALUES (9002, '2', 4)});
is(as('rights_r', q{SELECT households, residents FROM figures WHERE level = 'none'}), '|', 'nor three with nine people');
psql(q{UPDATE rights.household SET residents = 5 WHERE building = 9002 AND door = '2'});
is(as('rights_r', q{SELECT households, residents FROM figures WHERE level = 'none'}), '3|10', 'three with ten people are');
is(as('rights_o1', q{SELECT count(*) FROM pg_stats WHERE schemaname = 'rights' AND tablename IN ('building', 'household', 'establishment', 'event', 'event_step', 'visit', 'activity', 'assignment') OR tablename ~ '_(total|daily|monthly|log|rest)$'}), 0, 'no statistics are shown');
is(as('rights_o1', q{SELECT (SELECT count(*) FROM pg_stats_ext) + (SELECT count(*) FROM pg_stats_ext_exprs)}), 0, 'no extended ones');

# What nobody but the owner may do; nobody may do what he has no business with.
my @rollups = split /\n/, psql('SELECT rollup FROM public.grid_rollup_catalog ORDER BY 1');
my @internals = split /\n/, psql(q{SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'rights'::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'p', 'f')
    AND (relkind = 'S' OR relname ~ '^(household_total|event_daily|event_total|visit_monthly)'
    OR relname IN ('current_post', 'area_named', 'area_visible', 'open_grid', 'event_month', 'event_astray', 'event_kind_top')) ORDER BY 1});
cmp_ok(scalar(@internals), '>', 31, 'rollups, their logs, views, sequences');
for my $who ('rights_o1', 'rights_m', 'rights_h', 'rights_s', 'rights_r', 'rights_a') {
    my @sequences = map { /_seq$/ ? ("SELECT currval('$_')", "SELECT nextval('$_')", "SELECT last_value FROM $_") : () } @internals;
    # administrators see all posts, so they may see those of today
    refused($who, (map { "TABLE $_" } grep { !/_seq$/ && !($who eq 'rights_a' && $_ eq 'rights.current_post') } @internals), @sequences);
    refused($who, (map { ("SELECT grid_rollup_refresh('$_')", "SELECT * FROM grid_rollup_verify('$_')", "SELECT grid_rollup_touch('$_')",
        qq{SELECT grid_rollup_alter('$_', '{"enabled": false}')}, "SELECT grid_rollup_drop('$_')", "SELECT grid_rollup_compact('$_')", "SELECT grid_rollup_unassigned('$_')") } @rollups),
        q{SELECT grid_rollup_create('mine', 'rights.household', 'gridcode', '{"residents": "max(residents)"}')},
        (map { ("SELECT grid_layer_touch('rights.$_')", "SELECT grid_layer_drop('rights.$_')") } 'grids', 'areas', 'dedicated'),
        q{SELECT grid_layer_add('mine', 'rights.building', 'geom', 'gridcode')},
        q{SELECT * FROM pg_statistic LIMIT 1}, q{SELECT * FROM pg_authid LIMIT 1},
        'CREATE TABLE rights.mine (x int)', 'CREATE VIEW rights.mine AS SELECT 1', q{CREATE FUNCTION rights.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'}, 'CREATE SCHEMA mine',
        (map { ("TRUNCATE $_", "CREATE TRIGGER t AFTER INSERT ON $_ FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", "CREATE RULE r AS ON INSERT TO $_ DO ALSO SELECT 1",
            "ALTER TABLE $_ DISABLE ROW LEVEL SECURITY", "ALTER TABLE $_ DISABLE TRIGGER ALL", "CREATE POLICY p ON $_ USING (true)", "CREATE INDEX ON $_ (ctid)",
            "CREATE STATISTICS rights.s ON gridcode, grid FROM $_", "ALTER TABLE $_ ALTER COLUMN gridcode SET STATISTICS 100") } @tables),
        (map { "CREATE TABLE evil.t (x $_->[0] REFERENCES $_->[1])" } ['uuid', 'household'], ['int', 'building'], ['bigint', 'event']),
        (map { "SELECT rights.$_" } 'boundary_apply(1)', q{desks('350304001001001')}));
}
for my $who ('rights_o1', 'rights_r', 'rights_a') {
    my (undef, $err) = as_try($who, "CALL grid_rollup_run('rights.household_total')");
    like($err, qr/42501/, "$who runs no rollup");
    is(as($who, q{SELECT (SELECT count(*) FROM grid_rollup_status WHERE rollup IN ('rights.household_total'::regclass, 'rights.event_daily'::regclass)), (SELECT count(*) FROM grid_rollup_runs),
        (SELECT count(*) FROM grid_rollup_due()), grid_rollup_pending('rights.household_total'), grid_rollup_logged_unassigned('rights.household_total'), grid_rollup_prune()}),
        '0|0|0|||0', "$who is told nothing of rollups");
}
is(as('rights_r', q{SELECT p.*, i.*, c.* FROM grid_layer_prepare('rights.grids') p, grid_layer_image('rights.grids') i, grid_layer_cached('rights.grids') c}), '|' x 11, 'nor a reader of layers');
refused('rights_r', (map { "TABLE $_" } @tables, qw(register area boundary organization post my_post my_scope my_department event_kind event_transition boundary_version events)),
    q{SELECT grid_locate('rights.grids', ST_SetSRID(ST_MakePoint(119.001, 25.001), 4326))},
    q{SELECT * FROM grid_layer_check('rights.grids')}, q{SELECT * FROM grid_assign_check('rights.building', 'rights.grids', 'geom', 'gridcode')},
    q{SELECT event_report('fire', grid => '350304001001001')}, "SELECT event_advance($mine, 'handled')");
refused('rights_o1', q{CALL grid_assign('building', 'rights.grids', 'geom', 'gridcode')}, q{SELECT boundary_publish(1)}, q{SELECT boundary_check(1)}, q{SELECT boundary_draw(1, '350304001001099', 'x', NULL)},
    q{SELECT boundary_close(1, '350304001001001')});

# Rows of others cannot be changed, nor one's own become others'; who did what cannot be forged.
for my $who ('rights_o1', 'rights_m', 'rights_os', 'rights_h', 'rights_s', 'rights_gone') {
    refused($who, (map { "DELETE FROM $_" } @tables), (map { "COPY $_ FROM PROGRAM 'echo'" } @tables), (map { "LOCK TABLE $_ IN ACCESS EXCLUSIVE MODE" } @tables),
        (map { "UPDATE $_ SET id = DEFAULT" } grep { $_ ne 'event_step' } @tables), (map { "UPDATE $_ SET gridcode = DEFAULT" } @tables),
        'UPDATE event SET kind = kind', q{UPDATE event SET state = 'closed'}, 'UPDATE event_step SET note = NULL', 'UPDATE visit SET visited_at = now()', 'UPDATE activity SET hours = 1',
        'UPDATE assignment SET valid_to = NULL', q{INSERT INTO assignment (person, post, area, role_name) VALUES (gen_random_uuid(), 'manager', '350304', current_user)},
        'SELECT * FROM event FOR UPDATE', 'SELECT * FROM visit FOR SHARE', 'SELECT * FROM assignment FOR KEY SHARE',
        q{UPDATE register SET top_level = 'grid'}, q{UPDATE post SET sees_rows = true}, 'DELETE FROM event_transition', q{UPDATE area SET name = 'x'}, 'DELETE FROM boundary',
        q{INSERT INTO event (kind, grid, reported_by) VALUES ('fire', '350304001001001', 'someone')}, q{INSERT INTO event (kind, grid, state) VALUES ('fire', '350304001001001', 'closed')},
        q{INSERT INTO event (id, kind, grid) OVERRIDING SYSTEM VALUE VALUES (1, 'fire', '350304001001001')}, q{INSERT INTO event (kind, gridcode) VALUES ('fire', DEFAULT)},
        q{INSERT INTO event (kind, grid, department) VALUES ('fire', '350304001001001', 1)}, q{INSERT INTO event (kind, grid, grid_status) VALUES ('fire', '350304001001001', 'assigned')},
        "INSERT INTO event_step (event, step, done_by) VALUES ($mine, 'handled', 'someone')", "INSERT INTO event_step (event, step, done_at) VALUES ($mine, 'handled', now())",
        "INSERT INTO event_step (event, number, step) VALUES ($mine, 99, 'handled')", "INSERT INTO event_step (event, step, grid) VALUES ($mine, 'handled', NULL)",
        q{INSERT INTO visit (household, visited_by) VALUES (gen_random_uuid(), 'someone')}, q{INSERT INTO visit (household, grid) VALUES (gen_random_uuid(), '350304001001001')},
        q{INSERT INTO household (id, building, residents) VALUES (gen_random_uuid(), 1, 1)}, q{INSERT INTO household (building, residents, grid) VALUES (1, 1, NULL)}, q{UPDATE household SET building = 1},
        q{INSERT INTO building (id, address) VALUES (1, 'x')}, q{INSERT INTO building (address, gridcode) VALUES ('x', '350304001001001')});
}
refused('rights_s', q{UPDATE household SET residents = 1}, q{INSERT INTO visit (household) SELECT id FROM household LIMIT 1}, q{SELECT * FROM household FOR UPDATE}, q{INSERT INTO activity (team, area, title, helpers) VALUES (21, '350304002', 'x', 1)},
    q{UPDATE building SET address = 'x'}, q{SELECT event_report('fire', grid => '350304002001001')});
refused('rights_h', map { "SELECT FROM $_" } grep { !/^event/ } @tables);
refused('rights_gone', q{SELECT event_report('fire', grid => '350304001001005')}, q{INSERT INTO activity (team, area, title, helpers) VALUES (21, '350304001001005', 'x', 1)}, q{INSERT INTO building (address, geom) VALUES ('x', ST_SetSRID(ST_MakePoint(119.045, 25.005), 4326))},
    q{INSERT INTO household (building, residents) VALUES (41, 1)});
refused('rights_v', q{SELECT event_report('fire', grid => '350304001003001')}, q{INSERT INTO activity (team, area, title, helpers) VALUES (21, '350304001003', 'x', 1)});
# who counts a street and serves one grid of it
refused('rights_os', q{SELECT event_report('fire', grid => '350304002001001')}, q{INSERT INTO activity (team, area, title, helpers) VALUES (21, '350304002001', 'x', 1)}, q{INSERT INTO household (building, residents) VALUES (401, 1)},
    q{INSERT INTO building (address, geom) VALUES ('x', ST_SetSRID(ST_MakePoint(119.405, 25.005), 4326))}, q{INSERT INTO visit (household) SELECT id FROM household WHERE building = 401 LIMIT 1});
is(as('rights_os', q{BEGIN; WITH u AS (UPDATE household SET residents = residents RETURNING grid) SELECT count(*), min(grid), max(grid) FROM u; SELECT count(*) FROM (SELECT FROM household FOR UPDATE) x; ROLLBACK}),
    "50|350304002003001|350304002003001\n50", 'who counts a street and serves a grid of it writes in the grid');
refused('rights_o1', q{INSERT INTO building (address, geom) VALUES ('beyond', ST_SetSRID(ST_MakePoint(100, 10), 4326))}, q{INSERT INTO building (address) VALUES ('nowhere')},
    q{UPDATE building SET geom = ST_SetSRID(ST_MakePoint(119.045, 25.005), 4326)}, q{UPDATE building SET geom = NULL}, q{INSERT INTO establishment (kind, name, geom) VALUES ('shop', 'x', ST_SetSRID(ST_MakePoint(119.045, 25.005), 4326))},
    q{UPDATE establishment SET geom = ST_SetSRID(ST_MakePoint(119.045, 25.005), 4326)}, "INSERT INTO event_step (event, step) VALUES ($others, 'handled')", q{INSERT INTO event_step (event, step) VALUES (999999999, 'handled')},
    "SELECT event_advance($others, 'handled')", q{INSERT INTO activity (team, area, title, helpers) VALUES (21, '350304001001', 'x', 1)},
    q{INSERT INTO event (kind, grid, geom) VALUES ('fire', '350304001001001', ST_SetSRID(ST_MakePoint(119.045, 25.005), 4326))}, q{INSERT INTO event (kind, grid, building) VALUES ('fire', '350304001001001', 1111)});
my ($step_errors) = outcomes('rights_o1', "SELECT event_advance($others, 'handled')", q{SELECT event_advance(999999999, 'handled')});
is($step_errors->[0][1] =~ s/$others/N/r, $step_errors->[1][1] =~ s/999999999/N/r, 'an event of others is refused as one that is not');
is(as('rights_o1', qq{BEGIN;
WITH u AS (UPDATE household SET residents = residents RETURNING 1) SELECT count(*) FROM u;
WITH u AS (UPDATE household SET residents = 1 WHERE ctid = '(0,1)' AND tableoid = 'household'::regclass OR building = 1111 RETURNING building) SELECT count(*) FROM u WHERE building > 10;
WITH u AS (UPDATE building SET address = 'mine' RETURNING grid) SELECT count(DISTINCT grid) FROM u;
SELECT count(*) FROM (SELECT FROM household FOR UPDATE) x;
COPY (SELECT count(*) FROM household) TO STDOUT;
MERGE INTO household h USING (VALUES (1111), (1)) v (b) ON h.building = v.b AND h.valid_to IS NULL WHEN MATCHED THEN UPDATE SET residents = 2;
SELECT count(*) FROM household WHERE residents = 2 AND building = 1111;
ROLLBACK;
}), "50\n0\n1\n50\n50\n0", 'UPDATE, MERGE, FOR UPDATE and COPY by an officer reach his rows only');
is(() = as('rights_o1', 'COPY household TO STDOUT') =~ /\n/g, 49, 'COPY of a table');
is(psql('SELECT residents FROM rights.household WHERE building = 1111 AND residents > 5'), 23, 'rows of others are as they were');
like((as_try('rights_o1', "COPY $_ FROM STDIN;"))[1], qr/0A000/, "COPY FROM is not done under policies: $_") for 'event (kind, grid)', 'household (building, residents)';
is(as('rights_o1', q{BEGIN; SELECT event_report('fire', grid => '350304001001001') > 0; SAVEPOINT s;
\set ON_ERROR_STOP 0
SELECT lastval();
\echo :SQLSTATE
ROLLBACK}), "t\n42501", 'lastval() shows no number');
is(psql(q{SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = 'rights.household'::regclass AND attname = 'id'}), 'gen_random_uuid()', 'ids of households are random');

# What is reported is of these days: no time that nobody lived, no deadline that never comes, no case that counts as many.
my @before = many(undef, 'SELECT count(*), sum(quantity) FROM event', 'SELECT count(*) FROM visit');
my $in_mine = q{INSERT INTO visit (household, visited_at) SELECT id, %s FROM household WHERE grid = '350304001001001' AND valid_to IS NULL LIMIT 1};
my $fire = q{SELECT event_report('fire', grid => '350304001001001', %s)};
my $row = q{INSERT INTO event (kind, grid, reported_at, deadline, quantity) VALUES (%s)};
my @odd = (
    (map { [42501, sprintf $fire, $_], [42501, sprintf $in_mine, s/.*=> //r] } q{reported_at => '-infinity'}, q{reported_at => '0001-01-01'}, q{reported_at => '4713-01-01 BC'}, q{reported_at => now() - interval '8 days'}),
    (map { [23514, sprintf $fire, $_], [23514, sprintf $in_mine, s/.*=> //r] } q{reported_at => 'infinity'}, q{reported_at => now() + interval '1 minute'}),
    [42501, sprintf $fire, q{deadline => 'infinity'}], [42501, sprintf $fire, q{deadline => '294276-01-01'}], [23514, sprintf $fire, q{deadline => '-infinity'}],
    [42501, sprintf $fire, q{deadline => now() + (SELECT days + 1 FROM event_kind WHERE kind = 'fire') * interval '1 day'}],
    [23514, sprintf $fire, 'quantity => 500'], [23514, sprintf $fire, 'quantity => 0'], [23514, sprintf $fire, 'quantity => -1'],
    [23514, q{SELECT event_report('record', grid => '350304001001001', deadline => 'infinity')}],
    [42501, sprintf $row, q{'fire', '350304001001001', '-infinity', NULL, 1}], [42501, sprintf $row, q{'fire', '350304001001001', '-infinity', 'infinity', 1}], [42501, sprintf $row, q{'record', '350304001001001', '-infinity', NULL, 1}],
    [23514, sprintf $row, q{'fire', '350304001001001', 'infinity', 'infinity', 1}], [42501, sprintf $row, q{'fire', '350304001001001', now(), 'infinity', 1}], [23514, sprintf $row, q{'fire', '350304001001001', now(), NULL, 500}],
    [23502, sprintf $row, q{'fire', '350304001001001', NULL, NULL, 1}]);
my ($odd) = outcomes('rights_o1', map { $_->[1] } @odd);
is($odd->[$_][0], $odd[$_][0], "an officer may not: $odd[$_][1]") for 0 .. $#odd;
my @usual = ((map { sprintf $fire, $_ } q{reported_at => now() - interval '6 days'}, q{deadline => now() + interval '1 hour'}, q{reported_at => now() - interval '6 days', deadline => now() - interval '5 days'}),
    sprintf($in_mine, q{now() - interval '6 days'}), q{SELECT event_report('record', grid => '350304001001001', quantity => 500)});
is(join(' ', map { $_->[0] } @{ (outcomes('rights_o1', @usual))[0] }), join(' ', ('00000') x @usual), 'but what is of these days, and 500 records');
my @late = (sprintf($fire, q{reported_at => now() - interval '80 days', deadline => now() + interval '80 days'}), q{INSERT INTO visit (household, visited_at) SELECT id, now() - interval '80 days' FROM household WHERE building = 1 LIMIT 1});
is(join(' ', map { $_->[0] } @{ (outcomes('rights_a', @late))[0] }), '00000 00000', 'an administrator may be late');
is(join(' ', map { $_->[0] } @{ (outcomes('rights_a', map { sprintf $fire, $_ } q{reported_at => '-infinity'}, q{reported_at => 'infinity'}, q{deadline => 'infinity'}, 'quantity => 500'))[0] }), '23514 23514 23514 23514', 'but not beyond time, nor may he count a case twice');
my $managed = psql(q{SELECT min(id) FROM rights.event WHERE state = 'dispatched' AND grid = '350304001001001'});
is(join(' ', map { $_->[0] } @{ (outcomes('rights_m', map { "SELECT event_advance($managed, 'extended', deadline => '$_')" } 'infinity', '-infinity'))[0] }), '23514 23514', 'and no manager extends a deadline for ever');
is(join(' ', map { $_->[0] } @{ (outcomes('rights_m', "SELECT event_advance($managed, 'extended', deadline => now() + interval '1 day')"))[0] }), '00000', 'but by a day');
is(join(' ', many(undef, 'SELECT count(*), sum(quantity) FROM event', 'SELECT count(*) FROM visit')), "@before", 'nothing of all this is left');
my @ends = ("'-infinity', now()::date", "'2024-01-01', 'infinity'", "'-infinity', 'infinity'", "'infinity', '-infinity'");
is(join(' ', map { $_->[0] } @{ (outcomes('rights_a', map { "SET LOCAL statement_timeout = '20s'; SELECT count(*) FROM months($_)" } @ends))[0] }), '22008 22008 22008 22008', 'months do not run away');
is(as('rights_a', q{SELECT count(*), min(m), max(m) FROM months('2024-01-31', '2025-03-01') m; SELECT count(*) FROM months('2024-02-01', '2024-01-31'); SELECT count(*) FROM months(NULL, '2024-01-31')}), "15|2024-01-01|2025-03-01\n0\n0", 'and are those between two days');

# Views and functions of users: what they lend is theirs, seen with the scope of who looks.
psql('CREATE SCHEMA lent; GRANT ALL ON SCHEMA lent TO PUBLIC; GRANT USAGE ON SCHEMA rights TO rights_nobody');
as('rights_ms', 'CREATE VIEW lent.households AS SELECT * FROM rights.household; GRANT SELECT ON lent.households TO PUBLIC; CREATE VIEW lent.peek WITH (security_invoker) AS SELECT * FROM rights.household; GRANT SELECT ON lent.peek TO PUBLIC');
is(as('rights_ms', 'SELECT count(*) FROM lent.households'), 2000 + 1, 'a view of a manager, to him');
is(join(' ', map { as($_, 'SELECT count(*) FROM lent.households') } 'rights_o1', 'rights_r', 'rights_gone', 'rights_nobody'), '50 0 0 0', 'to others it shows nothing beyond their own posts');
refused('rights_r', 'SELECT FROM lent.peek');
psql('REVOKE USAGE ON SCHEMA rights FROM rights_nobody');

# Readers: sizes of grids outside their windows are no secret, nor is the map.
psql('UPDATE rights.register SET households_min = 40, households_max = 48, residents_min = 100, residents_max = 200');
is(as('rights_r', q{SELECT count(*) > 0, bool_and(households > 48 OR households < 40 OR residents NOT BETWEEN 100 AND 200) FROM size_check}), 't|t', 'a reader sees grids outside their windows');
for my $size (['no household', 0, 0, '0|0|t'], ['two households of forty', 2, 20, '||t'], ['three households of nine people', 3, 3, '||t'], ['three households of twelve people', 3, 4, '3|12|t']) {
    my ($what, $households, $residents, $shown) = @$size;
    my $left = psql(qq{
SET search_path = rights, public;
BEGIN;
UPDATE household SET valid_to = today() WHERE grid = '350304003001001' AND valid_to IS NULL
	AND id NOT IN (SELECT id FROM household WHERE grid = '350304003001001' AND valid_to IS NULL ORDER BY id LIMIT $households);
UPDATE household SET residents = greatest($residents, 1) WHERE grid = '350304003001001' AND valid_to IS NULL;
SELECT grid_rollup_refresh('household_total') \\g /dev/null
SET LOCAL ROLE rights_r;
SELECT households, residents, problem <> '' FROM size_check WHERE code = '350304003001001';
SET LOCAL ROLE rights_ms;
SELECT households, residents FROM figures WHERE code = '350304003001001';
ROLLBACK});
    is($left, "$shown\n$households|" . $households * $residents, "a reader sees of a grid with $what that it is too small" . ($shown =~ /^\|/ ? ', not how small; its manager does' : ''));
}
is(as('rights_r', q{SELECT count(*) FILTER (WHERE level = 'grid') FROM areas}), 120, 'and the map');
is(join(',', split /\n/, psql(q{SELECT c.relname FROM pg_class c WHERE relnamespace = 'rights'::regnamespace AND has_any_column_privilege('rights_r', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') AND relkind IN ('r', 'v', 'm', 'p', 'f') ORDER BY 1})),
    'areas,events_monthly,figures,freshness,reference_case,size_check,staffing_gaps,visit_coverage', 'and nothing else');
is(psql(q{SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT c.oid FROM pg_class c WHERE relnamespace = 'rights'::regnamespace AND has_any_column_privilege('rights_r', c.oid, 'SELECT'))
    AND attname ~ '^(person|role_name|door|household|building|reported_by|note)$'}), 0, 'no column of a person or a household');

# The catalogs: whatever is added to the register has to be thought of.
my $in = q{FROM pg_class c WHERE c.relnamespace = 'rights'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')};
is(psql(qq{SELECT string_agg(DISTINCT c.relowner::regrole::text, ' ') $in}), 'rights_owner', 'one owner of all relations');
is(psql(q{SELECT string_agg(DISTINCT proowner::regrole::text, ' ') FROM pg_proc WHERE pronamespace = 'rights'::regnamespace}), 'rights_owner', 'and functions');
is(psql(q{SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname ~ '^rights_(owner|officer|manager|handler|statistician|reader|admin)$' AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)}), '', 'the register\'s roles cannot log in and are nothing special');
is(psql(q{SELECT string_agg(member::regrole::text, ' ') FROM pg_auth_members WHERE roleid = 'rights_owner'::regrole}), '', 'nobody is a member of the owner');
is(psql(q{SELECT string_agg(DISTINCT format('%s: %s', name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END), ', ') FROM (
    SELECT c.relname::text AS name, a.grantee FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner))) a WHERE c.relnamespace = 'rights'::regnamespace
    UNION ALL SELECT format('%s.%s', c.relname, t.attname), a.grantee FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.relnamespace = 'rights'::regnamespace
    UNION ALL SELECT p.oid::regprocedure::text, a.grantee FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = 'rights'::regnamespace
    UNION ALL SELECT n.nspname, a.grantee FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.nspname = 'rights') x
    WHERE grantee = 0 OR grantee::regrole::text !~ '^rights_(owner|officer|manager|handler|statistician|reader|admin)$'}), '', 'nobody else has any privilege, PUBLIC least');
is(psql(q{SELECT string_agg(DISTINCT c.relname, ' ') FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'rights'::regnamespace AND a.grantee <> c.relowner
    AND (a.is_grantable OR a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'))}), '', 'no privilege to hand on, to truncate, refer to or trigger');
is(psql(q{SELECT string_agg(a.grantee::regrole || ' ' || a.privilege_type, ',' ORDER BY a.grantee::regrole::text) FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'rights' AND a.grantee <> n.nspowner}),
    join(',', map { "rights_$_ USAGE" } qw(admin handler manager officer reader statistician)), 'in the schema the six have USAGE only');
# Every table has row-level security, or is of a kind that has no people or events in it, or nobody else reads it.
is(psql(q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'rights'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relrowsecurity
    AND EXISTS (SELECT FROM unnest(ARRAY['officer', 'manager', 'handler', 'statistician', 'reader', 'admin']) r WHERE has_any_column_privilege('rights_' || r, c.oid, 'SELECT, INSERT, UPDATE'))}),
    'area boundary boundary_version event_kind event_transition organization organization_kind post register', 'tables without row-level security are those without people and events');
is(psql(q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'rights'::regnamespace AND c.relrowsecurity}), join(' ', sort @tables), 'and the others have it');
is(psql(q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'rights'::regnamespace AND c.relrowsecurity AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)}), '', 'with policies');
is(psql(q{SELECT string_agg(format('%s on %s', polname, polrelid::regclass), ', ') FROM pg_policy p WHERE polrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'rights'::regnamespace) AND polroles = '{0}'}), '', 'none for PUBLIC');
is(psql(q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'rights'::regnamespace AND c.relkind = 'v'
    AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee NOT IN (c.relowner, 'rights_admin'::regrole)) AND NOT coalesce(c.reloptions && '{security_barrier=true,security_invoker=true}', false)}), 'areas',
    'every view for others than administrators is a barrier or runs as who looks, but the map');
is(psql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE p.pronamespace = 'rights'::regnamespace AND p.prosecdef
    AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s ~ '^search_path=rights, .*, pg_temp$')}), '', 'functions that run as the owner have a path of their own, temporary objects last');
is(psql(q{SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'rights'::regnamespace AND p.prosecdef AND p.prorettype <> 'trigger'::regtype}),
    'boundary_check boundary_publish figures_age people_without_grid', 'which run as the owner and are called');
is(psql(q{SELECT string_agg(DISTINCT n.nspname, ' ') FROM pg_proc p, unnest(p.proconfig) s, unnest(string_to_array(substr(s, 13), ', ')) part JOIN pg_namespace n ON quote_ident(n.nspname) = part
    WHERE p.pronamespace = 'rights'::regnamespace AND s ~ '^search_path=' AND EXISTS (SELECT FROM unnest(ARRAY['rights_o1', 'rights_m', 'rights_h', 'rights_s', 'rights_r', 'rights_a', 'rights_nobody']) r WHERE has_schema_privilege(r, n.oid, 'CREATE'))}),
    '', 'nobody can create anything where they look');
is(psql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE p.pronamespace = 'rights'::regnamespace AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql') AND coalesce(array_to_string(p.proconfig, ' '), '') !~ 'search_path='}),
    '', 'every body that is parsed when it runs has a path of its own');
is(psql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE p.pronamespace = 'rights'::regnamespace AND p.proleakproof}), '', 'none claims to be leakproof');
is(psql(q{SELECT bool_and(p.proleakproof) FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE o.oprname IN ('<@', '@>', '=', '<') AND o.oprleft = 'gridcode'::regtype AND o.oprright = 'gridcode'::regtype}), 't', 'operators of codes are');

# With the policies, plans find the rows of a scope by an index.
sub plans {
    my ($who, @statements) = @_;
    return many($who, map { /^PREPARE p (.*?;)\s*(EXECUTE .*)/s ? "SET plan_cache_mode = force_generic_plan;\nPREPARE p $1\nEXPLAIN (COSTS OFF) $2;\nDEALLOCATE p" : "EXPLAIN (COSTS OFF) $_" } @statements);
}
my $by_code = qr/Index (?:Only )?Scan (?:using|on) \w+_gridcode\w*[^\n]*\n\s+Index Cond: \(\(?\(?gridcode/;
my @by_code = map { my $table = $_; map { "SELECT * FROM $table$_" } '', q{ WHERE gridcode <@ '350304001001001'} } qw(household event visit building event_step);
push @by_code, (map { "SELECT * FROM event WHERE $_" } q{kind = 'fire'}, q{reported_at >= '2024-02-01' AND reported_at < '2024-03-01'}, q{gridcode <@ '350304001001001' AND kind = 'fire' AND reported_at >= '2024-02-01'}),
    q{SELECT * FROM visit WHERE visited_at >= '2024-02-01'}, 'SELECT * FROM household WHERE residents > 2', 'SELECT * FROM household WHERE valid_to IS NULL', q{SELECT * FROM events WHERE kind = 'fire'},
    q{PREPARE p (gridcode, text, timestamptz) AS SELECT * FROM event WHERE gridcode <@ $1 AND kind = $2 AND reported_at >= $3; EXECUTE p ('350304001001001', 'fire', '2024-02-01')},
    'PREPARE p (int) AS SELECT * FROM household WHERE residents > $1; EXECUTE p (2)', q{PREPARE p (gridcode) AS SELECT * FROM visit WHERE gridcode <@ $1; EXECUTE p ('350304001001001')};
for my $who ('rights_o1', 'rights_m') {
    my @plans = plans($who, @by_code);
    like($plans[$_], $by_code, "$who by an index on the code: $by_code[$_]") for 0 .. $#by_code;
}
my @by_department = ('SELECT * FROM event', q{SELECT * FROM event WHERE reported_at >= '2024-01-01'}, 'SELECT * FROM events', q{PREPARE p (text) AS SELECT * FROM event WHERE state = $1; EXECUTE p ('dispatched')});
my @handled = plans('rights_h', @by_department);
like($handled[$_], qr/Index Scan (?:using|on) event_department_idx[^\n]*\n\s+Index Cond: \(department = ANY/, "rights_h by the index on departments: $by_department[$_]") for 0 .. $#by_department;

drop_roles();
is(psql_in_postgres(q{SELECT count(*) FROM pg_roles WHERE rolname ~ '^rights_'}), 0, 'nothing is left behind');
done_testing();

sub psql_in_postgres { return `$ENV{GT_BIN}/psql -XqAt -d postgres -c "$_[0]"` =~ s/\s+$//r; }
