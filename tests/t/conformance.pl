# conformance.pl: the files of tests/conformance are what their second
# implementation makes, and the server reads, writes, adds, merges and answers as
# they say, whatever the order and partition.
use strict;
use warnings;
use File::Compare;
use Test::More;
use GridTest;

my $folder = 'tests/conformance';
my $made   = "$ENV{GT_TMP}/conformance";
my $file   = "$made/copy";
mkdir $made or die $!;
is(system('perl', "$folder/make.pl", $made), 0, 'the files are made');
is(compare("$folder/$_.tsv", "$made/$_.tsv"), 0, "$_.tsv is what make.pl makes, byte for byte") for qw(gridstats gridtree);

fresh_database('conformance');

# The lines of a file by column; 'state' is the bytes, undef where 'refused' is the SQLSTATE.
sub lines_of {
    my ($name, @columns) = @_;
    my @lines;
    open my $f, '<', "$folder/$name.tsv" or die $!;
    while (my $text = <$f>) {
        next if $text =~ /^#/;
        chomp $text;
        my %line;
        @line{ qw(sequence step operation left right packed form), @columns } = split /\t/, $text, -1;
        ($line{refused}) = $line{packed} =~ /^refused (\w+)$/;
        $line{state} = pack 'H*', $line{packed} unless $line{refused};
        push @lines, \%line;
    }
    return @lines;
}

# Loads rows of binary fields, undef where NULL, into a table.
sub load {
    my ($table, @rows) = @_;
    open my $f, '>:raw', $file or die $!;
    print $f "PGCOPY\n\377\r\n\0", pack 'NN', 0, 0;
    print $f pack('n', scalar @$_), map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @$_ for @rows;
    print $f pack 'n', 0xffff;
    close $f;
    psql("\\copy $table FROM '$file' (FORMAT binary)");
}

# The columns that both files' tables begin with.
sub common {
    my ($line) = @_;
    my $merge = $line->{operation} eq 'merge';
    return ($line->{sequence}, pack('N', $line->{step}), $line->{operation}, ($merge ? @$line{qw(left right)} : (undef, undef)),
        @$line{qw(refused state form state)});
}

# What COPY (FORMAT binary) writes of the states, read from their text: bytes in hex.
sub copied {
    my ($table, $type) = @_;
    psql("\\copy (SELECT form::$type FROM $table WHERE refused IS NULL ORDER BY sequence COLLATE \"C\", step) TO '$file' (FORMAT binary)");
    open my $f, '<:raw', $file or die $!;
    my $bytes = do { local $/; <$f> };
    my ($at, @fields) = (19);
    while (unpack('n', substr $bytes, $at) != 0xffff) {
        my $field = unpack 'x2 N/a*', substr $bytes, $at;
        push @fields, unpack 'H*', $field;
        $at += 6 + length $field;
    }
    return \@fields;
}

# The same of the file.
sub packed_of {
    return [ map { $_->{packed} } sort { $a->{sequence} cmp $b->{sequence} || $a->{step} <=> $b->{step} } grep { !$_->{refused} } @_ ];
}

# A query for the names of lines that are wrong.
sub none {
    my ($what, $query) = @_;
    is(psql("SELECT string_agg(name, ' ' ORDER BY name) FROM ($query) w"), '', $what);
}

# What holds of both types: the forms there and back, and merges. x_before is a table's lines with their operands.
sub forms_and_merges {
    my ($table, $type, @lines) = @_;
    psql(<<"SQL");
CREATE VIEW ${table}_named AS SELECT sequence || '/' || step AS name, * FROM $table;
CREATE TABLE ${table}_before AS SELECT n.*, b.state AS previous, l.state AS left_state, r.state AS right_state
FROM ${table}_named n LEFT JOIN ${table}_named l ON l.name = n.left_name LEFT JOIN ${table}_named r ON r.name = n.right_name
  LEFT JOIN LATERAL (SELECT state FROM $table b WHERE b.sequence = n.sequence AND b.step < n.step AND refused IS NULL
                     ORDER BY step DESC LIMIT 1) b ON true;
SQL
    is(psql("SELECT count(*) FROM ${table}_before WHERE state IS NOT NULL OR refused IS NOT NULL"), scalar @lines, "$type: every line is read");
    none("$type: binary in, binary and text out", "SELECT name FROM ${table}_named WHERE ${type}_send(state) <> packed OR state::text <> form");
    none("$type: text in, binary and text out", "SELECT name FROM ${table}_named
        WHERE refused IS NULL AND (${type}_send(form::$type) <> packed OR form::$type\::text <> form OR form::$type <> state)");
    is_deeply(copied($table, $type), packed_of(@lines), "$type: COPY BINARY writes the same");
    none("$type: a merge, either way round", "SELECT name FROM ${table}_before WHERE operation = 'merge' AND refused IS NULL
        AND (${type}_send(${type}_combine(left_state, right_state)) IS DISTINCT FROM packed
          OR ${type}_send(${type}_combine(right_state, left_state)) IS DISTINCT FROM packed
          OR (SELECT ${type}_send(${type}_merge(state)) FROM (VALUES (right_state), (left_state)) v (state)) IS DISTINCT FROM packed)");
}

my $common = 'sequence text, step int, operation text, left_name text, right_name text, refused text, packed bytea, form text';
my @stats  = lines_of('gridstats', my @answers = qw(count sum min max avg variance stddev));
psql("CREATE TABLE stats ($common, state gridstats, value float8, " . join(', ', map { "$_ text" } @answers) . ')');
load('stats', map { [ common($_), $_->{operation} eq 'add' ? pack('H*', $_->{left}) : undef, @$_{@answers} ] } @stats);
forms_and_merges('stats', 'gridstats', @stats);
psql(<<'SQL');
-- What happens where a step is tried: 'done' or the SQLSTATE.
CREATE FUNCTION outcome(s stats_before) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM CASE s.operation WHEN 'add' THEN gridstats_accum(coalesce(s.previous, 'count=0'), s.value)
                           WHEN 'merge' THEN gridstats_combine(s.left_state, s.right_state) END;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
-- An answer as in the file.
CREATE FUNCTION answer(name text, s gridstats) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer float8;
BEGIN
  EXECUTE pg_catalog.format('SELECT stats_%s($1)', name) INTO answer USING s;
  RETURN coalesce(encode(float8send(answer), 'hex'), '');
EXCEPTION WHEN numeric_value_out_of_range THEN RETURN 'overflow';
END $$;
-- The values of each state up to where its sequence merges, in an order of their own.
CREATE TABLE prefix AS SELECT n.name, n.packed, p.value, p.step, md5(n.name || p.step) AS shuffled
FROM stats_named n JOIN stats p ON p.sequence = n.sequence AND p.step <= n.step
WHERE NOT EXISTS (SELECT FROM stats o WHERE o.sequence = n.sequence AND o.step <= n.step AND (o.operation <> 'add' OR o.refused IS NOT NULL));
SQL
none('gridstats: a value more', q{SELECT name FROM stats_before WHERE operation = 'add' AND refused IS NULL
    AND gridstats_send(gridstats_accum(coalesce(previous, 'count=0'), value)) <> packed});
none('gridstats: what is refused', q{SELECT name FROM stats_before s WHERE outcome(s) <> coalesce(refused, 'done')});
none("stats_$_ to the bit", "SELECT name FROM stats_named WHERE refused IS NULL AND answer('$_', state) <> $_") for grep { $_ ne 'count' } @answers;
none('stats_count', 'SELECT name FROM stats_named WHERE refused IS NULL AND stats_count(state)::text <> count');
cmp_ok(psql('SELECT count(DISTINCT name) FROM prefix'), '>', 200, 'over 200 states are of values only');
none('gridstats_agg of the values in another order',
    'SELECT name FROM prefix GROUP BY name, packed HAVING gridstats_send(gridstats_agg(value ORDER BY shuffled)) <> packed');
none('gridstats_merge of three parts in two orders', <<'SQL');
SELECT name FROM (SELECT name, packed, step % 3 AS part, gridstats_agg(value ORDER BY shuffled) AS state, min(shuffled) AS shuffled
                  FROM prefix GROUP BY 1, 2, 3) p
GROUP BY name, packed
HAVING gridstats_send(gridstats_merge(state ORDER BY shuffled)) <> packed OR gridstats_send(gridstats_merge(state ORDER BY shuffled DESC)) <> packed
SQL

# The rows of a step that adds, each with its number: as binary fields.
sub rows_of {
    my ($line) = @_;
    my $number = 0;
    return map {
        my ($code, @figures) = map { $_ eq 'null' ? undef : $_ } split /,/;
        [ $line->{sequence}, pack('N', $line->{step}), pack('N', ++$number), defined $code ? "\1$code" : undef,
            map { defined $_ ? pack 'H*', $_ : undef } @figures[ 0 .. 2 ] ];
    } split / /, $line->{right};
}

my @trees = lines_of('gridtree');
my @added = grep { $_->{operation} eq 'add' } @trees;
psql("CREATE TABLE trees ($common, state gridtree, figures int);
      CREATE TABLE tree_row (sequence text, step int, number int, code gridcode, a float8, b float8, c float8)");
load('trees', map { [ common($_), $_->{operation} eq 'add' ? pack 'N', $_->{left} : undef ] } @trees);
load('tree_row', map { rows_of($_) } @added);
forms_and_merges('trees', 'gridtree', @trees);
psql(<<'SQL');
-- A query about rows of a sequence's steps, with as many figures as the sequence has.
CREATE FUNCTION tree_query(query text, figures int, sequence text, first int, last int) RETURNS gridtree LANGUAGE plpgsql AS $$
DECLARE tree gridtree;
BEGIN
  EXECUTE pg_catalog.format(query, left(', a, b, c', 3 * figures), 'tree_row WHERE sequence = $1 AND step BETWEEN $2 AND $3')
    INTO tree USING sequence, first, last;
  RETURN tree;
END $$;
-- What a step makes of the state before, its rows one by one if it has one, else as a tree; or the SQLSTATE.
CREATE FUNCTION tree_outcome(s trees_before) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  rows int := (SELECT count(*) FROM tree_row r WHERE (r.sequence, r.step) = (s.sequence, s.step));
  tree gridtree;
BEGIN
  IF s.operation = 'merge' THEN
    tree := gridtree_combine(s.left_state, s.right_state);
  ELSIF rows = 1 THEN
    EXECUTE pg_catalog.format('SELECT gridtree_accum($1, code%s) FROM tree_row WHERE (sequence, step) = ($2, $3)', left(', a, b, c', 3 * s.figures))
      INTO tree USING s.previous, s.sequence, s.step;
  ELSE
    tree := tree_query('SELECT gridtree_agg(code%s) FROM %s', s.figures, s.sequence, s.step, s.step);
    tree := coalesce(gridtree_combine(s.previous, tree), tree);
  END IF;
  RETURN encode(gridtree_send(tree), 'hex');
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
-- The states of rows only.
CREATE TABLE tree_prefix AS SELECT * FROM trees_named n
WHERE NOT EXISTS (SELECT FROM trees o WHERE o.sequence = n.sequence AND o.step <= n.step AND (o.operation <> 'add' OR o.refused IS NOT NULL));
SQL
none('gridtree: a row more, several more, and what is refused',
    q{SELECT name FROM trees_before s WHERE tree_outcome(s) IS DISTINCT FROM coalesce(refused, encode(packed, 'hex'))});
cmp_ok(psql('SELECT count(*) FROM tree_prefix'), '>', 50, 'over 50 trees are of rows only');

# The query holds the aggregate's place for the figures and one for the rows.
sub same_trees {
    my ($what, $query) = @_;
    none($what, "SELECT name FROM tree_prefix WHERE gridtree_send(tree_query(\$\$$query\$\$, figures, sequence, 1, step)) IS DISTINCT FROM packed");
}
same_trees('gridtree_agg of the rows in another order', 'SELECT gridtree_agg(code%s ORDER BY md5(step * 1000 + number || sequence)) FROM %s');
same_trees('gridtree_merge of three parts', <<'SQL');
SELECT gridtree_merge(t ORDER BY part) FROM (SELECT (step + number) %% 3 AS part, gridtree_agg(code%s) AS t FROM %s GROUP BY 1) p
SQL
same_trees('in another order, of other parts', <<'SQL');
SELECT gridtree_merge(t ORDER BY part DESC) FROM (SELECT right(code::text, 1) AS part, gridtree_agg(code%s) AS t FROM %s GROUP BY 1) p
SQL

done_testing();
