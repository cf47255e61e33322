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
# and the division that was found: ids with commas, grids with bars.
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
	if (@ids > 62) { print "$name\topen\t\n"; return; }
	($steps, %hopeless) = (0);
	my $found = [];
	my $verdict = 'none';
	if (@ids)
	{
		my $all = 0;
		# what nobody lives in and nothing connects with the rest does not count
		for my $part (components((1 << @ids) - 1)) { $all |= $part if weight($part, 0) + weight($part, 1) > 0; }
		$verdict = eval { divide($all, $found) ? 'exists' : 'none' };
		die $@ if !defined $verdict && $@ ne "steps\n";
		$verdict //= 'open';
	}
	print join("\t", $name, $verdict, $verdict eq 'exists' ? join('|', map { join ',', @ids[members($_)] } @$found) : ''), "\n";
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
