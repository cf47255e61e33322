# The reference says what the SQL comments say.
use strict;
use warnings;
use Test::More;
use GridTest;

fresh_database('reference');
my $made = psql(do { local (@ARGV, $/) = 'tests/reference.sql'; <> });
my $kept = do { local (@ARGV, $/) = 'docs/reference.md'; <> };
chomp $kept;
ok($made eq $kept, 'docs/reference.md is what make reference writes');
if ($made ne $kept) {
    my %kept = map { $_ => 1 } split /\n/, $kept;
    diag("not in docs/reference.md: $_") for grep { !$kept{$_} } split /\n/, $made;
}
unlike($made, qr/^### `[^`]+`\n\n\n/m, 'every object says what it is');
unlike($made, qr/: *$/m, 'every line has its comment');
done_testing();
