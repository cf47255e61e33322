#!/usr/bin/env perl
# build_planted.pl BLOCKS AREAS ATOMS: planted instances for grid_build.
#
# A plan of grids in both windows is drawn first: seeds, and for each of them a
# list of towers that fill a grid. The towers are put where their seed is the
# nearest. Who reads the result forgets whose they are.
#
# Reads lines "seed version region:attempt,..." and appends to AREAS
# (seed, number of grids, household size, area) and to ATOMS (seed, id, region,
# x, y, households, residents). A region in which the towers turned out not to
# be neighbours is drawn anew, as its next attempt; the rest stays as it is.
use strict;
use warnings;

use constant { HMIN => 300, HMAX => 500, RMIN => 1000, RMAX => 2000, PLOT => 3600 };	# PLOT: square metres a building

my ($blocks, $areas, $atoms) = @ARGV;
my @towers = towers($blocks);
open my $area_out, '>>', $areas or die "$areas: $!\n";
open my $atom_out, '>>', $atoms or die "$atoms: $!\n";
while (my $line = <STDIN>)
{
	chomp $line;
	my ($seed, $version, $attempts) = split ' ', $line;
	next unless defined $version;
	instance($seed, $version, { map { split /:/ } split /,/, $attempts // '' });
}
close $area_out or die "$areas: $!\n";
close $atom_out or die "$atoms: $!\n";

# Dwellings of every residential block.
sub towers
{
	my ($file) = @_;
	my @sizes;
	open my $in, '<', $file or die "$file: $!\n";
	<$in>;
	while (<$in>)
	{
		chomp;
		my @f = split /,/;
		push @sizes, $f[7] if $f[4] eq 'Y' && $f[7] > 0 && $f[7] <= HMAX;
	}
	return @sizes;
}

# Perl's generator is the same everywhere. Chance of one region does not touch that of another.
sub start_chance
{
	my ($seed, $version, $region, $attempt) = @_;
	srand(($seed * 1000003 + $version * 15485863 + $region * 104729 + $attempt * 32452843) % 4294967291);
	rand for 1 .. 10;
}

sub between { my ($low, $high) = @_; return $low + ($high - $low) * rand; }

# Towers and residents that fill one grid. It is not always full as soon as it could be.
sub fill
{
	my ($size) = @_;
	while (1)
	{
		my ($h, $r, @list) = (0, 0);
		while ($h <= HMAX && $r <= RMAX)
		{
			my $households = $towers[int rand @towers];
			my $residents = int($households * $size * between(0.9, 1.1) + 0.5);
			push @list, [$households, $residents];
			$h += $households;
			$r += $residents;
			return @list if $h >= HMIN && $h <= HMAX && $r >= RMIN && $r <= RMAX && rand() < 0.5;
		}
	}
}

# A rectangle, and rectangles cut out of it: a corner, or up to three holes.
sub shape
{
	my ($space) = @_;
	my $height = sqrt($space / between(1, 2.5));
	my $width = $space / $height;
	my $kind = rand;
	my @out;
	if ($kind < 0.25)
	{
		@out = [$width * between(0.4, 0.7), $height * between(0.4, 0.7), $width, $height];
	}
	elsif ($kind < 0.5)
	{
		my $n = 1 + int rand 3;
		for my $i (0 .. $n - 1)
		{
			my ($w, $h) = ($width / $n * between(0.2, 0.5), $height * between(0.1, 0.4));
			my ($x, $y) = ($width / $n * $i + between(0.1, 0.4) * $width / $n, $height * between(0.1, 0.5));
			push @out, [$x, $y, $x + $w, $y + $h];
		}
	}
	return { width => $width, height => $height, out => \@out, corner => $kind < 0.25, turn => rand() < 0.5 ? 0 : between(0, 3.14) };
}

# A place in the shape, a metre or more from its border.
sub place
{
	my ($shape) = @_;
	TRY: while (1)
	{
		my ($x, $y) = (between(1, $shape->{width} - 1), between(1, $shape->{height} - 1));
		for my $o (@{ $shape->{out} })
		{
			next TRY if $x > $o->[0] - 1 && $x < $o->[2] + 1 && $y > $o->[1] - 1 && $y < $o->[3] + 1;
		}
		return ($x, $y);
	}
}

sub nearest
{
	my ($seeds, $x, $y) = @_;
	my ($best, $square) = (-1, 9e99);
	for my $i (0 .. $#$seeds)
	{
		my $d = ($seeds->[$i][0] - $x) ** 2 + ($seeds->[$i][1] - $y) ** 2;
		($best, $square) = ($i, $d) if $d < $square;
	}
	return $best;
}

# Turned, to the millimetre.
sub turned
{
	my ($shape, $x, $y) = @_;
	my ($c, $s) = (cos $shape->{turn}, sin $shape->{turn});
	return sprintf('%.3f', $c * $x - $s * $y), sprintf('%.3f', $s * $x + $c * $y);
}

sub ring { my $shape = shift; return '(' . join(',', map { join ' ', turned($shape, @$_) } @_, $_[0]) . ')'; }

sub as_text
{
	my ($shape) = @_;
	my ($w, $h) = @$shape{qw(width height)};
	my @outer = ([0, 0], [$w, 0], [$w, $h], [0, $h]);
	my @holes;
	if ($shape->{corner})
	{
		my ($x, $y) = @{ $shape->{out}[0] };
		@outer = ([0, 0], [$w, 0], [$w, $y], [$x, $y], [$x, $h], [0, $h]);
	}
	else
	{
		@holes = map { ring($shape, [$_->[0], $_->[1]], [$_->[0], $_->[3]], [$_->[2], $_->[3]], [$_->[2], $_->[1]]) } @{ $shape->{out} };
	}
	return 'POLYGON(' . join(',', ring($shape, @outer), @holes) . ')';
}

sub instance
{
	my ($seed, $version, $attempts) = @_;
	start_chance($seed, $version, 0, 0);
	my $k = 2 + int rand 39;
	my $size = between(2.2, 5);
	my @grids = map { [fill($size)] } 1 .. $k;
	my $n = 0;
	$n += @$_ for @grids;
	my $shape = shape($n * PLOT);
	my @seeds = map { [place($shape)] } 1 .. $k;
	my @rows;
	for my $region (1 .. $k)
	{
		start_chance($seed, $version, $region, $attempts->{$region} // 0);
		for my $tower (@{ $grids[$region - 1] })
		{
			my ($x, $y);
			do { ($x, $y) = place($shape) } while nearest(\@seeds, $x, $y) != $region - 1;
			push @rows, [$region, turned($shape, $x, $y), @$tower];
		}
	}
	# the order of the towers must not tell whose they are
	start_chance($seed, $version, 0, 1);
	for my $i (reverse 1 .. $#rows)
	{
		my $j = int rand($i + 1);
		@rows[$i, $j] = @rows[$j, $i];
	}
	print {$area_out} join("\t", $seed, $k, sprintf('%.4f', $size), as_text($shape)), "\n";
	print {$atom_out} join("\t", $seed, $_ + 1, @{ $rows[$_] }), "\n" for 0 .. $#rows;
}
