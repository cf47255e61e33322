# Maps of a register (sql/community/map.sql), read back from what they print: every label in its area or at the end of a line that
# ends there, nothing on top of anything else, enough contrast, classes, scale, colours of the pixels, who sees what, and GeoJSON.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use Compress::Zlib ();
use GridTest;
use Test::More;

my $builder = Test::More->builder;
binmode $builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
my $database = 'community_map';
my %register = (maps_en => [qw(en 4326)], maps_zh => [qw(zh 32650)]);
my @groups = qw(owner officer manager handler statistician reader admin);
my @people = qw(maps_read maps_one maps_all);

# A street drawn by hand: rings around each other, two islands with one grid, a thread, a corner of one cell. Two letters are a
# community and its grid; a cell is a hundred metres or so.
my @picture = map { [/../g] } qw(
    AaAaAaAaAaAaBaBaBaBaBaBbBbBbBbBb
    AaAbAbAbAbAaBaBaBaBaBaBbBbBcBcBb
    AaAbAcAcAbAaBaBaBeBaBaBbBbBcBcBb
    AaAbAcAcAbAaBaBaBaBaBaBbBbBdBdBd
    AaAbAbAbAbAaBaBaBaBaBaBdBdBdBfBd
    AaAaAaAaAaAaCaCaCaCaCaCaCaCaCaCa
    DaDaDaDaDaDaCbCbCbCbCbCbCbCbCbCb
    DbDbDbDbDaDaCcCcCcCcCcCcCdCdCdCd
    DbDbDbDbDaDaCcCcCcCcCcCcCdCdCdCd
    ........DaDa........CcCc....CdCd
    AdAd....DaDa....CcCcCcCc........
    AdAd........................AdAd
);

END { drop_roles() }

# Roles are of the whole cluster.
sub drop_roles {
    my @sql = ("DROP DATABASE IF EXISTS $database", map { "DROP ROLE IF EXISTS $_" } @people, map { my $r = $_; map { "${r}_$_" } @groups } sort keys %register);
    system("$ENV{GT_BIN}/psql", '-Xq', '-d', 'postgres', map { ('-c', $_) } 'SET client_min_messages = warning', @sql) and die 'cannot drop roles';
}

# The picture, beside it a street of 160 grids, one cell each, and a third where twelve grids too small for a label lie on one that is
# large and two more in it. Every tenth grid has no cases; in the others more and more
# were closed on time. The district has no boundary of its own. Of a second district, without one as well, little is drawn so far: in
# a street one community with a large grid and six small ones, beside it one without grids, around them land of no community; and
# of a second street the outline. The register's day is the last of February 2024, whenever the test runs.
sub build {
    my ($schema) = @_;
    my ($language, $srid) = @{$register{$schema}};
    my @cells;
    for my $row (0 .. $#picture) {
        for my $column (0 .. $#{$picture[$row]}) {
            my ($community, $grid) = map { ord(lc) - ord('a') + 1 } $picture[$row][$column] =~ /([A-Z])([a-z])/ or next;
            push @cells, sprintf "(%d, %d, '350101001%03d%03d')", $column, -$row, $community, $grid;
        }
        push @cells, map { sprintf "(%d, %d, '350101002%03d%03d')", 16 + $_, -$row, 1 + int($_ / 4), $row * 4 + $_ % 4 + 1 } 0 .. 15 if $row < 10;
    }
    psql(encode_utf8(qq{
\\set schema $schema
\\set role_prefix $schema
\\set lang $language
\\set srid $srid
\\i sql/community/install.sql
SET search_path = $schema, public;
CREATE TEMP TABLE cell AS SELECT c.code, ST_Transform(ST_Segmentize(ST_MakeEnvelope(119 + x * 0.001, 25 + y * 0.001, 119 + (x + 1) * 0.001, 25 + (y + 1) * 0.001, 4326), 0.001), $srid) AS geom
FROM (VALUES @{[join ', ', @cells]}) c (x, y, code);
CREATE TEMP TABLE spot AS SELECT format('350101003001%s', lpad((n + 1)::text, 3, '0')) AS code, ST_MakeEnvelope(x, y, x + 0.0002, y + 0.0002, 4326) AS geom
FROM (SELECT n, 119.04 + CASE WHEN n <= 11 THEN 0.0005 * n ELSE 0.0028 + 0.0004 * (n - 12) END AS x, CASE WHEN n <= 11 THEN 25.006 ELSE 25.003 END AS y FROM generate_series(1, 13) n) n;
INSERT INTO spot SELECT '350101003001001', ST_Difference(ST_MakeEnvelope(119.04, 25, 119.0464, 25.006, 4326), ST_Union(geom)) FROM spot;
INSERT INTO cell SELECT code, ST_Transform(geom, $srid) FROM spot;
CREATE TEMP TABLE part AS SELECT code, ST_MakeEnvelope(119 + x, 25.1 + y, 119 + x + w, 25.1 + y + h, 4326) AS geom FROM (VALUES ('350102001001001', 0, 0, 0.003, 0.004), ('350102001002', 0.004, 0, 0.005, 0.006),
	('350102001', -0.001, -0.001, 0.011, 0.008), ('350102002', -0.001, 0.007, 0.003, 0.004)) v (code, x, y, w, h);
INSERT INTO part SELECT '35010200100100' || n + 2, ST_MakeEnvelope(119.003, 25.1 + n * 0.0006, 119.0031, 25.1 + n * 0.0006 + 0.0006, 4326) FROM generate_series(0, 5) n;
INSERT INTO cell SELECT code, ST_Transform(geom, $srid) FROM part WHERE length(code) = 15;
INSERT INTO boundary_version VALUES (1, 'first', '2020-02-29');
SELECT boundary_draw(1, '350101', '<区> & "District"', NULL), boundary_draw(1, '350101001', '东 & 西<街>', (SELECT ST_Union(geom) FROM cell WHERE code LIKE '350101001%')),
	boundary_draw(1, '350101002', '"格" 街', (SELECT ST_Union(geom) FROM cell WHERE code LIKE '350101002%')),
	boundary_draw(1, '350101003', '小格街', (SELECT ST_Union(geom) FROM cell WHERE code LIKE '350101003%')), boundary_draw(1, '350102', '半区', NULL),
	boundary_draw(1, '350102001', '半街', (SELECT ST_Transform(geom, $srid) FROM part WHERE code = '350102001')), boundary_draw(1, '350102002', '空街', (SELECT ST_Transform(geom, $srid) FROM part WHERE code = '350102002')),
	boundary_draw(1, '350102001002', '空社区居委会', (SELECT ST_Transform(geom, $srid) FROM part WHERE code = '350102001002')) \\g /dev/null
SELECT boundary_draw(1, left(code, 12), CASE right(left(code, 12), 3) WHEN '002' THEN 'A&B''s <苑>社区居委会' WHEN '003' THEN repeat('长名', 8) || '社区居民委员会' ELSE '第' || right(left(code, 12), 1) || '村委会' END, ST_Union(geom)) FROM cell GROUP BY 1, left(code, 12) ORDER BY left(code, 12) \\g /dev/null
}) =~ s/GROUP BY 1, /GROUP BY /r . encode_utf8(q{
SELECT boundary_draw(1, code, '第' || right(code, 3)::int || '网格', ST_Union(geom)) FROM cell GROUP BY code ORDER BY code \g /dev/null
DO $$ BEGIN PERFORM boundary_publish(1); EXCEPTION WHEN check_violation THEN PERFORM boundary_apply(1); END $$;
INSERT INTO building (id, address, geom) SELECT row_number() OVER (ORDER BY code), 'x', ST_PointOnSurface(geom) FROM boundary WHERE level = 'grid';
INSERT INTO household (building, door, residents) SELECT b.id, d::text, 2 FROM building b, generate_series(1, 1 + (b.id * 7) % 23) d;
ALTER TABLE event DISABLE TRIGGER event_first_step;
INSERT INTO event (kind, reported_at, reported_by, building, state, deadline, closed_at)
SELECT 'fire', '2024-01-01', 'x', b.id, 'closed', '2024-01-03', CASE WHEN n <= b.id % 37 THEN timestamptz '2024-01-02' ELSE '2024-01-05' END
FROM building b, generate_series(1, 40) n WHERE b.id % 10 <> 4;
INSERT INTO assignment (person, post, area, role_name) VALUES (gen_random_uuid(), 'officer', '350101001001002', 'maps_one'), (gen_random_uuid(), 'statistician', '350101', 'maps_all');
SELECT grid_rollup_refresh(rollup) FROM grid_rollup_catalog \g /dev/null
ANALYZE;
}));
    set_day($schema, '2024-02-29');
}

sub set_day { my ($schema, $day) = @_; return psql("CREATE OR REPLACE FUNCTION $schema.today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE RETURN date '$day'"); }

# SQL in a register, as UTF-8 text.
sub ask {
    my ($schema, $sql) = @_;
    return decode_utf8(psql("SET search_path = $schema, public;\n" . encode_utf8($sql)));
}

sub as {
    my ($role, $schema, $sql) = @_;
    local $ENV{PGUSER} = $role;
    return map { decode_utf8($_) } psql_try("SET search_path = $schema, public;\n" . encode_utf8($sql));
}

# What is drawn.

sub plain { my ($text) = @_; my %of = (amp => '&', lt => '<', gt => '>', quot => '"', apos => "'"); return $text =~ s/&(\w+);/$of{$1}/gr; }

# Every element but those inside others: name, attributes, content.
sub elements {
    my ($svg) = @_;
    my @found;
    while ($svg =~ m{<(path|text|rect|circle)\b([^>]*?)(?:/>|>(.*?)</\1>)}gs) {
        my ($name, $attributes, $content) = ($1, $2, $3 // '');
        my %e = (name => $name, content => $content, $attributes =~ /([\w-]+)="([^"]*)"/g);
        push @found, \%e;
    }
    return @found;
}

# A little narrower than the map takes it to be, as the map has to be on the safe side.
sub text_box {
    my ($t) = @_;
    my $text = plain($t->{content});
    my $chinese = () = $text =~ /[\x{1100}-\x{ffff}]/g;
    my $width = $t->{'font-size'} * ($chinese + 0.62 * (length($text) - $chinese)) * ($t->{'font-weight'} ? 1.08 : 1);
    my $x = $t->{x} - $width * {start => 0, middle => 0.5, end => 1}->{$t->{'text-anchor'}};
    return [$x, $t->{y} - 0.85 * $t->{'font-size'}, $x + $width, $t->{y} + 0.15 * $t->{'font-size'}];
}

sub rect_box { my ($r) = @_; return [$r->{x}, $r->{y}, $r->{x} + $r->{width}, $r->{y} + $r->{height}]; }
sub covers { my ($out, $in) = @_; return $out->[0] <= $in->[0] && $out->[1] <= $in->[1] && $out->[2] >= $in->[2] && $out->[3] >= $in->[3]; }
sub overlap { my ($a, $b) = @_; return $a->[0] < $b->[2] && $b->[0] < $a->[2] && $a->[1] < $b->[3] && $b->[1] < $a->[3]; }
sub envelope { my ($b) = @_; return sprintf 'ST_MakeEnvelope(%s, %s, %s, %s)', @$b; }
sub rings { my ($d) = @_; return map { [map { [split ' '] } /(-?[\d.]+ -?[\d.]+)/g] } grep { /\d/ } split /M/, $d; }

sub shape {
    my ($d) = @_;
    return 'ST_BuildArea(ST_Collect(ARRAY[' . join(', ', map { 'ST_GeomFromText(\'LINESTRING(' . join(', ', map { "@$_" } @$_, $_->[0]) . ')\')' } rings($d)) . ']))';
}

sub luminance {
    my @part = map { my $p = hex($_) / 255; $p <= 0.03928 ? $p / 12.92 : (($p + 0.055) / 1.055) ** 2.4 } $_[0] =~ /^#(..)(..)(..)$/;
    return 0.2126 * $part[0] + 0.7152 * $part[1] + 0.0722 * $part[2];
}

sub contrast { my ($low, $high) = sort { $a <=> $b } map { luminance($_) } @_; return ($high + 0.05) / ($low + 0.05); }

# Where a number lies by the words of the key.
sub in_class {
    my ($words, $value) = @_;
    return $value < $1 if $words =~ /^(?:under|不足) ([\d.]+)$/;
    return $value >= $1 && $value < $2 if $words =~ /^([\d.]+) (?:to under|至不足) ([\d.]+)$/;
    return $value >= $1 if $words =~ /^([\d.]+) (?:and more|及以上)$/;
    return $words == $value;
}

# All that has to hold of any map. Returns what was found in it.
sub check_map {
    my ($schema, $arguments, %expected) = @_;
    my $what = "map_svg($arguments)";
    my $svg = ask($schema, "SELECT map_svg($arguments)");
    my @e = elements($svg);
    my ($width, $height) = $svg =~ /^<svg [^>]*width="(\d+)" height="(\d+)"/ or return fail("$what is a document");
    my @areas = grep { ($_->{class} // '') eq 'area' } @e;
    my @gaps = grep { ($_->{class} // '') eq 'gap' } @e;
    my @around = grep { ($_->{class} // '') eq 'around' } @e;
    my ($root) = $arguments =~ /^'(\d+)'/;
    my @texts = grep { $_->{name} eq 'text' } @e;
    my @leaders = map { [rings($_->{d})] } grep { ($_->{class} // '') eq 'leader' } @e;
    my @plates = map { rect_box($_) } grep { $_->{rx} } @e;
    my @keys = grep { ($_->{class} // '') eq 'key' } @e;
    my ($scale) = grep { ($_->{class} // '') eq 'scale' } @e;
    my ($north) = grep { ($_->{class} // '') eq 'north' } @e;
    my $key_x = $keys[0]{x};
    my ($left, $right) = (sort { $a <=> $b } map { map { map { $_->[0] } @$_ } rings($_->{d}) } @areas, @gaps, @around)[0, -1];
    my ($upper, $lower) = (sort { $a <=> $b } map { map { map { $_->[1] } @$_ } rings($_->{d}) } @areas, @gaps, @around)[0, -1];
    my @labels = grep { $_->{'font-size'} < 20 && $_->{x} < $key_x } @texts;
    my %known = map { my ($code, $name, $value) = split /\t/; $code => [$name, $value] } split /\n/, $expected{labels};

    # geometry is PostGIS's
    my $pairs = join ",\n", map { "('$_->{'data-code'}', " . shape($_->{d}) . ')' } @areas;
    my $boxes = join ",\n", map { "($_, " . envelope(text_box($labels[$_])) . ')' } 0 .. $#labels;
    my $ends = join ",\n", map { my ($from, $to) = @{$leaders[$_][0]}; "($_, ST_MakePoint($to->[0], $to->[1]))" } 0 .. $#leaders;
    my (%in, %ends_in);
    if (@labels) {
        push @{$in{(split /\|/)[0]}}, (split /\|/)[1]
            for split /\n/, ask($schema, "SELECT b.n, a.code FROM (VALUES $pairs) a (code, shape), (VALUES $boxes) b (n, box) WHERE ST_Covers(a.shape, b.box)");
    }
    %ends_in = map { split /\|/ } split /\n/, ask($schema, "SELECT l.n, a.code FROM (VALUES $pairs) a (code, shape), (VALUES $ends) l (n, stop) WHERE ST_Contains(a.shape, l.stop)") if @leaders;

    my (@astray, @faint, %named, %used);
    for my $n (0 .. $#labels) {
        my ($text, $box) = (plain($labels[$n]{content}), text_box($labels[$n]));
        my ($plate) = grep { covers($plates[$_], $box) } 0 .. $#plates;
        my ($line) = grep { my ($x, $y) = @{$leaders[$_][0][0]}; $x >= $box->[0] - 16 && $x <= $box->[2] + 16 && $y >= $box->[1] - 5 && $y <= $box->[3] + 5 } 0 .. $#leaders;
        my @where = defined $line ? $ends_in{$line} // () : @{$in{$n} // []};
        my $behind = defined $line || defined $plate ? '#ffffff' : '#808080';
        if (@plates) {
            # the name of an area around: in those that are in it
            my $place = defined $plate ? envelope($plates[$plate]) : defined $line ? "ST_MakePoint($leaders[$line][0][1][0], $leaders[$line][0][1][1])" : 'NULL';
            push @astray, "$text in its area" unless ask($schema, "SELECT bool_or(ST_Covers(s.shape, $place)) FROM areas x, LATERAL (SELECT ST_Union(a.shape) AS shape FROM (VALUES $pairs) a (code, shape) WHERE starts_with(a.code, x.code)) s
                WHERE map_short_name(x.name, 12) = \$name\$$text\$name\$") eq 't';
        } else {
            my ($owner) = grep { my ($name, $value) = @{$known{$_}}; $text eq $name || $text eq $value || $text eq "$name: $value" } @where;
            push @astray, "$text in (@where)" unless defined $owner;
            $named{$owner}++ if defined $owner && $text =~ /^\Q$known{$owner}[0]\E(:|$)/;
            ($behind) = map { $_->{fill} } grep { $_->{'data-code'} eq ($owner // '') } @areas unless defined $line;
        }
        $used{$line}++ if defined $line;
        push @faint, "$text $labels[$n]{fill}" if contrast($labels[$n]{fill}, $behind // '#808080') < 4.5 || ($behind // '') eq '#d4d4d4' && contrast($labels[$n]{fill}, '#bcbcbc') < 4.5;
    }
    is("@astray", '', "$what: labels are in their areas, or lead there");
    is("@faint", '', "$what: they stand out");
    is(join(' ', grep { ($used{$_} // 0) != 1 } 0 .. $#leaders), '', "$what: each of @{[scalar @leaders]} lines is of one label");
    is(scalar(keys %named), $expected{own} ? @areas : scalar(grep { $named{$_} } keys %named), "$what: each area has a name") if $expected{own};
    is(scalar(grep { $_ > 1 } values %named), 0, "$what: and none has two");

    # nothing on top of anything else
    my @all = ((map { [plain($_->{content}), text_box($_)] } @texts), (map { ['colour', rect_box($_)] } @keys),
        map { my @p = map { $_->{d} =~ /M([\d.]+) ([\d.]+)/ } $_; $_->{class} eq 'north' ? ['north', [$p[0] - 8, $p[1], $p[0] + 8, $p[1] + 26]] : ['scale', [$p[0], $p[1], $p[0] + ($_->{d} =~ /h([\d.]+)/)[0], $p[1] + 6]] } $scale, $north);
    my @clash;
    for my $i (0 .. $#all) {
        push @clash, "$all[$i][0] off the sheet" unless covers([0, 0, $width, $height], $all[$i][1]);
        push @clash, map { "$all[$i][0] on $all[$_][0]" } grep { overlap($all[$i][1], $all[$_][1]) } $i + 1 .. $#all;
    }
    is("@clash", '', "$what: nothing overlaps on $width x $height");
    my $crossed = @leaders && @labels ? ask($schema, "SELECT count(*) FROM (VALUES " . join(', ', map { my ($f, $t) = @{$leaders[$_][0]}; "($_, ST_MakeLine(ST_MakePoint($f->[0], $f->[1]), ST_MakePoint($t->[0], $t->[1])))" } 0 .. $#leaders)
        . ") l (n, line), (VALUES $boxes) b (n, box) WHERE ST_Length(ST_Intersection(l.line, b.box)) > 0") : 0;
    is($crossed, 0, "$what: no line runs through a label");
    is($right < $key_x ? 'beside' : 'under', 'beside', "$what: the map is beside its key");
    is(join(' ', map { $_->[0] } grep { overlap($_->[1], [$left, $upper, $right, $lower]) } grep { my $thing = $_; !grep { plain($_->{content}) eq $thing->[0] } @labels } @all), '', "$what: and all that is drawn clear of words and key");
    ok(covers([0, 0, $width, $height], [$left, $upper, $right, $lower]), "$what: and on the sheet");

    # all of the area asked for is drawn, what is in none of the level in grey and hatched
    my $drawn = '(SELECT ST_Union(s) FROM unnest(ARRAY[' . join(', ', map { shape($_->{d}) } @areas, @gaps) . ']) s)';
    is(ask($schema, "SELECT ST_Area(ST_Buffer(ST_SymDifference($drawn, " . shape($around[-1]{d}) . '), -1))'), 0, "$what: all of it is drawn") if @around;
    for my $gap (@gaps) {
        is(ask($schema, 'SELECT ST_Area(ST_Intersection(ST_Buffer(' . shape($gap->{d}) . ", -1), (SELECT ST_Union(a.shape) FROM (VALUES $pairs) a (code, shape))))"), 0, "$what: gaps are where no area is");
        is(join(' ', map { $_->{fill} } grep { $_->{d} && $_->{d} eq $gap->{d} } @e), '#d4d4d4 url(#hatch)', "$what: grey and hatched");
        my @beside = map { envelope(text_box($_)) } grep { my $l = $_; !grep { my $n = $_; $labels[$n] == $l } keys %in } @labels;
        is(ask($schema, 'SELECT count(*) FROM unnest(ARRAY[' . join(', ', @beside) . ']) b WHERE ST_Intersects(b, ' . shape($gap->{d}) . ')'), 0, "$what: and no label is on them") if @beside && $expected{own};
    }

    # classes
    my @classes = map { my $k = $_; my ($words) = map { plain($_->{content}) } grep { abs($_->{y} - $k->{y} - 12) < 1 && $_->{x} > $key_x && $_->{"text-anchor"} eq "start" } @texts;
        my ($count) = map { $_->{content} } grep { abs($_->{y} - $k->{y} - 12) < 1 && $_->{x} > $key_x && $_->{'text-anchor'} eq 'end' } @texts; [$k->{fill}, $words, $count] } @keys;
    cmp_ok(scalar(grep { $_->[0] ne '#d4d4d4' } @classes), '<=', 5, "$what: at most five classes");
    my @wrong;
    for my $area (@areas) {
        my $value = $known{$area->{'data-code'}}[1];
        my ($class) = grep { $_->[0] eq $area->{fill} } @classes;
        push @wrong, "$area->{'data-code'}: $value" unless $class && ($value eq '' ? $class->[0] eq '#d4d4d4' : $class->[0] ne '#d4d4d4' && in_class($class->[1], $value));
        $class->[2]-- if $class;
    }
    is("@wrong", '', "$what: areas are in their classes, grey where there is no data");
    is(join(' ', map { $_->[2] // 0 } @classes), join(' ', (0) x @classes), "$what: the key counts them");
    is(scalar(grep { $_->[0] eq '#d4d4d4' } @classes), @gaps || (grep { $_->{fill} eq '#d4d4d4' } @areas) ? 1 : 0, "$what: and names grey if there is any");
    my @lightness = map { luminance($_->[0]) } grep { $_->[0] ne '#d4d4d4' } @classes;
    is("@lightness", join(' ', sort { $b <=> $a } @lightness), "$what: from light to dark");

    # the scale
    my ($words) = map { plain($_->{content}) } grep { abs($_->{y} - ($scale->{d} =~ /M[\d.]+ ([\d.]+)/)[0]) < 8 && $_->{x} > $key_x && $_->{'text-anchor'} eq 'middle' } @texts;
    my ($number, $unit) = $words =~ /^([\d.]+) (m|km|米|公里)$/;
    my $metres = $number * ($unit =~ /^(km|公里)$/ ? 1000 : 1);
    like($metres, qr/^0*[.]?0*[125]0*$/, "$what: the scale's length is round");
    my ($east, $south) = split /\|/, ask($schema, "SELECT ST_Distance(ST_MakePoint(ST_XMin(e), y)::geography, ST_MakePoint(ST_XMax(e), y)::geography), ST_Distance(ST_MakePoint(x, ST_YMin(e))::geography, ST_MakePoint(x, ST_YMax(e))::geography)
        FROM (SELECT e, (ST_XMin(e) + ST_XMax(e)) / 2 AS x, (ST_YMin(e) + ST_YMax(e)) / 2 AS y FROM (SELECT ST_Extent(ST_Transform(geom, 4326)) AS e FROM areas WHERE starts_with(code, '$root')) x) y");
    my ($bar) = $scale->{d} =~ /h([\d.]+)/;
    cmp_ok(abs(($right - $left) * $metres / $bar / $east - 1), '<', 0.003, "$what: and right from west to east");
    cmp_ok(abs(($lower - $upper) * $metres / $bar / $south - 1), '<', 0.003, "$what: and from north to south");
    my @dates = sort map { plain($_->{content}) =~ /^(.*\b\d{4}-\d\d-\d\d)$/ ? $1 : () } @texts;
    is("@dates", $unit =~ /m/ ? 'Boundaries of 2020-02-29 Figures of 2024-02-29' : '数据截至 2024-02-29 边界生效日期：2020-02-29', "$what: it has the dates of boundaries and figures");
    return {svg => $svg, areas => \@areas, gaps => \@gaps, labels => \@labels, leaders => \@leaders, plates => \@plates, classes => \@classes, texts => \@texts, elements => \@e};
}

# What labels say, from the tables and not from the functions: code, name, value.
sub expected {
    my ($schema, $area, $level, $figure) = @_;
    return ask($schema, "SELECT concat_ws(E'\\t', a.code, CASE WHEN a.level <> 'grid' THEN CASE right(a.code, 3) WHEN '003' THEN repeat('长名', 5) || '长…' ELSE regexp_replace(a.name, '居委会\$|(?<=村)委会\$', '') END
            WHEN count(*) OVER () = 1 THEN a.name WHEN count(*) OVER () = count(*) OVER (PARTITION BY a.community_code) THEN right(a.code, 3)::int::text ELSE right(a.community_code, 3)::int || '-' || right(a.code, 3)::int END,
        coalesce(round(f.$figure, CASE WHEN bool_or(f.$figure <> trunc(f.$figure)) OVER () THEN 1 ELSE 0 END)::text, ''))
        FROM areas a LEFT JOIN figures f ON f.code = a.code WHERE a.level = '$level' AND starts_with(a.code, '$area') ORDER BY a.code");
}

# Pixels.

# 8-bit RGB or RGBA PNG: a function from x, y to '#rrggbb'.
sub png {
    my ($file) = @_;
    open my $f, '<:raw', $file or die "$file: $!";
    my $bytes = do { local $/; <$f> };
    my ($at, $data, $width, $height, $kind) = (8, '');
    while ($at < length $bytes) {
        my ($length, $type) = unpack 'N a4', substr $bytes, $at, 8;
        ($width, $height, my $depth, $kind) = unpack 'N N C C', substr $bytes, $at + 8, 10 if $type eq 'IHDR';
        $data .= substr $bytes, $at + 8, $length if $type eq 'IDAT';
        $at += $length + 12;
    }
    my $each = {2 => 3, 6 => 4}->{$kind} or die "kind $kind";
    my @raw = unpack 'C*', Compress::Zlib::uncompress($data);
    my ($stride, @rows) = ($width * $each);
    for my $y (0 .. $height - 1) {
        my $filter = $raw[$y * ($stride + 1)];
        my @row = @raw[$y * ($stride + 1) + 1 .. ($y + 1) * ($stride + 1) - 1];
        my $above = $y ? $rows[-1] : [(0) x $stride];
        for my $i (0 .. $stride - 1) {
            last if !$filter;
            my ($a, $b, $c) = ($i >= $each ? $row[$i - $each] : 0, $above->[$i], $i >= $each ? $above->[$i - $each] : 0);
            my $guess = $filter == 1 ? $a : $filter == 2 ? $b : $filter == 3 ? int(($a + $b) / 2)
                : do { my $p = $a + $b - $c; my ($pa, $pb, $pc) = (abs($p - $a), abs($p - $b), abs($p - $c)); $pa <= $pb && $pa <= $pc ? $a : $pb <= $pc ? $b : $c };
            $row[$i] = ($row[$i] + $guess) % 256;
        }
        push @rows, \@row;
    }
    return ($width, $height, sub { my ($x, $y) = @_; return sprintf '#%02x%02x%02x', @{$rows[$y]}[$x * $each .. $x * $each + 2]; });
}

sub check_pixels {
    my ($schema, $what, $map) = @_;
    my $file = "$ENV{GT_TMP}/community_map";
    open my $f, '>:encoding(UTF-8)', "$file.svg" or die $!;
    print $f $map->{svg};
    close $f;
    is(system('rsvg-convert', "$file.svg", '-o', "$file.png"), 0, "$what: rsvg-convert draws it");
    my ($width, $height, $pixel) = png("$file.png");
    is("$width $height", join(' ', $map->{svg} =~ /width="(\d+)" height="(\d+)"/), "$what: as large as it says");
    # where an area is away from borders, labels and lines, its colour is seen
    my $things = join ', ', (map { 'ST_Expand(' . envelope(text_box($_)) . ', 3)' } @{$map->{labels}}),
        (map { my ($a, $b) = @{$_->[0]}; "ST_Buffer(ST_MakeLine(ST_MakePoint($a->[0], $a->[1]), ST_MakePoint($b->[0], $b->[1])), 4)" } @{$map->{leaders}}), (map { 'ST_Expand(' . envelope($_) . ', 2)' } @{$map->{plates}});
    my @points = map { [split /\|/] } split /\n/, ask($schema, "WITH free AS (SELECT a.fill, ST_Difference(ST_Buffer(a.shape, -2.5), (SELECT ST_Union(t) FROM unnest(ARRAY[$things]) t)) AS shape
        FROM (VALUES " . join(', ', map { "('$_->{fill}', " . shape($_->{d}) . ')' } @{$map->{areas}}, @{$map->{gaps}}) . ") a (fill, shape))
        SELECT fill, floor(ST_X(p)), floor(ST_Y(p)) FROM free, ST_PointOnSurface(shape) p WHERE ST_Area(shape) > 30");
    cmp_ok(scalar(@points), '>', @{$map->{areas}} / 2, "$what: " . @points . ' areas are looked at');
    my @off = grep { my $seen = $pixel->($_->[1], $_->[2]); $seen ne $_->[0] && !($_->[0] eq '#d4d4d4' && contrast($seen, '#c8c8c8') < 1.3) } @points;
    is(scalar(@off), 0, "$what: and have their colours");
    my @blank;
    for my $text (grep { $_->{fill} eq '#14202a' } @{$map->{texts}}) {
        my ($x0, $y0, $x1, $y1) = map { int } @{text_box($text)};
        my $dark = 0;
        for my $y ($y0 .. $y1) { $dark += grep { luminance($pixel->($_, $y)) < 0.1 } $x0 .. $x1 }
        push @blank, $text->{content} if $dark < 2;
    }
    is("@blank", '', "$what: every dark text leaves ink in its place");
}

drop_roles();
fresh_database($database);
build($_) for sort keys %register;
psql('CREATE ROLE maps_read LOGIN IN ROLE maps_en_reader, maps_zh_reader; CREATE ROLE maps_one LOGIN IN ROLE maps_en_officer, maps_zh_officer;
    CREATE ROLE maps_all LOGIN IN ROLE maps_en_statistician, maps_zh_statistician');

# Maps of all kinds.

my %map;
for my $case (
    # register, name, area, level, figure, arguments, whether every area has a label
    ['maps_en', 'street', '350101001', 'grid', 'on_time_percent', "'350101001'", 1],
    ['maps_en', 'narrow', '350101001', 'grid', 'on_time_percent', "'350101001', width => 720", 1],
    ['maps_en', 'narrowest', '350101001', 'grid', 'on_time_percent', "'350101001', width => 600", 0],
    ['maps_en', 'small ones', '350101003', 'grid', 'residents', "'350101003', 'residents'", 1],
    ['maps_zh', 'chinese', '350101001', 'grid', 'households', "'350101001', 'households', width => 700", 1],
    ['maps_zh', 'other language', '350101001', 'community', 'residents', "'350101001', 'residents', 'community', language => 'en'", 1],
    ['maps_en', 'communities', '350101', 'community', 'mean_hours_to_close', "'350101', 'mean_hours_to_close', 'community', width => 1300", 1],
    ['maps_en', 'district', '350101', 'grid', 'on_time_percent', "'350101'", 0],
    ['maps_zh', 'whole', '350101002', 'street', 'households', "'350101002', 'households', 'street'", 1],
    ['maps_en', 'one', '350101001001003', 'grid', 'on_time_percent', "'350101001001003'", 1],
    ['maps_en', 'islands', '350101001001', 'grid', 'branches', "'350101001001', 'branches', title => '<Islands> & holes'", 1],
    ['maps_en', 'half of a street', '350102001', 'grid', 'residents', "'350102001', 'residents'", 1],
    ['maps_zh', 'half of a district', '350102', 'grid', 'on_time_percent', "'350102', width => 800", 1],
    ['maps_en', 'half in communities', '350102', 'community', 'households', "'350102', 'households', 'community'", 1],
) {
    my ($schema, $name, $area, $level, $figure, $arguments, $own) = @$case;
    $map{$name} = check_map($schema, $arguments, labels => expected($schema, $area, $level, $figure), own => $own);
}

sub count_of { my ($name, $what) = @_; return scalar @{$map{$name}{$what}}; }

cmp_ok(count_of('narrow', 'leaders'), '>=', 1, 'where there is little room there are lines');
is(count_of('small ones', 'leaders'), 13, 'and to all that are small');
is(count_of('district', 'areas'), 160 + 16 + 14, 'a district of many grids');
is(count_of('district', 'plates') + count_of('district', 'leaders'), count_of('district', 'labels'), 'has names of areas around them, on plates');
cmp_ok(count_of('district', 'plates'), '>=', 2, 'more than one');
is(count_of('islands', 'classes'), 1, 'where all have the same number there is one class');
is($map{islands}{classes}[0][1], '0', 'named by it');
is($map{islands}{classes}[0][0], $map{street}{classes}[0][0], 'and the lightest, not that of an average');
is(join(' ', map { "$_: " . count_of($_, 'gaps') } grep { count_of($_, 'gaps') } sort keys %map), 'half in communities: 1 half of a district: 1 half of a street: 1', 'where all is drawn there are no gaps');
is(join(' ', map { $_->[2] // 'none' } grep { $_->[0] eq '#d4d4d4' } @{$map{'half of a street'}{classes}}), 'none', 'and no areas to count where there are');
cmp_ok(count_of('half of a street', 'leaders'), '>=', 4, 'lines lead out of what is drawn');
is(count_of('street', 'classes'), 6, 'five classes, and no data');
is((grep { $_->{class} && $_->{class} eq 'around' } @{$map{street}{elements}})[0]{'stroke-width'} < (grep { $_->{class} && $_->{class} eq 'around' } @{$map{street}{elements}})[-1]{'stroke-width'}, 1,
    'borders of communities are weaker than that of the street');
cmp_ok((grep { $_->{class} && $_->{class} eq 'around' } @{$map{street}{elements}})[0]{'stroke-width'}, '>', $map{street}{areas}[0]{'stroke-width'}, 'and stronger than those of grids');

# Classes of any numbers: even, skewed, mostly the same, close together, far apart, negative.
is(ask('maps_en', q{WITH made AS (
        SELECT kind, size, array_agg(CASE kind WHEN 0 THEN h % 1000 WHEN 1 THEN 0 WHEN 2 THEN greatest(0, h % 100 - 80) WHEN 3 THEN 100 - greatest(0, h % 100 - 85) / 10.0
            WHEN 4 THEN 1000000 + (h % 7) / 1000.0 WHEN 5 THEN (10::numeric ^ (h % 12)) WHEN 6 THEN (h % 200) - 100 WHEN 7 THEN (h % 2) * 5 ELSE (h % 9000) / 7.0 END::numeric ORDER BY n) AS v
        FROM generate_series(0, 8) kind, unnest(ARRAY[1, 2, 3, 5, 6, 7, 37, 331]) size, generate_series(1, size) n, LATERAL (SELECT abs(hashint4(kind * 1000003 + size * 1009 + n)::bigint) AS h) h GROUP BY kind, size
    ), class AS (
        SELECT kind, size, v, b, (SELECT count(DISTINCT x) FROM unnest(v) x) AS each_once, (SELECT count(DISTINCT width_bucket(x, b)) FROM unnest(v) x) AS filled
        FROM made, LATERAL (SELECT map_borders(v) AS b) b
    )
    SELECT count(*), count(*) FILTER (WHERE cardinality(b) <= 4), count(*) FILTER (WHERE filled = cardinality(b) + 1), count(*) FILTER (WHERE b = ARRAY(SELECT DISTINCT x FROM unnest(b) x ORDER BY x)),
        count(*) FILTER (WHERE filled >= least(each_once, 2) AND (filled = each_once OR each_once > 5)) FROM class}), '72|72|72|72|72',
    'at most five classes, none of them empty, ascending, and as many as there are numbers');
is(ask('maps_en', q{SELECT map_borders(ARRAY(SELECT (h % 10000) / 100.0 FROM generate_series(1, 100) n, LATERAL (SELECT abs(hashint4(n)::bigint) AS h) x))::float8[] <@ ARRAY(SELECT 5.0 * n FROM generate_series(0, 20) n)::float8[]}),
    't', 'with round borders');

# Words.
sub title { my ($name) = @_; return join ' ', map { plain($_->{content}) } grep { $_->{'font-size'} == 22 } @{$map{$name}{texts}}; }

is(title('street'), '东 & 西<街>: closed on time, % of cases due, by grid', 'the title has area, figure and level');
is(title('chinese'), '东 & 西<街>各网格户数', 'in the language of the register');
is(title('other language'), '东 & 西<街>: residents, by community', 'or as wanted');
is(title('one'), '第3网格: closed on time, % of cases due', 'of one area, without a level');
is(title('islands'), '<Islands> & holes', 'or as given');
is(title('half of a district'), '半区各网格按期结案率（%）', 'in Chinese with its unit');
# figures and levels have the names that the comments of their columns say
is(ask('maps_zh', q{SELECT string_agg(format('%s: %s, not %s', a.attname, f.name, c.comment), ' ') FROM pg_attribute a, LATERAL (SELECT col_description(a.attrelid, a.attnum) AS comment) c,
        LATERAL map_figure(a.attname::text, 'zh') f
    WHERE a.attrelid = 'figures'::regclass AND a.attname IN (SELECT name FROM map_columns() WHERE number) AND regexp_replace(c.comment, '(（%）)?([：，].*)?$', '') IS DISTINCT FROM f.name}), '', 'figures are called what their columns are');
is(ask('maps_zh', q{SELECT count(*), count(*) FILTER (WHERE format('所属%s的代码', regexp_replace(map_word(l, 'zh'), '^区（县）$', '区')) = col_description(a.attrelid, a.attnum)) FROM unnest(ARRAY['district', 'street', 'community']) l
    JOIN pg_attribute a ON a.attrelid = 'figures'::regclass AND a.attname = l || '_code'}), '3|3', 'and levels');
open my $glossary, '<:encoding(UTF-8)', 'docs/zh/glossary.md' or die $!;
my $terms = do { local $/; <$glossary> };
ok($terms =~ /^\| \Q$_\E \|/m, "$_ is in the glossary") for map { ask('maps_zh', "SELECT map_word('$_', 'zh')") } 'district', 'grid';
ok($terms =~ /^\| \Q$_\E \|/m, "$_ is in the glossary") for map { ask('maps_zh', "SELECT name FROM map_figure('$_', 'zh')") } qw(households residents events_closed events_due events_on_time on_time_percent mean_hours_to_close);
my $long = check_map('maps_en', "'350101001', 'households', 'community', repeat('a title that goes on, 标题很长，', 12) || repeat('x', 200), 600",
    labels => expected('maps_en', '350101001', 'community', 'households'), own => 1);
cmp_ok(scalar(grep { $_->{'font-size'} == 22 } @{$long->{texts}}), '>', 5, 'a long title is cut into lines');
like($map{street}{svg}, qr/font-family="[^"]*Noto Sans CJK SC[^"]*sans-serif"/, 'fonts for Chinese are named');

SKIP: {
    my ($out, $err, $status) = psql_try("SELECT xml_is_well_formed_document('<a/>')");
    skip 'PostgreSQL without libxml', scalar keys %map if $status;
    is(ask('maps_en', "SELECT xml_is_well_formed_document(\$svg\$$map{$_}{svg}\$svg\$)"), 't', "$_: XML is well-formed") for sort keys %map;
}

# Pixels.
SKIP: {
    skip 'rsvg-convert is not installed', 1 if system('command -v rsvg-convert >/dev/null 2>&1');
    check_pixels('maps_en', $_, $map{$_}) for 'street', 'small ones', 'chinese', 'district', 'islands', 'half in communities';
}

# The same bytes whatever the settings, and however rows lie.
is(ask('maps_en', "SET work_mem = '64kB'; SET enable_hashjoin = off; SET enable_sort = off; SET enable_hashagg = off; SET extra_float_digits = 0; SET datestyle = 'German'; SET timezone = 'Pacific/Apia'; SELECT map_svg('350101001')"),
    $map{street}{svg}, 'the same map whatever the settings');
psql('CREATE TABLE shuffled AS SELECT * FROM maps_en.boundary ORDER BY md5(code); ALTER TABLE maps_en.boundary DISABLE TRIGGER USER; DELETE FROM maps_en.boundary;
    INSERT INTO maps_en.boundary (code, version, kind, valid_from, geom) SELECT code, version, kind, valid_from, geom FROM shuffled ORDER BY md5(code); DROP TABLE shuffled');
is(ask('maps_en', "SELECT map_svg('350101001')"), $map{street}{svg}, 'and however rows lie');
set_day('maps_en', '2024-03-01');
is(ask('maps_en', "SELECT map_svg('350101001')"), $map{street}{svg} =~ s/Figures of 2024-02-29/Figures of 2024-03-01/r, 'but with the day');
set_day('maps_en', '2024-02-29');

# Who sees what.
sub refused {
    my ($role, $call, $state, $like, $what) = @_;
    my ($out, $err, $status) = as($role, 'maps_en', "SELECT $call");
    ok($status && $err =~ /ERROR:  $state: / && $err =~ $like && $err =~ /HINT:  \S/, $what) or diag("$call\n$err");
}

my ($seen) = as('maps_read', 'maps_en', "SELECT map_svg('350101001')");
is($seen, ask('maps_en', "SELECT map_svg('350101001', level => 'community')"), 'a reader gets the map of communities');
refused('maps_read', "map_svg('350101001', level => 'grid')", '42501', qr/you see no figures of level "grid" in area "350101001"/, 'and none of grids');
refused('maps_read', "map_geojson('350101001', 'grid')", '42501', qr/you see no figures of level "grid"/, 'nor their figures as GeoJSON');
my ($whole) = as('maps_all', 'maps_en', "SELECT map_svg('350101001')");
is($whole, $map{street}{svg}, 'a statistician gets that of grids');
my ($own) = as('maps_one', 'maps_en', "SELECT map_svg('350101001')");
is(join(' ', map { $_->{'data-code'} } grep { ($_->{class} // '') eq 'area' && $_->{fill} ne '#d4d4d4' } elements($own)), '350101001001002', 'an officer that of his grid, the others grey');
my ($properties) = as('maps_one', 'maps_en', "SELECT string_agg(f ->> 'id', ' ') FROM json_array_elements(map_geojson('350101001') -> 'features') f WHERE f -> 'properties' ->> 'households' IS NOT NULL");
is($properties, '350101001001002', 'and the figures of that');

# Errors.
refused('maps_read', "map_svg('350199')", '42704', qr/there is no area "350199"/, 'an area that there is not');
refused('maps_read', "map_svg(NULL)", '42704', qr/there is no area/, 'or none');
refused('maps_read', "map_svg('350101001', 'on_time')", '42703', qr/there is no figure "on_time"/, 'a figure that there is not');
refused('maps_read', "map_svg('350101001', NULL)", '42703', qr/there is no figure/, 'or none');
refused('maps_read', "map_svg('350101001', 'households FROM household; --')", '42703', qr/there is no figure "households FROM household; --"/, 'SQL is no figure');
refused('maps_read', "map_svg('350101001', 'name')", '42804', qr/"name" is not a number/, 'a figure that is not a number');
refused('maps_read', "map_svg('350101001', level => 'district')", '42704', qr/there is no area of level "district" in area "350101001"/, 'a level above the area');
refused('maps_read', "map_svg('350101', level => 'village')", '42704', qr/there is no area of level "village".*HINT:  There are areas of: district, street, community, grid\./s, 'a level that there is not');
refused('maps_read', "map_svg('350101001', width => $_)", '22023', qr/a map cannot be $_ pixels wide/, "a width of $_") for 0, 599, 10001, 'NULL';
refused('maps_read', "map_svg('350101001', language => 'fr')", '22023', qr/there are no words in language "fr"/, 'another language');
refused('maps_read', "map_svg('350101', level => 'district')", '42704', qr/no area of level "district" in area "350101" has a boundary/, 'an area that is not drawn');
refused('maps_read', "map_geojson('350199')", '42704', qr/there is no area "350199"/, 'GeoJSON of an area that there is not');

# GeoJSON.
for my $schema (sort keys %register) {
    is(ask($schema, "WITH f AS (SELECT f FROM json_array_elements(map_geojson('350101001') -> 'features') f)
        SELECT count(*), bool_and(ST_HausdorffDistance(ST_GeomFromGeoJSON(f -> 'geometry'), ST_Transform(a.geom, 4326)) < 1e-8 AND ST_SRID(ST_GeomFromGeoJSON(f -> 'geometry')) = 4326),
            bool_and(ST_IsPolygonCCW(ST_GeomFromGeoJSON(f -> 'geometry'))), bool_and(f -> 'properties' ->> 'name' = a.name AND f -> 'properties' ->> 'code' = a.code),
            bool_and((f -> 'properties' ->> 'households')::int = g.households AND (f -> 'properties' ->> 'on_time_percent')::numeric IS NOT DISTINCT FROM g.on_time_percent)
        FROM f JOIN areas a ON a.code = f ->> 'id' JOIN figures g ON g.code = a.code"), '16|t|t|t|t', "$schema: GeoJSON has shapes, names and figures");
    is(ask($schema, "SELECT (SELECT array_agg(x) FROM json_array_elements_text(map_geojson('350101001') -> 'bbox') x)::float8[] = ARRAY[ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)]
        FROM (SELECT ST_Extent(ST_Transform(geom, 4326)) AS e FROM areas WHERE code LIKE '350101001%' AND level = 'grid') x"), 't', "$schema: and their extent");
    is(ask($schema, "SELECT bool_and(f -> 'properties' -> c.attname IS NOT NULL) FROM json_array_elements(map_geojson('350101001') -> 'features') f, pg_attribute c WHERE attrelid = 'figures'::regclass AND attnum > 0"),
        't', "$schema: every column of figures is a property");
}
done_testing();
