# What comes over the wire: binary COPY, malformed binary input, soft errors,
# and how often a scheme is parsed.
use strict;
use warnings;
use GridTest;
use Test::More;

fresh_database('codes_wire');
psql('CREATE TABLE codes (code gridcode); CREATE TABLE schemes (scheme gridscheme)');

my $file = "$ENV{GT_TMP}/server/wire.bin";

# A file of COPY's binary format with one column.
sub write_copy {
    my (@fields) = @_;
    open my $f, '>:raw', $file or die $!;
    print $f "PGCOPY\n\377\r\n\0", pack('NN', 0, 0);
    print $f pack('n', 1), defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) for @fields;
    print $f pack('n', 0xffff);
    close $f;
    chmod 0644, $file;
}

# The SQLSTATE that COPY of one field ends with, or "ok".
sub copy_state {
    my ($table, $field) = @_;
    write_copy($field);
    my ($out, $err, $status) = psql_try("COPY $table FROM '$file' (FORMAT binary)");
    return 'ok' unless $status;
    return $err =~ /ERROR:  (\w{5}):/ ? $1 : $err;
}

for my $good ('35', '0', '000000000000000000', '999999999999999999', '350304001') {
    is(copy_state('codes', "\1$good"), 'ok', "binary $good is read");
}
is(copy_state('codes', undef), 'ok', 'NULL is read');
is(psql('SELECT string_agg(code::text, \' \' ORDER BY code) FROM codes'),
    '0 000000000000000000 35 350304001 999999999999999999', 'as what was sent');

my %bad = (
    'nothing'            => '',
    'version 0'          => "\0" . '35',
    'version 2'          => "\2" . '35',
    'version as a digit' => '35',
    'no digits'          => "\1",
    '19 digits'          => "\1" . '1' x 19,
    '1000 digits'        => "\1" . '1' x 1000,
    'a letter'           => "\1" . '35a',
    'a space'            => "\1" . '35 ',
    'a sign'             => "\1" . '+35',
    'full-width digits'  => "\1\xef\xbc\x93",
    'a zero byte'        => "\1" . "35\0",
    'a negative int8'    => "\1" . "\xff" x 8,
);
is(copy_state('codes', $bad{$_}), '22P03', "binary gridcode with $_ is refused") for sort keys %bad;

is(copy_state('schemes', "\1state 2, county 3"), 'ok', 'a binary scheme is read');
is(copy_state('schemes', "\1\xe8\xa1\x97\xe9\x81\x93 3"), 'ok', 'with Chinese names too');
my %bad_scheme = (
    'version 2'      => "\2state 2",
    'nothing'        => '',
    'no text'        => "\1",
    'a preset'       => "\1cn",
    'a zero width'   => "\1a 0",
    'too many'       => "\1a 18, b 1",
    'a control byte' => "\1a\1b 2",
);
is(copy_state('schemes', $bad_scheme{$_}), '22P03', "binary gridscheme with $_ is refused") for sort keys %bad_scheme;
is(copy_state('schemes', "\1\xe8\xa1 3"), '22021', 'broken UTF-8 is refused');
psql("COPY schemes TO '$file.out' (FORMAT binary); CREATE TABLE back (scheme gridscheme); COPY back FROM '$file.out' (FORMAT binary)");
is(psql('SELECT count(*) FROM (TABLE schemes EXCEPT ALL TABLE back) x'), '0', 'schemes round-trip in binary');
is(psql("SELECT encode(gridcode_send('350304'), 'hex')"), '01' . unpack('H*', '350304'), 'on the wire: a version byte and digits');

# the server of 16 and later reports bad input softly
SKIP: {
    skip 'pg_input_is_valid came with PostgreSQL 16', 1 if psql('SHOW server_version_num') < 160000;
    is(psql(q{SELECT pg_input_is_valid('35', 'gridcode'), pg_input_is_valid('35 ', 'gridcode'), pg_input_is_valid('', 'gridcode'),
        pg_input_is_valid('1234567890123456789', 'gridcode'), pg_input_is_valid('cn', 'gridscheme'), pg_input_is_valid('a 0', 'gridscheme'),
        (pg_input_error_info('3x', 'gridcode')).sql_error_code, (pg_input_error_info('a', 'gridscheme')).sql_error_code}),
        't|f|f|f|t|f|22P02|22P02', 'bad input is reported softly');
}

# a constant scheme is parsed once a query, a changing one when it changes
sub parses {
    my ($query) = @_;
    my ($out, $err, $status) = psql_try("SET max_parallel_workers_per_gather = 0; SET client_min_messages = debug3; $query");
    die $err if $status;
    return scalar(() = $err =~ /parsed a stored gridscheme/g);
}
is(parses("SELECT count(grid_level(n::text, 'us-census')) FROM generate_series(10, 5000) n"), 1, 'once for 5,000 rows');
is(parses('SELECT count(grid_parent(n::text)) FROM generate_series(10, 5000) n'), 1, 'the default too');
is(parses('SELECT count(*) FROM generate_series(10, 500) n, grid_ancestors(n::text)'), 1, 'in FROM');
is(parses("DO \$\$ BEGIN FOR n IN 10 .. 500 LOOP PERFORM grid_level(n::text, 'cn'); END LOOP; END \$\$"), 491,
    'for each statement of a loop');
is(parses("SELECT count(grid_level('12', s)) FROM (SELECT CASE WHEN n <= 50 THEN gridscheme 'cn' ELSE 'de-ars' END AS s FROM generate_series(1, 100) n) x"), 2,
    'once for each of two schemes in turn');

done_testing();
