# State.pm: the state of a collection of doubles, by its definition: which window
# the greatest magnitude asks for, and how much the digits in it add up to. A
# collection is a hash of doubles to how often they are in it; nothing here is
# cumulative, so that order and merging cannot matter.
package State;
use strict;
use warnings;
use Exact;
use Exporter 'import';

our @EXPORT = qw(LIMIT union count_of state_of pack_state state_text answers check_claims);

use constant { LIMIT => 1 << 39, SUM_BINS => 5, SQUARE_BINS => 7 };

# All values of both.
sub union {
    my ($left, $right) = @_;
    my %both = %$left;
    $both{$_} += $right->{$_} for keys %$right;
    return \%both;
}

sub count_of {
    my ($collection) = @_;
    my $count = 0;
    $count += $_ for values %$collection;
    return $count;
}

# One NaN and one zero.
sub canonical {
    my ($double) = @_;
    my $kind = kind($double);
    return $kind eq 'nan' ? NAN : $kind eq 'zero' ? ZERO : $double;
}

# The digits of 24 bits of number * 2^shift, lowest first; six hex digits each.
sub digits24 {
    my ($number, $shift) = @_;
    my $hex = substr(($number * two_to($shift % 4))->as_hex, 2) . '0' x int($shift / 4);
    $hex = '0' x (-length($hex) % 6) . $hex;
    return [ reverse map { hex } unpack '(A6)*', $hex ];
}

# A finite double and its square as integers of 2^-1080 and 2^-2160: digits and whole.
my %known;
sub integers {
    my ($double) = @_;
    return $known{$double} //= do {
        my ($negative, $mantissa, $exponent) = parts($double);
        my $shift = $exponent + 1080;
        my $m     = big($mantissa);
        {
            sign   => $negative ? -1 : 1,
            sum    => digits24($m, $shift),
            square => digits24($m * $m, 2 * $shift),
            whole  => $m * two_to($shift) * ($negative ? -1 : 1),
        };
    };
}

# The window's top and its bins, lowest first.
sub window {
    my ($collection, $which, $size) = @_;
    use integer;
    my @finite = grep { kind($_) eq 'finite' } keys %$collection;
    my ($top)  = sort { $b <=> $a } 0, map { $#{ integers($_)->{$which} } } @finite;
    my @bins   = (0) x $size;
    for my $double (@finite) {
        my $value = integers($double);
        my $times = $collection->{$double} * ($which eq 'sum' ? $value->{sign} : 1);
        for my $bin (0 .. $size - 1) {
            my $position = $top - $size + 1 + $bin;
            $bins[$bin] += $times * ($value->{$which}[$position] // 0) if $position >= 0;
        }
    }
    return ($top, \@bins);
}

sub state_of {
    my ($collection) = @_;
    my @sorted = sort { order_key($a) cmp order_key($b) } map { canonical($_) } keys %$collection;
    my %kinds  = map { kind($_) => 1 } @sorted;
    my %state  = (count => count_of($collection), min => $sorted[0], max => $sorted[-1], kinds => \%kinds);
    @state{ 'sum_top',    'sum' }    = window($collection, 'sum',    SUM_BINS);
    @state{ 'square_top', 'square' } = window($collection, 'square', SQUARE_BINS);
    return \%state;
}

# As few bytes as keep the value, lowest first; with the sign bit where there may be a sign.
sub integer_bytes {
    my ($value, $signed) = @_;
    return '' if $value == 0;
    my $bytes = pack 'q<', $value;
    my $sign  = $value < 0 ? "\xff" : "\0";
    while (length $bytes > 1 && substr($bytes, -1) eq $sign) {
        last if $signed && (ord(substr $bytes, -2, 1) >> 7) != ($value < 0 ? 1 : 0);
        chop $bytes;
    }
    $bytes .= "\0" if $signed && length $bytes < 8 && $value > 0 && ord(substr $bytes, -1) >> 7;
    return $bytes;
}

# Lowest byte first, without the low bytes that are zero.
sub double_bytes {
    my ($double) = @_;
    (my $bytes = reverse pack 'H16', $double) =~ s/^\0+//;
    return $bytes;
}

# One value: a byte with 7 and the value's length, and the version; the value. More: a byte with the count's length and
# the version; the lengths of min, max and the bins, two in a byte,
# the first in the low four bits; the tops; and all of them.
sub pack_state {
    my ($state) = @_;
    return "\1" if $state->{count} == 0;
    if ($state->{count} == 1) {
        my $value = double_bytes($state->{min});
        return pack('C', 7 + length($value) << 4 | 1) . $value;
    }
    my @fields = (integer_bytes($state->{count}, 0), double_bytes($state->{min}), double_bytes($state->{max}),
        map { integer_bytes($_, 1) } @{ $state->{sum} }, @{ $state->{square} });
    my @lengths = map { length } @fields;
    return pack('C', shift(@lengths) << 4 | 1) . pack('(h2)*', map { sprintf '%x%x', splice @lengths, 0, 2 } 1 .. 7)
        . pack('CC', $state->{sum_top}, $state->{square_top}) . join '', @fields;
}

# The top position, and the bins from there down without the zeros at the end.
sub bins_text {
    my ($top, $bins) = @_;
    my @down = reverse @$bins;
    pop @down while @down > 1 && $down[-1] == 0;
    return "$top:" . join ',', @down;
}

sub state_text {
    my ($state) = @_;
    return 'count=0' if $state->{count} == 0;
    my $sum = sum($state);
    return sprintf 'count=%d sum=%s min=%s max=%s bins=%s/%s', $state->{count}, $sum eq 'overflow' ? $sum : text($sum),
        text($state->{min}), text($state->{max}), bins_text(@$state{ 'sum_top', 'sum' }), bins_text(@$state{ 'square_top', 'square' });
}

# What bins add up to, in units of the lowest, and that unit's exponent.
sub put_together {
    my ($bins, $top, $origin) = @_;
    my $whole = big(0);
    $whole += big($bins->[$_]) * two_to(24 * $_) for 0 .. $#$bins;
    return ($whole, 24 * ($top - $#$bins) - $origin);
}

# The sum of a state in which NaN or an infinity is.
sub special_sum {
    my ($kinds) = @_;
    return NAN if $kinds->{nan} || ($kinds->{inf} && $kinds->{'-inf'});
    return $kinds->{inf} ? INFINITY : $kinds->{'-inf'} ? 'fff' . '0' x 13 : undef;
}

sub sum {
    my ($state, $divisor) = @_;
    my ($whole, $exponent) = put_together(@$state{ 'sum', 'sum_top' }, 1080);
    return special_sum($state->{kinds}) // nearest($whole, big($divisor // 1), $exponent);
}

# n * sum of squares - square of the sum, and the unit's exponent.
sub spread {
    my ($state) = @_;
    my ($sum, $exponent)   = put_together(@$state{ 'sum', 'sum_top' }, 1080);
    my ($squares, $higher) = put_together(@$state{ 'square', 'square_top' }, 2160);
    return ($squares * two_to($higher - 2 * $exponent) * $state->{count} - $sum * $sum, 2 * $exponent);
}

sub variance {
    my ($state) = @_;
    my $n = big($state->{count});
    my ($spread, $exponent) = spread($state);
    return special_sum($state->{kinds}) ? NAN : nearest($spread, $n * ($n - 1), $exponent);
}

# count, sum, min, max, avg, variance, stddev; empty where there is none.
sub answers {
    my ($state) = @_;
    my $n = $state->{count};
    return (0, ('') x 6) if $n == 0;
    my @deviation = $n < 2 ? ('', '') : map { ($_, square_root($_)) } variance($state);
    return ($n, sum($state), $state->{min}, $state->{max}, sum($state, $n), @deviation);
}

# What stats.h promises of the digits that are dropped, against the collection itself.
sub check_claims {
    my ($collection, $state) = @_;
    return if $state->{count} == 0 || special_sum($state->{kinds});
    my ($n, $greatest, $sum, $squares) = (big($state->{count}), big(0), big(0), big(0));
    for my $double (grep { kind($_) eq 'finite' } keys %$collection) {
        my $value = integers($double)->{whole};
        $sum     += $value * $collection->{$double};
        $squares += $value * $value * $collection->{$double};
        $greatest = $value->copy->babs if $value->bacmp($greatest) > 0;
    }
    my ($found, $exponent) = put_together(@$state{ 'sum', 'sum_top' }, 0);
    die "a sum is not within n * 2^-96 * M\n" if difference($found, $exponent, $sum) * two_to(96) > $n * $greatest;
    my ($spread, $unit) = spread($state);
    my $true = $n * $squares - $sum * $sum;
    die "a variance is not within n * 2^-94\n" if difference($spread, $unit + 2160, $true) * two_to(94) > $n * $true;
}

# |number * 2^exponent - other|, where what is below 1 is nothing.
sub difference {
    my ($number, $exponent, $other) = @_;
    my $whole = $exponent < 0 ? $number / two_to(-$exponent) : $number * two_to($exponent);
    return ($whole - $other)->babs;
}

1;
