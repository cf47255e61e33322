# The examples of docs/coordinates.md say what they say.
use strict;
use warnings;
use Test::More;
use GridTest;
use DocTest;

fresh_database('coordinates');
check_document('docs/coordinates.md', 'coordinates');
done_testing;
