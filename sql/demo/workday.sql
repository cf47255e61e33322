-- A working day, while gridtreed runs. Each person works with a role of their own; posts say what it reaches.
\echo '   Before:'
\ir affected.sql
CREATE ROLE lin IN ROLE grid_officer;
CREATE ROLE chen IN ROLE grid_manager;
CREATE ROLE wu IN ROLE grid_handler;
UPDATE community.assignment SET role_name = 'lin' WHERE post = 'officer' AND area = '350304001001001';
UPDATE community.assignment SET role_name = 'chen'
WHERE id = (SELECT min(id) FROM community.assignment WHERE post = 'manager' AND area = '350304001001');
UPDATE community.assignment SET role_name = 'wu'
WHERE post = 'handler' AND organization = (SELECT id FROM community.organization WHERE kind = 'department' AND name = '消防救援');
SET search_path = community, public;

SET ROLE lin;
SELECT count(*) AS seen FROM household \gset
\echo '   lin, officer of 350304001001001, sees' :seen 'households of 130000, and reports three fire hazards; a family moves in.'
SELECT event_report('fire', building => id) FROM building ORDER BY id LIMIT 3 \g /dev/null
INSERT INTO household (building, door, residents) SELECT min(id), 'attic', 4 FROM building;

SET ROLE chen;
SELECT event_advance(id, 'accepted') FROM event WHERE state = 'reported' ORDER BY id \g /dev/null
SELECT event_advance(id, 'dispatched', department => (SELECT id FROM organization WHERE name = '消防救援')) FROM event WHERE state = 'accepted' ORDER BY id \g /dev/null
\echo '   chen, manager of the community, sends them to the fire department.'

SET ROLE wu;
SELECT count(*) AS seen, count(DISTINCT grid) AS grids FROM event \gset
\echo '   wu of that department sees the' :seen 'events that it was sent, in' :grids 'grids, and has dealt with two.'
SELECT event_advance(event, 'handled') FROM event_step WHERE step = 'dispatched' ORDER BY event LIMIT 2 \g /dev/null

SET ROLE chen;
SELECT event_advance(id, 'checked') FROM event WHERE state = 'handled' ORDER BY id LIMIT 1 \g /dev/null
SELECT event_advance(id, 'closed', satisfaction => 5) FROM event WHERE state = 'checked' ORDER BY id \g /dev/null
SELECT event_advance(id, 'reopened', note => 'the stairs are still blocked') FROM event WHERE state = 'handled' ORDER BY id LIMIT 1 \g /dev/null
\echo '   chen has checked and closed one, and reopened the other.'
RESET ROLE;
-- the owner's business
\echo '   A building of the first community turns out to stand in the second; its 71 households go along when its point is put right.'
UPDATE building SET geom = (SELECT ST_PointOnSurface(b.geom) FROM boundary b WHERE b.code = '350304001002001')
WHERE id = (SELECT building FROM household WHERE grid = '350304001001004' GROUP BY building ORDER BY count(*) DESC, building LIMIT 1);
RESET search_path;
