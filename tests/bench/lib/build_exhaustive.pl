#!/usr/bin/env perl
# build_exhaustive.pl [STEPS]: is there any division into connected grids in both windows?
#
# Brute force that shares nothing with the extension: every connected set that
# holds a chosen vertex and is in the windows is tried as its grid, and the rest
# is divided likewise. Reads, for each graph, lines
#	graph NAME
#	vertex ID HOUSEHOLDS RESIDENTS		(residents \N: do not count)
#	edge ID ID
# and prints NAME, "none", "exists" or "open" (not finished in so many steps),
# the division that was found (ids with commas, grids with bars), and, of graphs of
# up to 14 vertices, by how much the best division of all is out of the windows:
# the sum of what each grid misses or exceeds.
use strict;
use warnings;
no warnings 'recursion';

my $most = $ARGV[0] // 5_000_000;
my @window = ([300, 500], [1000, 2000]);
my ($name, @ids, %number, @weight, @near, $weights);
my ($steps, %hopeless);

while (my $line = <STDIN>)
{
	chomp $line;
	my ($what, @f) = split /\t/, $line;
	if ($what eq 'graph') { finish(); begin($f[0]); }
	elsif ($what eq 'vertex') { vertex(@f); }
	elsif ($what eq 'edge') { edge(@f); }
}
finish();

sub begin
{
	($name) = @_;
	@ids = @weight = @near = ();
	%number = ();
	$weights = 1;
}

sub vertex
{
	my ($id, $h, $r) = @_;
	$number{$id} = @ids;
	push @ids, $id;
	push @near, 0;
	push @weight, [$h, $r eq '\N' ? 0 : $r];
	$weights = 2 if $r ne '\N';
}

sub edge
{
	my ($a, $b) = map { $number{$_} // die "$name: no vertex $_\n" } @_;
	return if $a == $b;
	$near[$a] |= 1 << $b;
	$near[$b] |= 1 << $a;
}

sub finish
{
	return unless defined $name;
	if (@ids > 62) { print "$name\topen\t\t\\N\n"; return; }
	($steps, %hopeless) = (0);
	my $found = [];
	my $all = 0;
	# what nobody lives in and nothing connects with the rest does not count
	for my $part (components((1 << @ids) - 1)) { $all |= $part if weight($part, 0) + weight($part, 1) > 0; }
	my $verdict = eval { $all && divide($all, $found) ? 'exists' : 'none' };
	die $@ if !defined $verdict && $@ ne "steps\n";
	$verdict //= 'open';
	print join("\t", $name, $verdict, $verdict eq 'exists' ? join('|', map { join ',', @ids[members($_)] } @$found) : '',
		@ids <= 14 && $all ? least($all) : '\N'), "\n";
}

sub members { my ($set) = @_; return grep { $set >> $_ & 1 } 0 .. $#ids; }

sub weight
{
	my ($set, $w) = @_;
	my $sum = 0;
	for my $v (members($set)) { $sum += $weight[$v][$w]; }
	return $sum;
}

sub components
{
	my ($set) = @_;
	my @parts;
	while ($set)
	{
		my $part = $set & -$set;
		my $front = $part;
		while ($front)
		{
			my $next = 0;
			for my $v (members($front)) { $next |= $near[$v]; }
			$front = $next & $set & ~$part;
			$part |= $front;
		}
		push @parts, $part;
		$set &= ~$part;
	}
	return @parts;
}

# Could so much be divided, were it sand?
sub fits
{
	my ($set) = @_;
	my ($low, $high) = (1, 9e9);
	for my $w (0 .. $weights - 1)
	{
		my $sum = weight($set, $w);
		my ($min, $max) = @{ $window[$w] };
		my $least = int(($sum + $max - 1) / $max);
		my $greatest = int($sum / $min);
		$low = $least if $least > $low;
		$high = $greatest if $greatest < $high;
	}
	return $low <= $high;
}

# Divide every component of the set; the grids are added to what was found.
sub divide
{
	my ($set, $found) = @_;
	return 1 if !$set;
	my @parts = sort { $a <=> $b } components($set);
	for my $part (@parts) { return 0 if $hopeless{$part} || !fits($part); }
	my $before = @$found;
	for my $part (@parts)
	{
		if (!divide_part($part, $found))
		{
			$hopeless{$part} = 1;
			$#$found = $before - 1;
			return 0;
		}
	}
	return 1;
}

# The vertex with the fewest neighbours has the fewest grids it could be in.
sub divide_part
{
	my ($part, $found) = @_;
	my ($best, $fewest) = (-1, 99);
	for my $v (members($part))
	{
		my $n = members($near[$v] & $part);
		($best, $fewest) = ($v, $n) if $n < $fewest;
	}
	return grow($part, 1 << $best, $near[$best] & $part, 1 << $best, $weight[$best][0], $weight[$best][1], $found);
}

# All connected sets that contain this one and none of what was barred, each once.
sub grow
{
	my ($part, $set, $front, $barred, $h, $r, $found) = @_;
	die "steps\n" if ++$steps > $most;
	return 0 if $h > $window[0][1] || ($weights == 2 && $r > $window[1][1]);
	if ($h >= $window[0][0] && ($weights == 1 || $r >= $window[1][0]))
	{
		push @$found, $set;
		return 1 if divide($part & ~$set, $found);
		pop @$found;
	}
	$front &= ~$barred;
	for my $v (members($front))
	{
		$barred |= 1 << $v;
		return 1 if grow($part, $set | 1 << $v, ($front | $near[$v]) & $part & ~$barred, $barred, $h + $weight[$v][0], $r + $weight[$v][1], $found);
	}
	return 0;
}

# --- the least that must be out of the windows ---

my (%least, %violation, %connected);

sub least
{
	my ($all) = @_;
	%least = (0 => 0);
	%violation = %connected = ();
	return least_of($all);
}

sub violation
{
	my ($set) = @_;
	return $violation{$set} //= do {
		my $sum = 0;
		for my $w (0 .. $weights - 1)
		{
			my $x = weight($set, $w);
			my ($min, $max) = @{ $window[$w] };
			$sum += $x < $min ? $min - $x : $x > $max ? $x - $max : 0;
		}
		$sum;
	};
}

# Every subset that holds the lowest vertex, if it is connected, as that vertex's grid.
sub least_of
{
	my ($set) = @_;
	return $least{$set} if defined $least{$set};
	my $lowest = $set & -$set;
	my $rest = $set & ~$lowest;
	my $best = 9e9;
	for (my $sub = $rest; ; $sub = ($sub - 1) & $rest)
	{
		my $grid = $sub | $lowest;
		$connected{$grid} //= components($grid) == 1 ? 1 : 0;
		if ($connected{$grid} && violation($grid) < $best)
		{
			my $x = violation($grid) + least_of($set & ~$grid);
			$best = $x if $x < $best;
		}
		last if $sub == 0;
	}
	return $least{$set} = $best;
}
