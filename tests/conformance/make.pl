# make.pl FOLDER: makes gridstats.tsv and gridtree.tsv there (README.md). A second
# implementation: it shares nothing with the extension but the definition in
# extension/stats.h and tree.h, works out each state from all of its values and
# each answer as an exact ratio, and checks what stats.h promises on the way.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Exact;
use State;
use Tree;

my $folder = shift // $FindBin::Bin;
my $out;

# A generator of its own, so that the files are the same everywhere.
my $seed = 20240229;
sub random_bits {
    my ($n) = @_;
    $seed = ($seed * 1664525 + 1013904223) & 0xffffffff;
    return $seed >> (32 - $n);
}

sub random_double { return sprintf '%08x%04x%04x', map { random_bits($_) } 32, 16, 16; }

# 53 bits without a pattern, times a power of two.
sub scrambled { return nearest(big(1 << 52 | random_bits(26) << 26 | random_bits(26)), big(1), $_[0] - 52); }

sub doubles { return map { nearest_decimal($_) } @_; }
sub negated { return sprintf('%x', hex(substr $_[0], 0, 1) ^ 8) . substr $_[0], 1; }

sub say_line { print $out join("\t", @_), "\n"; }

# --- gridstats: the collection at each step; the last step of each sequence, and the last one not refused
my (%at, %last, %held);

sub stats_line {
    my ($name, $operation, $operands, $collection) = @_;
    my $step = $last{$name} = defined $last{$name} ? $last{$name} + 1 : $operation eq 'none' ? 0 : 1;
    return say_line($name, $step, $operation, @$operands, 'refused 22003', ('') x 8) if count_of($collection) > LIMIT;
    my $state = state_of($collection);
    check_claims($collection, $state);
    $held{$name} = $step;
    $at{"$name/$step"} = $collection;
    say_line($name, $step, $operation, @$operands, unpack('H*', pack_state($state)), state_text($state), answers($state));
}

sub add {
    my ($name, @values) = @_;
    for my $value (@values) {
        my $before = $held{$name} ? $at{"$name/$held{$name}"} : {};
        stats_line($name, 'add', [ $value, text($value) ], union($before, { $value => 1 }));
    }
}

sub merge {
    my ($name, $left, $right) = @_;
    s{^\w+$}{$&/$held{$&}} for $left, $right;
    stats_line($name, 'merge', [ $left, $right ], union(map { $at{$_} // die "no $_\n" } $left, $right));
}

# The last state with itself, so many times.
sub double_up { my ($name, $times) = @_; merge($name, $name, $name) for 1 .. $times; }

sub everyday_sequences {
    stats_line('nothing', 'none', [ '', '' ], {});
    add('integers', doubles(1 .. 6, 255, 65536, '16777216', '9007199254740991'));
    add('decimals', doubles(qw(0.1 0.2 0.3 19.99 0.001 1234.56 0.7 100.01 0.00001)));
    add('negative', doubles(qw(-1 -2.5 -0.1 -128 -32768 -1e9 -1e-9)));
    add('cancelling', doubles(qw(1e16 1 -1e16 -1 0.1 -0.1 1e300 1 -1e300 -1)));
    add('far', doubles(map { "1700000000.$_" } qw(125 250001 1 999999 500003 7)), doubles(qw(1e15 1000000000000000.125)));
    add('far_and_close', doubles(qw(9007199254740991 9007199254740990 9007199254740989)));
    add('same', doubles(('0.1') x 4));
    add('zeros', ZERO, '8000000000000000', ZERO, doubles('-1.5'));
    add('negative_zero', '8000000000000000');
}

# How the windows rise, and what falls out of them.
sub window_sequences {
    add('rising_1', map { scrambled(24 * $_ + 7) } -3 .. 4);
    add('rising_2', map { $_ % 2 ? scrambled(48 * $_) : negated(scrambled(48 * $_)) } -2 .. 2);
    add('rising_4', map { scrambled(96 * $_ + 20) } -2 .. 2);
    add('rising_9', map { negated(scrambled(216 * $_)) } -4 .. 4);
    add('orders', doubles(map { "1e$_" } map { 50 * $_ } -6 .. 6), doubles(qw(-1e250 -1e-250 -1e299)));
    add('falling', map { $_ % 3 ? scrambled(100 - 9 * $_) : negated(scrambled(100 - 9 * $_)) } 0 .. 13);
    add('falling_far', doubles(qw(1e100 -1e80 1e70 1e50 1e-200 1*2^236 1*2^235 -3*2^236)));
    add('edges', doubles(map { "1*2^$_" } -25, -24, -1, 0, 23, 24, 47, 48), doubles('16777215*2^0', '-281474976710655*2^24'));
    add('squares_only', doubles('4096', '4095', '1*2^36', '1*2^35'));    # where the squares' window rises alone
}

# The ends of the doubles, and answers that are half-way, beyond or below them.
sub extreme_sequences {
    add('subnormal', doubles(map { "$_*2^-1074" } 1, 3, -2, 4096, 262143, 262144, '4503599627370495', '4503599627370496', -7));
    add('greatest', '7fefffffffffffff', '7fefffffffffffff', 'ffefffffffffffff', 'ffefffffffffffff', '7fefffffffffffff', doubles(1));
    add('brink', '7fefffffffffffff', doubles(qw(1*2^969 1*2^969 -1*2^920 1*2^920)));
    add('brink_below', map { negated($_) } '7fefffffffffffff', doubles(qw(1*2^969 1*2^969 -1*2^920)));
    add('ties', doubles('1*2^53', 1, 2, 1, '1*2^-30', '-1*2^-29', '-1*2^-40'));
    add('tie_of_mean', doubles('4503599627370497*2^-52', 1));
    add('tie_of_mean_up', doubles('4503599627370497*2^-52', '4503599627370498*2^-52'));
    add('tie_of_variance', doubles(0, 94906267));
    add('half_of_least', doubles(0, '1*2^-537'));
    add('more_than_half', doubles(0, '4503599627370497*2^-589'));
    add('once_down', doubles(0, '7468375084986164*2^-588'));    # by so little not half that 53 bits do not show it
    add('once_up', doubles(0, '4642204239785223*2^-587'));
    add('one_and_a_half', doubles('3*2^-1074', 0));
    add('least_below', doubles('-1*2^-1074', 0));
    add('small_variance', doubles('-1.1e-160', '1.3e-160', '7e-161', '5e-162'));
    add('nan', 'fff8000000000000', '7ff8000000000000', '7ff0000000000001', 'fff7ffffffffffff', '7fffffffffffffff', doubles(2));
    add('nan_later', doubles(5, -5), '7ff800000000beef', INFINITY);
    add('infinite', doubles(1), INFINITY, INFINITY, doubles(-1), 'ffefffffffffffff');
    add('infinite_below', negated(INFINITY), doubles(3), '7fefffffffffffff');
    add('infinite_both', INFINITY, negated(INFINITY), doubles(0.5), '7ff8000000000000');
}

sub random_sequences {
    add('random_bits', grep { kind($_) eq 'finite' } map { random_double() } 1 .. 20);
    add('random_scales', map { nearest(big(random_bits(32) - (1 << 31)), big(1), random_bits(7) - 64) } 1 .. 13);
    add('random_money', map { nearest(big(random_bits(24) - 5000000), big(100), 0) } 1 .. 13);
}

# Up to the limit, of values that fill a digit of every bin, and of both signs.
sub doubled_sequences {
    add('doubled', '433fffffffffffff');
    double_up('doubled', 39);
    merge('doubled', 'doubled', 'doubled');
    add('doubled', doubles(1));
    merge('doubled', 'doubled', 'nothing');
    merge('doubled', 'doubled/2', 'doubled/39');
    add('doubled_signs', '47efffffffffffff', 'c7efffffffffffff', '474fffffffffffff', doubles('-1e15'));
    double_up('doubled_signs', 37);
    merge('doubled_signs', 'integers/1', 'doubled_signs/38');
}

sub merge_sequences {
    merge('merges', @$_) for [ 'nothing', 'nothing' ], [ 'nothing', 'decimals' ], [ 'integers', 'decimals' ], [ 'negative', 'integers' ],
        [ 'rising_1/3', 'rising_1/4' ], [ 'rising_1/1', 'rising_1/5' ], [ 'rising_1/2', 'rising_1/8' ], [ 'rising_2/2', 'rising_2/4' ],
        [ 'rising_4/4', 'rising_4/5' ], [ 'rising_9/4', 'rising_9/5' ], [ 'orders', 'integers' ], [ 'falling', 'falling_far' ],
        [ 'subnormal', 'greatest/1' ], [ 'subnormal', 'decimals' ], [ 'greatest/2', 'brink_below/1' ], [ 'zeros/3', 'subnormal/2' ],
        [ 'nan/1', 'zeros/2' ], [ 'nan/5', 'infinite_below' ], [ 'infinite/2', 'infinite_below/1' ], [ 'infinite/5', 'integers/3' ],
        [ 'random_bits', 'random_scales' ], [ 'random_money', 'far' ], [ 'same/1', 'same/3' ], [ 'squares_only/1', 'squares_only/3' ];
    merge('onwards', 'rising_1/3', 'integers/4');
    add('onwards', doubles(1000));
    merge('onwards', 'onwards', 'rising_4/4');
    add('onwards', doubles('-1e20'), negated(scrambled(150)));
    merge('onwards', 'subnormal', 'onwards');
}

# --- gridtree: the same with trees
my (%tree_at, %tree_last, %tree_held);

sub tree_line {
    my ($name, $operation, $operands, $tree) = @_;
    my $step = ++$tree_last{$name};
    return say_line($name, $step, $operation, @$operands, "refused $tree", '') unless ref $tree;
    $tree_held{$name} = $step;
    $tree_at{"$name/$step"} = $tree;
    say_line($name, $step, $operation, @$operands, unpack('H*', tree_wire($tree)), tree_text($tree));
}

# One step of rows of so many figures; a figure is a double, a code digits, and both undef where NULL.
sub add_rows {
    my ($name, $figures, @rows) = @_;
    my $before = $tree_held{$name} ? $tree_at{"$name/$tree_held{$name}"} : tree_of($figures);
    my $shown  = join ' ', map { join ',', map { $_ // 'null' } @$_ } @rows;
    tree_line($name, 'add', [ $figures, $shown ], join_trees($before, tree_of($figures, @rows)));
}

sub merge_trees {
    my ($name, $left, $right) = @_;
    s{^\w+$}{$&/$tree_held{$&}} for $left, $right;
    tree_line($name, 'merge', [ $left, $right ], join_trees(map { $tree_at{$_} // die "no $_\n" } $left, $right));
}

# A code of few different digits, so that codes nest and repeat.
sub random_code {
    my ($depth) = @_;
    return join '', map { random_bits(3) % 3 * 4 } 1 .. $depth;
}

sub random_row {
    my ($figures) = @_;
    my $scale = random_bits(2) ? 0 : random_bits(8) - 128;
    return [ random_code(1 + random_bits(8) % (random_bits(1) ? 18 : 3)),
        map { random_bits(2) ? nearest(big(random_bits(20) - 400000), big(100), $scale * ($_ == 2)) : undef } 1 .. $figures ];
}

sub tree_sequences {
    add_rows('depths', 0, [ substr '350304001001999999', 0, $_ ]) for 1 .. 18;
    add_rows('rows', 0, [$_]) for qw(0 00 9 000000000000000000 999999999999999999 10 1 10 1);
    add_rows('rows', 0, [undef]);
    add_rows('rows', 0, map { ['10'] } 1 .. 130);
    add_rows('wide', 0, map { [ 1000 + 7 * $_ ] } 1 .. 127);
    add_rows('wide', 0, ['42']);
    add_rows('one', 1, @$_) for [ [ '350304001001', doubles(1.5) ] ], [ [ '350304001001', undef ] ], [ [ '350304001', doubles(-2) ] ],
        [ [ undef, doubles(9) ] ], [ [ '3503', 'fff8000000000001' ] ], [ [ '35', INFINITY ], [ '35', negated(INFINITY) ] ],
        [ [ '350304001001', '7fefffffffffffff' ] ], [ [ '350304001001', '7fefffffffffffff' ] ], [ [ '9', '8000000000000000' ] ];
    add_rows('two', 2, random_row(2)) for 1 .. 9;
    add_rows('two_more', 2, map { random_row(2) } 1 .. 4) for 1 .. 3;
    add_rows('three', 3, random_row(3)) for 1 .. 8;
    add_rows('three_more', 3, map { random_row(3) } 1 .. 5) for 1 .. 2;
    add_rows('no_figure', 2, [ '7', undef, undef ], [ '71', undef, undef ]);
}

sub tree_merge_sequences {
    merge_trees('merges', @$_) for [ 'depths/3', 'rows/9' ], [ 'rows', 'wide' ], [ 'one/4', 'one/8' ], [ 'two/7', 'two_more/2' ],
        [ 'two/3', 'two/5' ], [ 'three/6', 'three_more' ], [ 'three_more/1', 'three/4' ], [ 'no_figure', 'two/4' ],
        [ 'rows', 'one' ], [ 'two', 'three' ];
    merge_trees('onwards', 'three/3', 'three_more/1');
    add_rows('onwards', 3, random_row(3), random_row(3));
    merge_trees('onwards', 'onwards', 'onwards');
    add_rows('doubled_rows', 0, ['11']);
    merge_trees('doubled_rows', 'doubled_rows', 'doubled_rows') for 1 .. 63;
    add_rows('doubled_figures', 1, [ '11', doubles(-0.1) ], [ '11', undef ], [ '110', undef ]);
    merge_trees('doubled_figures', 'doubled_figures', 'doubled_figures') for 1 .. 40;
    add_rows('doubled_figures', 1, [ '11', doubles(1) ]);
    add_rows('doubled_figures', 1, [ '11', undef ], [ '12', doubles(1) ]);
}

# One of the files, with what its columns are.
sub file {
    my ($name, $columns, @parts) = @_;
    open $out, '>:raw', "$folder/$name.tsv" or die "$folder/$name.tsv: $!\n";
    print $out "# States of $name, step by step; made by make.pl, described in README.md.\n# $columns\n";
    $_->() for @parts;
    close $out or die $!;
}

file('gridstats', 'sequence step operation operand operand packed text count sum min max avg variance stddev',
    \&everyday_sequences, \&window_sequences, \&extreme_sequences, \&random_sequences, \&doubled_sequences, \&merge_sequences);
file('gridtree', 'sequence step operation operand operand wire text', \&tree_sequences, \&tree_merge_sequences);
