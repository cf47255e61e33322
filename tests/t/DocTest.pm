# DocTest.pm: a document's examples are run, and its outputs compared with what psql says.
#
# A block ```sql is run; a block ```text right after it is its output. All blocks of a document are one psql session.
# DOC_EXAMPLES=write puts the outputs into the document instead, for a person to read and commit.
package DocTest;
use strict;
use warnings;
use Exporter 'import';
use GridTest;
use Test::More;

our @EXPORT = qw(check_document);

my $example = qr/^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/ms;

# What psql, as a person sees it, says to each of these blocks.
sub outputs {
    my ($database, @blocks) = @_;
    my $script = "$ENV{GT_TMP}/doc.$$.sql";
    open my $f, '>', $script or die $!;
    print $f map {"$_\\echo =-=-=\n"} @blocks;
    close $f;
    local $ENV{PATH} = "$ENV{GT_BIN}:$ENV{PATH}";
    local $ENV{PGDATABASE} = $database;
    my $said = `psql -X < $script 2>&1`;
    unlink $script;
    # what a script says of itself, and commands that only say they worked, is not for the reader
    return map { s/^(?:[A-Z]+(?: [A-Z]+)*(?: \d+)*\n)+//mgr =~ s/\A\n+//r =~ s/\n+\z/\n/r =~ s/ +$//mgr } split /^=-=-=\n/m, $said;
}

sub check_document {
    my ($document, $database) = @_;
    open my $f, '<', $document or die "$document: $!";
    my $text = do { local $/; <$f> };
    close $f;
    my (@blocks, @shown);
    while ($text =~ /$example/g) {
        push @blocks, $1;
        push @shown, $2 // '';
    }
    my @said = outputs($database, @blocks);
    if (($ENV{DOC_EXAMPLES} // '') eq 'write') {
        my $n = 0;
        $text =~ s{$example}{my $out = $said[$n++] // ''; "```sql\n$1```\n" . ($out =~ /\S/ ? "\n```text\n$out```\n" : '')}ge;
        open $f, '>', $document or die "$document: $!";
        print $f $text;
        close $f;
        return pass("$document: outputs written");
    }
    is($said[$_] // '', $shown[$_], "$document: " . ($blocks[$_] =~ /\A(.*)/)[0]) for 0 .. $#blocks;
}

1;
