# The register's names and comments in English and in Chinese: each row of the one has its row in the other, nothing is
# without a comment, no comment is for nothing, and an upgrade changes neither the language nor what users have named.
use strict;
use warnings;
use Test::More;
use GridTest;

my $schema = 'register_texts';

sub database { return "community_comments_$_[0]"; }
sub prefix { return "texts_$_[0]"; }

# what psql says of an installation
sub installing {
    my ($language, @options) = @_;
    return scalar `$ENV{GT_BIN}/psql -XqAt -d @{[database($language)]} -v schema=$schema @options -f sql/community/install.sql 2>&1`;
}

sub install {
    my ($language, @options) = @_;
    my $said = installing($language, @options);
    is($? >> 8, 0, "$language: installed @options") or diag($said);
}

# SQL in the register of a language
sub ask {
    my ($language, $sql) = @_;
    my $out = `$ENV{GT_BIN}/psql -XqAt -v ON_ERROR_STOP=1 -d @{[database($language)]} -c "SET search_path = $schema, public" -c "$sql"`;
    die "in $language: $sql" if $?;
    chomp $out;
    return $out;
}

sub rows { return map { [split /\|/, $_, 3] } split /\n/, ask(@_); }

# Relations of the register but for those by which rollups work inside
my $relations = "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.oid NOT IN (SELECT log FROM grid_rollup_catalog UNION ALL SELECT rows FROM grid_rollup_catalog)";

# What can have a comment, and has: relation, column, comment
my $everything = "
    SELECT 'schema', '', coalesce(obj_description('$schema'::regnamespace, 'pg_namespace'), '')
    UNION ALL SELECT c.relname, '', coalesce(obj_description(c.oid, 'pg_class'), '') FROM ($relations) c
    UNION ALL SELECT c.relname, a.attname, coalesce(col_description(c.oid, a.attnum), '')
        FROM ($relations) c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT p.proname || '()', '', coalesce(obj_description(p.oid, 'pg_proc'), '') FROM pg_proc p WHERE p.pronamespace = '$schema'::regnamespace
    ORDER BY 1, 2";

# The rows of a comments file, as SQL reads them
sub said_in {
    my ($language) = @_;
    my $out = `$ENV{GT_BIN}/psql -XqAt -v ON_ERROR_STOP=1 -d @{[database($language)]} -c 'BEGIN' -c 'SET LOCAL search_path = $schema, public' \\
        -f sql/community/comments/$language.sql -c "SELECT coalesce(relation, ''), coalesce(name, ''), comment FROM community_comment" -c 'ROLLBACK'`;
    die $language if $?;
    return map { [split /\|/, $_, 3] } split /\n/, $out;
}

sub key { return join '.', @{$_[0]}[0, 1]; }

my $chinese = qr/\xe4[\xb8-\xbf]|[\xe5-\xe9][\x80-\xbf]/;    # the UTF-8 of U+4E00 and on, in bytes
my (%said, %has);

for my $language ('en', 'zh') {
    fresh_database(database($language));
    install($language, "-v role_prefix=@{[prefix($language)]}", "-v lang=$language");
    is(ask($language, 'SELECT language FROM register'), $language, "$language: the register knows its language");

    my @said = said_in($language);
    $said{$language} = {map { key($_) => $_->[2] } @said};
    is(scalar keys %{$said{$language}}, scalar @said, "$language: no row twice");
    my @has = rows($language, $everything);
    $has{$language} = \@has;
    cmp_ok(scalar @has, '>', 300, "$language: there is much to say something about");
    is(join(' ', map { key($_) } grep { $_->[2] eq '' } @has), '', "$language: everything has a comment");
    # a row of its own, or for a column the row of every column of its name
    is(join(' ', map { key($_) } grep { $_->[2] ne ($said{$language}{key($_)} // ($_->[1] ne '' ? $said{$language}{".$_->[1]"} : undef) // '') } @has),
        '', "$language: it is the one of comments/$language.sql");
    my %used = map { (key($_) => 1, exists $said{$language}{key($_)} || $_->[1] eq '' ? () : (".$_->[1]" => 1)) } @has;
    is(join(' ', sort grep { !$used{$_} } keys %{$said{$language}}), '', "$language: no row is for nothing");
}

is(join(' ', sort keys %{$said{zh}}), join(' ', sort keys %{$said{en}}), 'both languages have the same rows');
is(join(' ', map { key($_) } @{$has{zh}}), join(' ', map { key($_) } @{$has{en}}), 'and make the same register');
is(join(' ', map { key($_) } grep { $_->[2] !~ $chinese } @{$has{zh}}), '', 'Chinese comments are Chinese');
is(join(' ', map { key($_) } grep { $_->[2] =~ /[^\x00-\x7f]/ } @{$has{en}}), '', 'English ones are not');

my %kinds = (organization_kind => 'kind, rank', post => 'post, sees_rows', event_kind => 'kind, parent, unit, days, position');
for my $table (sort keys %kinds) {
    is(ask('zh', "SELECT $kinds{$table} FROM $table ORDER BY 1"), ask('en', "SELECT $kinds{$table} FROM $table ORDER BY 1"), "$table: the same in both languages");
    my @zh = map { $_->[0] } rows('zh', "SELECT name FROM $table ORDER BY $kinds{$table}");
    my @en = map { $_->[0] } rows('en', "SELECT name FROM $table ORDER BY $kinds{$table}");
    cmp_ok(scalar @zh, '>', 0, "$table: there are some");
    is(join(' ', grep { $_ !~ $chinese } @zh), '', "$table: names are Chinese");
    is(join(' ', grep { /[^\x00-\x7f]/ } @en), '', "$table: or English");
}
like(ask('zh', 'SELECT name FROM figures WHERE code IS NULL'), $chinese, 'the row of what is in no grid, too');
unlike(ask('en', 'SELECT name FROM figures WHERE code IS NULL'), $chinese, 'in each language');

# An upgrade
ask('zh', "UPDATE event_kind SET name = 'ours' WHERE kind = 'fire'");
ask('zh', "DELETE FROM event_kind WHERE kind = 'market'");
ask('zh', "INSERT INTO event_kind (kind, parent, name, unit, days) VALUES ('alarm', 'fire', 'alarms', 'case', 1)");
ask('zh', "UPDATE post SET name = 'ours' WHERE post = 'officer'");
ask('zh', "UPDATE organization_kind SET name = 'ours' WHERE kind = 'branch'");
ask('zh', 'COMMENT ON TABLE household IS NULL');
ask('zh', 'COMMENT ON COLUMN figures.households IS NULL');
my $names = join "\n", map { ask('zh', "SELECT * FROM $_ ORDER BY 1") } sort keys %kinds;
like($names, qr/ours.*ours.*ours/s, 'users name things');
my $zh = join "\n", map { join '|', @$_ } @{$has{zh}};
isnt(ask('zh', $everything), $zh, 'and comments get lost');
like(installing('zh', '-v lang=en'), qr/the register in schema $schema has lang "zh", not "en"/, 'another language is refused');
install('zh');
is(ask('zh', 'SELECT language FROM register'), 'zh', 'an upgrade keeps the language');
is(join("\n", map { ask('zh', "SELECT * FROM $_ ORDER BY 1") } sort keys %kinds), $names, 'and names and kinds as users have them');
is(ask('zh', $everything), $zh, 'and says again what was lost');

# roles are of all databases
for my $language ('en', 'zh') {
    my $database = database($language);
    `$ENV{GT_BIN}/psql -Xq -d postgres -c 'DROP DATABASE $database'`;
    `$ENV{GT_BIN}/psql -XqAt -d postgres -c "SELECT format('DROP ROLE %I;', rolname) FROM pg_roles WHERE starts_with(rolname, '@{[prefix($language)]}_')" \\
        | $ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d postgres`;
}
is(`$ENV{GT_BIN}/psql -XqAt -d postgres -c "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'texts_')"`, "0\n", 'nothing is left');
done_testing();
