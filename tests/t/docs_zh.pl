# The Chinese documents: the same code blocks, headings and links as the English ones, links that lead somewhere, and a
# glossary whose names exist.
# DOC_EXAMPLES=write copies the English blocks over the Chinese ones, one by one, if there are as many of the same kinds.
use strict;
use warnings;
use utf8;
use File::Basename 'dirname';
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

sub text_of {
    my ($file) = @_;
    open my $f, '<:encoding(UTF-8)', $file or die "$file: $!";
    local $/;
    return scalar <$f>;
}

# A document as pieces, in order: [kind, text]. A code block's kind is its opening fence, or "indented"; that of other lines is ''.
sub pieces {
    my ($file) = @_;
    my (@pieces, $fence);
    my $after_blank = 1;    # an indented block follows an empty line or itself
    for my $line (split /^/, text_of($file)) {
        if (defined $fence) {
            $pieces[-1][1] .= $line;
            undef $fence if $line =~ /^\Q$fence\E\s*$/;
            $after_blank = 0;
        } elsif ($line =~ /^((```+|~~~+).*)/) {
            $fence = $2;
            push @pieces, [$1, $line];
        } elsif ($line =~ /^(?: {4}|\t)\s*\S/ && $after_blank) {
            $after_blank == 2 ? ($pieces[-1][1] .= $line) : push @pieces, ['indented', $line];
            $after_blank = 2;
        } else {
            push @pieces, ['', $line];
            $after_blank = $line =~ /^\s*$/ ? 1 : 0;
        }
    }
    die "$file: a block has no end" if defined $fence;
    return @pieces;
}

# What a document is made of: its code blocks, whole, and the rest as prose.
sub parts {
    my @pieces = pieces(@_);
    return ([map { $_->[1] } grep { $_->[0] ne '' } @pieces], join '', map { $_->[1] } grep { $_->[0] eq '' } @pieces);
}

sub copy_blocks {
    my ($english, $chinese) = @_;
    my @blocks = grep { $_->[0] ne '' } pieces($english);
    my @pieces = pieces($chinese);
    my @theirs = grep { $_->[0] ne '' } @pieces;
    my ($kinds, $their_kinds) = map { join "\n", map { $_->[0] } @$_ } \@blocks, \@theirs;
    return diag("$chinese: not written, its blocks are not those of $english") if $kinds ne $their_kinds;
    $theirs[$_][1] = $blocks[$_][1] for 0 .. $#blocks;
    open my $f, '>:encoding(UTF-8)', $chinese or die "$chinese: $!";
    print $f map { $_->[1] } @pieces;
    close $f;
}

sub headings { return join ' ', $_[0] =~ /^(#+) /mg; }

# [text](target), not images of other sites
sub links { return grep { !/^[a-z]+:/ } $_[0] =~ /\]\(([^)\s]+)\)/g; }

# The path of a link from a document, without . and ..
sub resolved {
    my ($from, $target) = @_;
    my @path;
    for (split m{/}, dirname($from) . '/' . $target =~ s/#.*//r) {
        next if $_ eq '.' || $_ eq '';
        if ($_ eq '..') { pop @path } else { push @path, $_ }
    }
    return $target =~ /^#/ ? $from : join '/', @path;
}

# Where a heading can be linked to
sub anchors {
    my ($prose) = @_;
    return map { '#' . lc($_ =~ s/[^\w\s-]//gr) =~ s/\s/-/gr } $prose =~ /^#+ +(.*?) *$/mg;
}

sub same_document {
    my ($english, $chinese) = @_;
    copy_blocks($english, $chinese) if ($ENV{DOC_EXAMPLES} // '') eq 'write';
    my ($blocks, $prose) = parts($english);
    my ($theirs, $their_prose) = parts($chinese);
    cmp_ok(scalar @$blocks, '>', 0, "$english has code blocks");
    is(scalar @$theirs, scalar @$blocks, "$chinese has as many");
    for my $n (0 .. $#$blocks) {
        my ($first) = grep { !/^```/ } split /\n/, $blocks->[$n];
        is($theirs->[$n], $blocks->[$n], "$chinese: block " . ($n + 1) . ": $first");
    }
    is(headings($their_prose), headings($prose), "$chinese has the same headings");
    my @untranslated = grep { !/\p{Han}/ && $_ ne '# gridtree' } $their_prose =~ /^(#+ .*)$/mg;
    is("@untranslated", '', "$chinese: they are in Chinese");
    # a link may lead to the Chinese counterpart
    my %linked = map { s{^docs/zh/README\.md$}{README.md}r =~ s{^docs/zh/}{docs/}r => 1 } map { resolved($chinese, $_) } links($their_prose);
    my @missing = grep { !$linked{$_} && $_ ne $chinese } map { resolved($english, $_) } links($prose);
    is("@missing", '', "$chinese links to what $english links to");
}

same_document('README.md', 'docs/zh/README.md');
same_document('docs/tutorial.md', 'docs/zh/tutorial.md') if -e 'docs/zh/tutorial.md';

for my $file (glob 'docs/zh/*.md') {
    my ($blocks, $prose) = parts($file);
    my @broken;
    for my $link (links($prose)) {
        my $target = resolved($file, $link);
        push(@broken, $link), next unless -e $target;
        push @broken, $link if $link =~ /(#.*)/ && !grep { $_ eq $1 } anchors((parts($target))[1]);
    }
    is("@broken", '', "$file: every link leads somewhere");
}

# The glossary: rows of | Chinese | English | name | meaning |
my @rows = map { [map { s/^\s+|\s+$//gr } split /\|/, $_] }
    grep { !/^\|[-|]+$/ } text_of('docs/zh/glossary.md') =~ /^\|(.*)\|$/mg;
@rows = grep { $_->[2] !~ /^-+$/ && $_->[2] ne '名称' } @rows;
cmp_ok(scalar @rows, '>', 50, 'the glossary has terms');
is(join(' ', map { $_->[0] } grep { @$_ != 4 || grep { $_ eq '' } @$_ } @rows), '', 'each has four columns, all filled');
is(join(' ', map { $_->[0] } grep { $_->[0] !~ /\p{Han}/ || $_->[3] !~ /\p{Han}/ } @rows), '', 'Chinese terms, and meanings in Chinese');
my (%seen, @twice);
$seen{$_->[0]}++ && push @twice, $_->[0] for @rows;
is("@twice", '', 'each once');

# every name exists; of a column, in the definition of its table or view
my $sources = join "\n", map { text_of($_) } 'README.md', glob('docs/*.md sql/install/*.sql sql/community/*.sql sql/community/migrations/*.sql sql/community/comments/en.sql');
my @unknown;
for my $name (map { $_->[2] =~ /`([^`]+)`/g } @rows) {
    if ($name =~ /^(\w+)\.(\w+)$/) {
        my ($table, $column) = ($1, $2);
        push @unknown, $name unless $sources =~ /^CREATE (?:TABLE|OR REPLACE VIEW) \Q$table\E\b(?:(?!^\S*CREATE ).)*?\b\Q$column\E\b/ms;
    } else {
        push @unknown, $name unless $name =~ /^\w+$/ && $sources =~ /\b\Q$name\E\b/;
    }
}
is("@unknown", '', 'every name exists');
is(join(' ', map { $_->[0] } grep { $_->[2] !~ /^`[\w.]+`$/ && $_->[2] ne '—' } @rows), '', 'one name a term, written as code');

# kinds and posts are called what the register calls them
my ($names) = text_of('sql/community/comments/zh.sql') =~ /\A(.*?)^CREATE TEMP TABLE/ms;
my %called;
push @{$called{$_->[2] =~ s/`//gr}}, $_->[0] for @rows;
my @otherwise;
my $named = 0;
while ($names =~ /^\t\('(\w+)',(?: \d+,)? '([^']+)'/mg) {
    my ($key, $name) = ($1, $2);
    $named++;
    push @otherwise, "$key $name" unless grep { $_ eq $name } @{$called{$key} // []};
}
cmp_ok($named, '>', 20, 'the register has names of kinds and posts');
is(join(', ', @otherwise), '', 'they are the glossary\'s');
done_testing();
