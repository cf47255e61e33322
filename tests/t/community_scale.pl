# With many grids the figures of one street, and the rows of one officer, are still look-ups: nothing large is read from
# end to end, and with nine times as many grids a query reads hardly more.
use strict;
use warnings;
use GridTest;
use Test::More;

my @roles = map { "scale_$_" } qw(owner officer manager handler statistician reader admin);
my $street = '350104003';
my $grid = "${street}004002";
my $household = "SELECT id FROM community.household WHERE grid = '$grid' LIMIT 1";

# A database with so many districts of 330 grids.
sub register {
    my ($districts) = @_;
    fresh_database('community_scale');
    psql("\\set role_prefix scale\n\\i sql/community/install.sql");
    psql("\\set districts $districts\n\\i tests/bench/lib/many_grids.sql");
    psql(<<"SQL");
GRANT scale_officer TO scale_li; GRANT scale_statistician TO scale_wu; GRANT scale_reader TO scale_tool; GRANT scale_admin TO scale_chen;
UPDATE community.assignment SET role_name = 'scale_li' WHERE post = 'officer' AND area = '$grid';
INSERT INTO community.assignment (person, post, area, role_name) VALUES (gen_random_uuid(), 'statistician', '$street', 'scale_wu');
-- rows, blocks, and the tables of which more than 1,000 rows are read at once
CREATE FUNCTION cost_of(query text, OUT rows bigint, OUT blocks bigint, OUT read_whole text) LANGUAGE plpgsql AS \$\$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan;	-- warms up
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan;
	rows := plan #>> '{0,Plan,Actual Rows}';
	blocks := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
	SELECT string_agg(DISTINCT n->>'Relation Name', ', ') INTO read_whole
	FROM jsonb_path_query(plan, '\$.** ? (exists (\@."Relation Name"))') n
	WHERE (n->>'Actual Rows')::numeric + coalesce((n->>'Rows Removed by Filter')::numeric, 0) > 1000;
END \$\$;
SQL
    return psql(q{SELECT count(*) FROM community.area WHERE level = 'grid'});
}

# [who, query, at most so many blocks]
my @queries;
# events_monthly looks each month of an area up, so that a single month costs no more than itself
my %per_area = (figures => 60, events_monthly => 60, visit_coverage => 100, staffing_gaps => 30, areas => 10, size_check => 20);
for my $who (['scale_chen', 67], ['scale_wu', 67], ['scale_tool', 12]) {
    my ($role, $areas) = @$who;
    for (sort keys %per_area) {
        push @queries, [$role, "SELECT * FROM community.$_ WHERE street_code = '$street'", $per_area{$_} * (/^areas|size_check/ ? 67 : $areas)];
    }
    push @queries, [$role, "SELECT * FROM community.figures WHERE parent_code = '$street'", 60 * 11];
    push @queries, [$role, "SELECT * FROM community.figures WHERE code = '$street'", 60];
    push @queries, [$role, "EXECUTE prepared('$street')", 60 * $areas];
    # what is in no grid, and what is of the whole register
    push @queries, [$role, "SELECT * FROM community.figures WHERE level = 'none'", 100], [$role, "SELECT * FROM community.events_monthly WHERE level = 'none'", 300];
    push @queries, [$role, "SELECT * FROM community.reference_case", 300], [$role, "SELECT * FROM community.visit_coverage WHERE code = '$street'", 100 * 12];
}
push @queries, ['scale_li', $_, 60] for "SELECT * FROM community.household", "SELECT * FROM community.event", "SELECT * FROM community.events",
    "SELECT * FROM community.events WHERE state <> 'closed'", "SELECT * FROM community.visit", "SELECT * FROM community.household WHERE grid = '$grid'",
    "SELECT * FROM community.figures WHERE code = '$grid'";

sub costs {
    return [map {
        my ($role, $query) = @$_;
        my $quoted = $query =~ s/'/''/gr;
        my $prepare = $query =~ /^EXECUTE/ ? 'SET plan_cache_mode = force_generic_plan; PREPARE prepared (text) AS SELECT * FROM community.figures WHERE street_code = $1;' : '';
        [split /\|/, psql("SET jit = off; SET max_parallel_workers_per_gather = 0; SET ROLE $role; $prepare SELECT rows, blocks, coalesce(read_whole, '') FROM cost_of('$quoted')"), -1];
    } @queries];
}

psql('CREATE ROLE scale_li; CREATE ROLE scale_wu; CREATE ROLE scale_tool; CREATE ROLE scale_chen');
is(register(10), 3300, 'a register of 3,300 grids');
my $few = costs();
is(register(90), 29700, 'a register of 29,700 grids');
my $many = costs();
for (0 .. $#queries) {
    my ($role, $query, $most) = @{ $queries[$_] };
    my ($rows, $blocks, $read_whole) = @{ $many->[$_] };
    my $name = "$role: $query";
    cmp_ok($rows, '>', 0, "$name: has rows");
    is($rows, $few->[$_][0], 'as many as in the small register');
    is($read_whole, '', 'nothing large is read whole');
    cmp_ok($blocks, '<=', $most, 'blocks');
    cmp_ok($blocks, '<=', 20 + 3 * $few->[$_][1], "$blocks, with a ninth of the grids $few->[$_][1]");
}
psql('DROP SCHEMA community CASCADE');
psql(join '', map { "DROP OWNED BY $_; DROP ROLE $_;" } @roles, qw(scale_li scale_wu scale_tool scale_chen));
done_testing();
