# pg_dump by the owner, who is no superuser, into a new database: definitions,
# figures, touched cells and settings are there, and everything works on.
use strict;
use warnings;
use GridTest;
use MovedRollup;
use Test::More;

fresh_database('rollup_dump');
psql('DROP ROLE IF EXISTS rollup_dumper');
psql(rollup_to_move('rollup_dumper'));
my @questions = questions_before();
my @before = map { psql($_) } @questions;

my $dump = "$ENV{GT_TMP}/rollup.sql";
is(system("$ENV{GT_BIN}/pg_dump -U rollup_dumper -d rollup_dump -f $dump") >> 8, 0, 'the owner dumps');
my $table = "$ENV{GT_TMP}/table.sql";
is(system("$ENV{GT_BIN}/pg_dump -U rollup_dumper -d rollup_dump -t 's.cases*' -f $table") >> 8, 0, 'the owner dumps a table');

psql('SELECT 1');
fresh_database('rollup_restored');
psql('DROP EXTENSION gridtree; DROP EXTENSION postgis');
is(system("$ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d rollup_restored -f $dump >$dump.log 2>&1") >> 8, 0, 'restore')
    or diag(`tail -5 $dump.log`);
is(psql($questions[$_]), $before[$_], "as before: $questions[$_]") for 0 .. $#questions;
works_on('rollup_dumper', \&psql);

# a table alone carries triggers without a catalog: a warning, never an error
fresh_database('rollup_table');
psql('CREATE SCHEMA s AUTHORIZATION rollup_dumper');
is(system("$ENV{GT_BIN}/psql -Xq -v ON_ERROR_STOP=1 -d rollup_table -f $table >$table.log 2>&1") >> 8, 0, 'restore of the table')
    or diag(`tail -5 $table.log`);
my ($out, $err, $status) = psql_try("INSERT INTO s.cases VALUES (1, '35'); INSERT INTO s.cases VALUES (2, '35'); TRUNCATE s.cases");
is($status, 0, 'writers go on');
is(() = $err =~ /WARNING/g, 1, 'one warning a session');
psql("DROP SCHEMA s CASCADE; DROP OWNED BY rollup_dumper");
fresh_database('rollup_dump');
psql('DROP DATABASE rollup_restored');
psql('DROP OWNED BY rollup_dumper; DROP ROLE rollup_dumper');
done_testing();
