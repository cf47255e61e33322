# Shapes.pm: polygons that nobody would draw, as (code, WKT): three levels in one
# table, T-junctions, holes, islands, overlaps, repetitions, rings that cross
# themselves, spikes, no area at all. All coordinates are whole numbers and most
# edges lie slanted, in a frame of some 2,500 around the origin.
package Shapes;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(shapes);

my @shapes;

# Turned and enlarged by the angle of the triangle 3, 4, 5: keeps points on slanted edges whole.
sub turned { return map { [4 * $_->[0] - 3 * $_->[1], 3 * $_->[0] + 4 * $_->[1]] } @_ }

sub rectangle {
    my ($x, $y, $x1, $y1) = @_;
    return ([$x, $y], [$x1, $y], [$x1, $y1], [$x, $y1]);
}

# A ring in WKT, closed.
sub ring { return '(' . join(',', map { "@$_" } @_, $_[0]) . ')' }

sub polygon { return '(' . join(',', map { ring(@$_) } @_) . ')' }

# One area: a code and its polygons, each a list of rings.
sub area {
    my ($code, @polygons) = @_;
    my @parts = map { polygon(@$_) } @polygons;
    push @shapes, [$code, @parts == 1 ? "POLYGON$parts[0]" : 'MULTIPOLYGON(' . join(',', @parts) . ')'];
}

# A brick of a wall, and what is peculiar about it.
sub brick {
    my ($code, $kind, $x, $y) = @_;
    my $box = sub { [turned(rectangle($x + $_[0], $y + $_[1], $x + $_[2], $y + $_[3]))] };
    my $shell = $box->(0, 0, 100, 60);
    if ($kind == 0) {
        area($code, [$shell]);
    } elsif ($kind == 1) {    # an island in its hole, with a hole of its own
        area($code, [$shell, $box->(20, 15, 80, 45)]);
        area($code . '01', [$box->(30, 20, 70, 40), $box->(40, 25, 60, 35)]);
    } elsif ($kind == 2) {    # an island of the same area
        area($code, [$shell, $box->(20, 15, 80, 45)], [[reverse @{$box->(30, 20, 70, 40)}]]);
    } elsif ($kind == 3) {    # children that fill it
        area($code, [$shell]);
        my ($middle) = turned([$x + 37, $y + 23]);
        area($code . '0' . ($_ + 1), [[$middle, $shell->[$_], $shell->[($_ + 1) % 4]]]) for 0 .. 3;
    } elsif ($kind == 4) {    # drawn three times
        area($_, [$shell]) for $code, $code, $code + 50;
    } elsif ($kind == 5) {    # the other way round
        area($code, [[reverse @$shell], $box->(10, 10, 30, 50), [reverse @{$box->(60, 10, 90, 20)}]]);
    } elsif ($kind == 6) {    # holes that touch the shell, each other at an edge and at a corner
        area($code, [$shell, [turned([$x, $y], [$x + 20, $y + 10], [$x + 10, $y + 30])],
            $box->(40, 20, 50, 40), $box->(50, 25, 60, 35), $box->(60, 35, 70, 45)]);
    }                         # 7: none
}

# Rows of bricks; the row is their parent and has corners only at its ends.
sub wall {
    for my $row (0 .. 7) {
        my $y = 60 * $row - 240;
        area(10 + $row, [[turned(rectangle(-400, $y, 400, $y + 60))]]) if $row % 4 != 3;
        brick(sprintf('%02d%02d', 10 + $row, $_ + 1), (7 * $row + 3 * $_) % 8, 100 * $_ - 400 + 50 * ($row % 2), $y)
            for 0 .. 7 - $row % 2;
    }
}

sub between { my ($low, $high) = @_; return $low + int rand($high - $low + 1) }

sub any_point { return [between(-2400, 2400), between(-2400, 2400)] }

# A code of one of the three levels.
sub any_code { return substr sprintf('%02d%02d%02d', between(10, 19), between(1, 60), between(1, 9)), 0, 2 * between(1, 3) }

# A ring around a place that may be star-shaped, or step over its neighbours.
sub star {
    my ($size, $n, $over) = @_;
    my ($x, $y) = @{any_point()};
    my $jitter = int($size / 5);
    my @at = map { [$x + int($size * cos(6.2831853 * $_ * $over / $n)), $y + int($size * sin(6.2831853 * $_ * $over / $n))] } 0 .. $n - 1;
    return [map { [$_->[0] + between(-$jitter, $jitter), $_->[1] + between(-$jitter, $jitter)] } @at];
}

sub overlaps {
    area(any_code(), [star(between(200, 700), between(3, 12), 1)]) for 1 .. 12;
    area(any_code(), map { [star(between(100, 300), 6, 1)] } 1 .. 3) for 1 .. 4;
    area('10', [[[-2000, -1000], [2000, 1000], [0, 1500]]]);       # edges through the origin
    area('1102', [[[-2499, -1], [2400, 1], [2399, 2]]]);
    area('120304', [[[-1700, 1700], [3, -3], [1700, -1700], [-1, 2]]]);
}

# Rings that cross, touch or repeat themselves.
sub crossings {
    area(any_code(), [star(between(300, 800), 5, 2)]) for 1 .. 3;  # wound twice in the middle
    area(any_code(), [star(between(300, 800), 7, 3)]) for 1 .. 2;
    area(any_code(), [[map { any_point() } 1 .. between(5, 11)]]) for 1 .. 5;
    for (1 .. 5) {                                                  # bow-ties
        my ($x, $y) = @{any_point()};
        my ($w, $h) = (between(50, 400), between(50, 400));
        area(any_code(), [[[$x, $y], [$x + $w, $y + $h], [$x + $w, $y], [$x, $y + $h]]]);
    }
    my ($around) = [rectangle(1500, -2000, 2300, -1400)];
    area('1960', [[@$around, $around->[0], rectangle(1700, -1900, 2100, -1500)]]);           # twice around
    area('1961', [[@$around, $around->[0], reverse rectangle(1800, -1800, 2400, -1600)]]);   # and back again
    area('1962', [[@$around, @$around]]);
}

sub spikes {
    area('180101', [[[-2300, -2300], [-1900, -2200], [-1500, -2400], [-1900, -2200], [-2000, -1900]]]);
    area('180102', [[[-2300, 2300], [-1900, 2200], [-1901, 2200], [-2000, 1900], [-1000, 900], [-2000, 1900]]]);
    area('180103', [[[-700, 2100], [500, 1900], [-700, 2100]]]);    # no area
    area('180105', [[([2450, 2450]) x 4]]);                         # nor length
    area('180104', [[[-700, 2000], [500, 1800], [1100, 1700], [200, 1850]]]);
    area('1801', [[[-900, 2300], [-900, 1700], [1300, 1700], [1300, 2300]], [[-100, 2000], [700, 2000], [-100, 2000]]]);
}

# Holes that are no holes of their shell: where PostGIS' answer goes by their order.
sub wrong_holes {
    my $shell = [[1000, 1000], [1800, 1200], [1700, 2000], [900, 1800]];
    area('1701', [$shell, [[1200, 1200], [1500, 1300], [1400, 1700]], [[1300, 1100], [1600, 1600], [1300, 1600]]]);
    area('1702', [$shell, [[800, 1300], [1300, 1400], [1200, 1700]]]);
    area('170301', [$shell, $shell], [[[1900, 1900], [2200, 1900], [2000, 2200]], [[1900, 1900], [2200, 1900], [2100, 2300]]]);
    area('170302', [[[1100, 1100], [1300, 1100], [1200, 1400]], [[1900, 1900], [2200, 1900], [2000, 2200]]]);
}

# Every shape; the same at each call.
sub shapes {
    @shapes = ();
    srand 20230630;
    wall();
    overlaps();
    crossings();
    spikes();
    wrong_holes();
    return @shapes;
}

1;
