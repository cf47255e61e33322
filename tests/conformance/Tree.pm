# Tree.pm: the forms of a tree of figures, by their definition. A tree is its
# number of figures and a hash of codes (digits) to how many rows they had and a
# collection (State.pm) of each figure.
package Tree;
use strict;
use warnings;
use State;
use Exporter 'import';

use constant MAX_ROWS => 9223372036854775807;

our @EXPORT = qw(tree_of join_trees tree_wire tree_text);

# Of rows [code, figure…], both undef where NULL. A row without a code is none.
sub tree_of {
    my ($figures, @rows) = @_;
    my %leaves;
    for my $row (grep { defined $_->[0] } @rows) {
        my ($code, @values) = @$row;
        my $leaf = $leaves{$code} //= { n => 0, stats => [ map { {} } 1 .. $figures ] };
        $leaf->{n}++;
        defined $values[$_] and $leaf->{stats}[$_]{ $values[$_] }++ for 0 .. $figures - 1;
    }
    return { figures => $figures, leaves => \%leaves };
}

# The tree of the rows of both, or the SQLSTATE it is refused with.
sub join_trees {
    my ($left, $right) = @_;
    return '42804' if $left->{figures} != $right->{figures};
    my %leaves = %{ $left->{leaves} };
    for my $code (keys %{ $right->{leaves} }) {
        my ($mine, $other) = ($leaves{$code}, $right->{leaves}{$code});
        $mine or $leaves{$code} = $other, next;
        return '22003' if $mine->{n} > MAX_ROWS - $other->{n};
        my @stats = map { union($mine->{stats}[$_], $other->{stats}[$_]) } 0 .. $left->{figures} - 1;
        return '22003' if grep { count_of($_) > LIMIT } @stats;
        $leaves{$code} = { n => $mine->{n} + $other->{n}, stats => \@stats };
    }
    return { figures => $left->{figures}, leaves => \%leaves };
}

# Seven bits a byte, lowest first; the high bit says that more follow.
sub number_bytes {
    my ($number) = @_;
    return $number < 0x80 ? pack 'C', $number : pack('C', $number & 0x7f | 0x80) . number_bytes($number >> 7);
}

sub tree_wire {
    my ($tree) = @_;
    my $leaves = $tree->{leaves};
    return join '', "\1", number_bytes($tree->{figures}), number_bytes(scalar keys %$leaves),
        map { pack('C/a*', $_) . number_bytes($leaves->{$_}{n}) . join '', map { pack_state(state_of($_)) } @{ $leaves->{$_}{stats} } }
        sort keys %$leaves;
}

sub tree_text {
    my ($tree) = @_;
    my $leaves = $tree->{leaves};
    return join '; ', "figures=$tree->{figures}",
        map { join ' ', "$_ n=$leaves->{$_}{n}", map { '[' . state_text(state_of($_)) . ']' } @{ $leaves->{$_}{stats} } }
        sort keys %$leaves;
}

1;
