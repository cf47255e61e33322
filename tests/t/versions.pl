# One version, the control file's, wherever a version is said.
use strict;
use warnings;
use Test::More;
use GridTest;

sub content { my ($file) = @_; local (@ARGV, $/) = $file; return scalar <>; }

my ($version) = content('extension/gridtree.control') =~ /^default_version = '([^']+)'/m;
ok($version, "the control file says $version");

fresh_database('versions');
is(psql("SELECT extversion FROM pg_extension WHERE extname = 'gridtree'"), $version, 'the SQL objects');
is(psql('SELECT grid_version()'), $version, 'the shared library');
is(`$ENV{GT_BIN}/gridtreed --version`, "gridtreed $version\n", 'the daemon');
my @meta = content('META.json') =~ /"version": "(\d+\.\d+\.\d+)"/g;
is_deeply([grep { $_ eq '1.0.0' || $_ eq $version } @meta], \@meta, 'META.json, beside its own format');
is(scalar(grep { $_ eq $version } @meta), 2, 'of the distribution and of the extension');
like(content('META.json'), qr{"sql/gridtree--\Q$version\E\.sql"}, 'and its file');
done_testing();
