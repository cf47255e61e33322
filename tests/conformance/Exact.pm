# Exact.pm: doubles without floating point. A double is 16 hex digits, never one
# of Perl's numbers; what is computed is an exact ratio, rounded once.
package Exact;
use strict;
use warnings;
no warnings 'portable';    # hex of more than 32 bits: this is for machines of 64
use Math::BigInt;
use POSIX qw(floor);
use Exporter 'import';

our @EXPORT = qw(NAN INFINITY ZERO big two_to bits parts kind order_key nearest nearest_decimal square_root text);

use constant { NAN => '7ff8000000000000', INFINITY => '7ff0000000000000', ZERO => '0' x 16 };

sub big { return Math::BigInt->new($_[0]); }

my %power;
sub two_to { return $power{2}{ $_[0] } //= big(2)->bpow($_[0]); }
sub ten_to { return $power{10}{ $_[0] } //= big(10)->bpow($_[0]); }

# How many binary digits a positive integer has.
sub bits { return length($_[0]->as_bin) - 2; }

# (negative, mantissa, exponent): the value is mantissa * 2^exponent.
sub parts {
    my ($double) = @_;
    my $word     = hex substr $double, 0, 3;
    my $fraction = hex substr $double, 3;
    my $exponent = $word & 0x7ff;
    return ($word >> 11, $exponent ? ($fraction | 1 << 52, $exponent - 1075) : ($fraction, -1074));
}

# 'nan', 'inf', '-inf', 'zero' or 'finite'.
sub kind {
    my ($double) = @_;
    my $word = hex substr $double, 0, 3;
    my $rest = substr($double, 3) =~ /[^0]/;
    return $rest ? 'nan' : $word >> 11 ? '-inf' : 'inf' if ($word & 0x7ff) == 0x7ff;
    return $rest || $word & 0x7ff ? 'finite' : 'zero';
}

# A string that sorts as the numbers do, NaN last.
sub order_key {
    my ($double) = @_;
    return '2' if kind($double) eq 'nan';
    return "1$double" unless (parts($double))[0];
    (my $turned = $double) =~ tr/0123456789abcdef/fedcba9876543210/;
    return "0$turned";
}

# The quotient and whether a rest is less than, just or more than half (-1, 0, 1), of top / bottom * 2^exponent.
sub divided {
    my ($top, $bottom, $exponent) = @_;
    $top    = $top * two_to($exponent)     if $exponent > 0;
    $bottom = $bottom * two_to(-$exponent) if $exponent < 0;
    my ($quotient, $rest) = $top->copy->bdiv($bottom);
    return ($quotient, ($rest * 2)->bcmp($bottom));
}

# The double nearest to top / bottom * 2^exponent, ties to even; 'overflow'. There is no negative zero.
sub nearest {
    my ($top, $bottom, $exponent) = @_;
    return ZERO if $top->is_zero;
    my $size = $top->copy->babs;
    my $ulp  = bits($size) - bits($bottom) + $exponent - 53;    # right, or one too low
    $ulp = -1074 if $ulp < -1074;
    my ($quotient, $half) = divided($size, $bottom, $exponent - $ulp);
    ($quotient, $half) = divided($size, $bottom, $exponent - ++$ulp) if $quotient >= two_to(53);
    my $mantissa = $quotient->numify;
    $mantissa++ if $half > 0 || ($half == 0 && $mantissa & 1);
    ($mantissa, $ulp) = (1 << 52, $ulp + 1) if $mantissa == 1 << 53;
    return 'overflow' if $ulp > 971;
    return ZERO       if $mantissa == 0;
    my $word = $mantissa < 1 << 52 ? 0 : $ulp + 1075;
    return sprintf '%03x%013x', $word | ($top->is_neg ? 0x800 : 0), $mantissa & (1 << 52) - 1;
}

# The double nearest to digits * 10^exponent.
sub nearest_scaled {
    my ($digits, $exponent) = @_;
    return $exponent < 0 ? nearest($digits, ten_to(-$exponent), 0) : nearest($digits * ten_to($exponent), big(1), 0);
}

# The double that a decimal, or "N*2^K", is written for.
sub nearest_decimal {
    my ($text) = @_;
    return nearest(big($1), big(1), $2) if $text =~ /^(-?\d+)\*2\^(-?\d+)$/;
    my ($whole, $fraction, $exponent) = $text =~ /^(-?\d+)(?:\.(\d+))?(?:e(-?\d+))?$/ or die "no decimal: $text\n";
    $fraction //= '';
    return nearest_scaled(big("$whole$fraction"), ($exponent // 0) - length $fraction);
}

# The square root of a double that is not negative. It is never half-way between two.
sub square_root {
    my ($double) = @_;
    return $double if $double eq ZERO || $double eq NAN || $double eq 'overflow';
    my (undef, $mantissa, $exponent) = parts($double);
    my $even   = $exponent - 120 - $exponent % 2;
    my $square = big($mantissa) * two_to($exponent - $even);
    my $root   = $square->copy->bsqrt;
    my $more   = $root * $root == $square ? 0 : 1;              # of a half, so that rounding knows of the rest
    return nearest($root * 2 + $more, big(1), $even / 2 - 1);
}

# The first so many decimal digits of mantissa * 2^exponent, and the power of ten of the first one.
sub decimal {
    my ($mantissa, $exponent, $digits) = @_;
    my $power = floor((log($mantissa) + $exponent * log(2)) / log(10));    # a guess
    while (1) {
        my $cut  = $power - $digits + 1;
        my ($number, $half) = divided($cut < 0 ? big($mantissa) * ten_to(-$cut) : big($mantissa),
            $cut < 0 ? big(1) : ten_to($cut), $exponent);
        $number++ if $half > 0 || ($half == 0 && $number->is_odd);
        return ($number, $power) if length $number == $digits;
        $power += length $number > $digits ? 1 : -1;
    }
}

# As C's %g with so many digits writes them.
sub styled {
    my ($number, $power, $digits) = @_;
    (my $shown = "$number") =~ s/0+$//;
    if ($power < -4 || $power >= $digits) {
        my $rest = length $shown > 1 ? '.' . substr $shown, 1 : '';
        return sprintf '%s%se%s%02d', substr($shown, 0, 1), $rest, $power < 0 ? '-' : '+', abs $power;
    }
    return '0.' . '0' x (-$power - 1) . $shown if $power < 0;
    $shown .= '0' x ($power + 1 - length $shown) if length $shown <= $power;
    return length $shown == $power + 1 ? $shown : substr($shown, 0, $power + 1) . '.' . substr $shown, $power + 1;
}

# The text of a double: %g with the fewest of 15, 16 and 17 digits that read back as the same double.
my %text;
sub text {
    my ($double) = @_;
    my ($negative, $mantissa, $exponent) = parts($double);
    my %special = (nan => 'NaN', inf => 'Infinity', '-inf' => '-Infinity', zero => $negative ? '-0' : '0');
    return $special{ kind($double) } // ($text{$double} //= ($negative ? '-' : '') . text_of($mantissa, $exponent));
}

sub text_of {
    my ($mantissa, $exponent) = @_;
    my $same = nearest(big($mantissa), big(1), $exponent);
    for my $digits (15 .. 17) {
        my ($number, $power) = decimal($mantissa, $exponent, $digits);
        return styled($number, $power, $digits)
            if $digits == 17 || nearest_scaled($number, $power - $digits + 1) eq $same;
    }
}

1;
