-- The register's events: reported, taken from step to step by whoever may, and never rewritten.
\set schema community_events
\set ECHO none
\i tests/lib/register.sql
\set ECHO all
INSERT INTO boundary_version VALUES (1, 'first drawing', '2019-01-01'), (2, 'a draft', '2999-01-01');
SELECT count(boundary_draw(1, code, name, geom)) FROM small_district() d;
SELECT boundary_draw(1, '350304001001901', 'campus', square(50, 50, 150, 250), 'dedicated');
SELECT boundary_publish(1);
SELECT boundary_draw(2, '350304001001009', 'not open yet', NULL);
ALTER TABLE event ALTER id RESTART 900001;
INSERT INTO building (id, geom) VALUES (101, spot(10, 10)), (102, spot(-10, -10)), (103, NULL);
INSERT INTO household (id, building, residents) SELECT md5(id::text)::uuid, id, 3 FROM building;
INSERT INTO organization (id, kind, name, area, valid_to) VALUES (101, 'department', 'fire brigade', '350304', NULL),
	(102, 'department', 'market office', '350304', NULL), (103, 'department', 'dissolved', '350304', '2019-06-30'), (104, 'branch', 'branch', '350304001001', NULL);

-- Who acts: role, what it is a member of, its post where and when.
CREATE TABLE actor (role_name text PRIMARY KEY, member_of text, post text, area text, organization int, valid_from timestamptz DEFAULT '2019-01-01', valid_to timestamptz);
INSERT INTO actor (role_name, member_of, post, area, organization) VALUES
	('admin', 'admin', NULL, NULL, NULL),
	('manages_district', 'manager', 'manager', '350304', NULL),
	('manages_street', 'manager', 'manager', '350304001', NULL),
	('manages_community', 'manager', 'manager', '350304001001', NULL),
	('manages_another', 'manager', 'manager', '350304001002', NULL),
	('managed_once', 'manager', 'manager', '350304001001', NULL),
	('will_manage', 'manager', 'manager', '350304001001', NULL),
	('manages_nothing', 'manager', NULL, NULL, NULL),
	('officer', 'officer', 'officer', '350304001001001', NULL),
	('officer_next_door', 'officer', 'officer', '350304001001002', NULL),
	('worker', 'officer', 'worker', '350304001001', NULL),
	('volunteer', 'officer', 'volunteer', '350304001001001', NULL),
	('handler', 'handler', 'handler', '350304', 101),
	('handles_another', 'handler', 'handler', '350304', 102),
	('statistician', 'statistician', 'statistician', '350304', NULL),
	('reader', 'reader', NULL, NULL, NULL);
UPDATE actor SET valid_to = '2019-06-30' WHERE role_name = 'managed_once';
UPDATE actor SET valid_from = '2999-01-01' WHERE role_name = 'will_manage';
SELECT format('CREATE ROLE community_events_is_%s IN ROLE community_events_%s', role_name, member_of) FROM actor ORDER BY role_name \gexec
INSERT INTO assignment (person, post, area, organization, role_name, valid_from, valid_to)
SELECT gen_random_uuid(), post, area, organization, 'community_events_is_' || role_name, valid_from, valid_to FROM actor WHERE post IS NOT NULL;

-- Reports: in the grid of the point, the household, the building or the code.
SET ROLE community_events_is_officer;
SELECT event_report('fire', location => spot(20, 30)) AS by_point \gset
SELECT event_report('fire', household => md5('101')::uuid) AS by_household \gset
SELECT event_report('fire', building => 101) AS by_building \gset
SELECT event_report('fire', grid => '350304001001001') AS by_code \gset
-- the point counts most
SELECT event_report('fire', spot(20, 30), md5('103')::uuid, 102, '350304002002004') AS by_all \gset
RESET ROLE;
SELECT count(*), count(DISTINCT id) FROM event WHERE id IN (:by_point, :by_household, :by_building, :by_code, :by_all)
	AND (kind, quantity, grid, grid_status, gridcode::text, state, desk, reported_by, deadline - reported_at, department, closed_at)
		IS NOT DISTINCT FROM ('fire', 1, '350304001001001', 'assigned', '350304001001001', 'reported', 'community', 'community_events_is_officer', '2 days'::interval, NULL, NULL);
SELECT count(*) FROM event e JOIN event_step s ON s.event = e.id
WHERE (s.number, s.step, s.done_at, s.done_by, s.grid, s.desk, s.deadline) = (1, 'reported', e.reported_at, e.reported_by, e.grid, 'community', e.deadline);
SELECT building FROM event WHERE id = :by_household;

CREATE ROLE community_events_clerk IN ROLE community_events_admin;
SET ROLE community_events_clerk;
SELECT refused($$ SELECT event_report('fire') $$);
SELECT refused($$ SELECT event_report('fire', location => spot(-10, -10)) $$);
SELECT refused($$ SELECT event_report('fire', location => spot(-10, -10), grid => '350304001001001') $$);
SELECT refused($$ SELECT event_report('fire', location => ST_SetSRID(spot(1, 1), 4326)) $$);
SELECT refused($$ SELECT event_report('fire', building => 102) $$);
SELECT refused($$ SELECT event_report('fire', building => 103) $$);
SELECT refused($$ SELECT event_report('fire', building => 4711) $$);
SELECT refused($$ SELECT event_report('fire', household => md5('102')::uuid) $$);
SELECT refused($$ SELECT event_report('fire', household => md5('4711')::uuid) $$);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001') $$);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001009') $$);
SELECT refused($$ SELECT event_report('fire', grid => 'K-17') $$);
SELECT refused($$ SELECT event_report('flood', grid => '350304001001001') $$);
SELECT refused($$ SELECT event_report(NULL, grid => '350304001001001') $$);
SELECT refused(format('SELECT event_report(%L, grid => %L, quantity => %L)', kind, '350304001001001', quantity))
FROM unnest('{record,fire}'::text[]) kind, unnest('{0,-2,NULL,2}'::int[]) quantity WHERE (kind, quantity) IS DISTINCT FROM ('record', 2);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001901') $$);
SELECT refused($$ SELECT event_report('record', grid => '350304001001901') $$);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001', reported_at => now() + '1 hour') $$);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001', reported_at => '2019-05-01 12:00', deadline => '2019-05-01 11:00') $$);
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001', reported_at => '2019-05-01 12:00', deadline => '2019-05-01 12:00') $$);
SELECT refused(format('SELECT event_report(%L, grid => %L, reported_at => %L)', kind, '350304001001001', '-infinity')) FROM unnest('{record,fire}'::text[]) kind;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001', deadline => 'infinity') $$);
SELECT refused($$ SELECT event_report('record', grid => '350304001001001', deadline => now() + '1 day') $$);
SELECT refused($$ INSERT INTO event (kind, grid, state) VALUES ('fire', '350304001001001', 'closed') $$);
SELECT refused($$ INSERT INTO event (kind, grid, reported_by) VALUES ('fire', '350304001001001', 'somebody') $$);
SELECT refused($$ UPDATE event SET state = 'closed', closed_at = now() $$);
-- who reports reaches the grid
SET ROLE community_events_is_officer_next_door;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001') $$);
SELECT refused($$ SELECT event_report('fire', location => spot(20, 30), grid => '350304001001002') $$);
SET ROLE community_events_is_volunteer;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001') $$);
SET ROLE community_events_is_handler;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001') $$);
RESET ROLE;

-- What is only counted takes no steps; cases are due in the days of their kind.
SET ROLE community_events_is_worker;
SELECT now() - interval '6 days 23 hours' AS lately, now() - interval '7 days 1 second' AS late, now() - interval '500 days' AS long_ago \gset
SELECT kind, event_report(kind, grid => '350304001001001', quantity => CASE unit WHEN 'case' THEN 1 ELSE 7 END, reported_at => :'lately', note => 'of every kind') > 0 FROM event_kind ORDER BY kind;
SELECT count(*) FROM events e JOIN event_kind k USING (kind) WHERE e.note = 'of every kind'
	AND (e.state, e.quantity, e.deadline, e.desk, e.overdue) IS NOT DISTINCT FROM
		(CASE k.unit WHEN 'case' THEN 'reported' ELSE 'recorded' END, CASE k.unit WHEN 'case' THEN 1 ELSE 7 END, :'lately'::timestamptz + days * interval '24 hours',
			CASE k.unit WHEN 'case' THEN 'community' END, :'lately'::timestamptz + days * interval '24 hours' < now());
-- long afterwards only administrators report, and visits as well; what "long" is they say
SELECT refused(format('SELECT event_report(%L, grid => %L, reported_at => %L)', kind, '350304001001001', t)) FROM unnest('{record,fire}'::text[]) kind, unnest(ARRAY[:'late', :'long_ago']::timestamptz[]) t;
SELECT refused(format('INSERT INTO visit (household, visited_at) VALUES (md5(%L)::uuid, %L)', 101, t)) FROM unnest(ARRAY[:'late', :'long_ago', '-infinity', now() + interval '1 hour', 'infinity']::timestamptz[]) t;
INSERT INTO visit (household, visited_at) VALUES (md5('101')::uuid, :'lately');
-- and only they give more time than the kind has
SELECT refused(format('SELECT event_report(%L, grid => %L, reported_at => %L, deadline => %L)', 'fire', '350304001001001', :'lately', :'lately'::timestamptz + d))
FROM unnest('{48 hours 1 second,30 days}'::interval[]) d;
SELECT refused($$ SELECT event_report('fire', grid => '350304001001001', deadline => 'infinity') $$);
SELECT event_report('fire', grid => '350304001001001', reported_at => :'lately', deadline => :'lately'::timestamptz + d) > 0 FROM unnest('{48 hours,1 hour}'::interval[]) d;
SET ROLE community_events_clerk;
SELECT event_report('fire', grid => '350304001001001', reported_at => :'long_ago', deadline => :'long_ago'::timestamptz + interval '60 days') > 0;
INSERT INTO visit (household, visited_at) VALUES (md5('101')::uuid, :'long_ago');
SELECT refused(format('INSERT INTO visit (household, visited_at) VALUES (md5(%L)::uuid, %L)', 101, t)) FROM unnest(ARRAY['-infinity', now() + interval '1 hour', 'infinity']::timestamptz[]) t;
SELECT grid, visited_by, count(*) FROM visit GROUP BY 1, 2 ORDER BY 2;
UPDATE register SET late_days = 3;
SET ROLE community_events_is_worker;
SELECT refused(format('SELECT event_report(%L, grid => %L, reported_at => %L)', 'record', '350304001001001', now() - interval '3 days 1 second'));
SELECT event_report('record', grid => '350304001001001', reported_at => now() - interval '2 days 23 hours') > 0;
RESET ROLE;
UPDATE register SET late_days = 7;
-- days of the register's time zone, in which the clocks of the client's do not matter
BEGIN;
SET LOCAL timezone = 'Europe/Berlin';
SELECT event_report('fire', grid => '350304001001001', reported_at => '2019-03-30 12:00 UTC') AS e \gset
SELECT deadline - reported_at = interval '48 hours' FROM event WHERE id = :e;
ROLLBACK;
SET ROLE community_events_clerk;
SELECT DISTINCT replace(refused(format('SELECT event_advance(%s, %L)', id, step)), id::text, 'N')
FROM event, (SELECT DISTINCT step FROM event_transition UNION VALUES ('reported')) s WHERE state = 'recorded' ORDER BY 1;
RESET ROLE;

-- Every state, every step, every actor, at every desk: what happens is what event_transition says, no more and no less.
CREATE FUNCTION outcome(actor text, state text, step text, desk text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	e event;
	f event;
	s event_step;
	said text;
BEGIN
	INSERT INTO event (id, kind, grid, state, desk, department, reported_at, deadline, closed_at)
	VALUES (1000000, 'fire', '350304001001001', outcome.state, outcome.desk, 101, '2019-05-01', '2019-05-03', CASE outcome.state WHEN 'closed' THEN timestamptz '2019-05-02' END) RETURNING * INTO e;
	BEGIN
		EXECUTE format('SET LOCAL ROLE community_events_is_%s', actor);
		EXECUTE format('SELECT event_advance(1000000, %L, department => %L, deadline => %L, satisfaction => %L)', step,
			CASE step WHEN 'dispatched' THEN 102 END, CASE step WHEN 'extended' THEN '2019-05-09' END, CASE step WHEN 'closed' THEN 4 END);
		RESET ROLE;
	EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN
		said := CASE SQLSTATE WHEN '42501' THEN 'not by them' ELSE 'not now' END;
	END;
	SELECT * INTO f FROM event WHERE id = 1000000;
	SELECT * INTO s FROM event_step WHERE event = 1000000 ORDER BY number DESC LIMIT 1;
	IF said IS NULL THEN
		said := concat_ws(' ', f.state, f.desk, f.department, f.deadline::date, f.satisfaction, CASE WHEN f.closed_at = s.done_at THEN 'closed now' ELSE f.closed_at::text END,
			CASE WHEN f.reopened_at = s.done_at THEN 'reopened now' END, CASE WHEN f.extended_at = s.done_at THEN 'extended now' END,
			'step', s.number, s.step, s.desk, s.grid, s.done_by);
	ELSIF f IS DISTINCT FROM e OR s.number > 1 THEN
		said := 'REFUSED, BUT IT CHANGED';
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'GT005';
EXCEPTION WHEN SQLSTATE 'GT005' THEN RETURN said;
END $$;
CREATE TABLE tried AS
SELECT a.role_name AS actor, st.state, sp.step, d.desk, outcome(a.role_name, st.state, sp.step, d.desk)
FROM actor a, (SELECT state FROM event_transition UNION SELECT new_state FROM event_transition) st, (SELECT DISTINCT step FROM event_transition UNION VALUES ('reported'), ('forgotten')) sp,
	(VALUES ('community'), ('street'), ('district')) d (desk);
CREATE TABLE expected AS
SELECT actor, state, step, desk, CASE
	WHEN NOT sees THEN 'not by them'
	WHEN new_state IS NULL THEN 'not now'
	WHEN NOT may THEN 'not by them'
	WHEN next_desk IS NULL THEN 'not now'
	ELSE concat_ws(' ', new_state, next_desk, CASE step WHEN 'dispatched' THEN 102 ELSE 101 END, CASE step WHEN 'extended' THEN '2019-05-09' ELSE '2019-05-03' END,
		CASE step WHEN 'closed' THEN 4 END, CASE WHEN step = 'closed' THEN 'closed now' END, CASE WHEN step = 'reopened' THEN 'reopened now' END,
		CASE WHEN step = 'extended' THEN 'extended now' END, 'step', CASE state WHEN 'reported' THEN 2 ELSE 1 END, step, next_desk, '350304001001001', 'community_events_is_' || actor) END AS outcome
FROM (
	SELECT t.*, r.new_state, a.role_name = 'admin' OR a.member_of IN ('officer', 'manager', 'handler') AND a.post IS NOT NULL AND a.post <> 'volunteer'
			AND a.valid_from <= now() AND coalesce(a.valid_to > now(), true)
			AND CASE a.post WHEN 'handler' THEN a.organization = 101 ELSE starts_with('350304001001001', a.area) END AS sees,
		a.role_name = 'admin' OR a.post = ANY (r.actors) AND CASE a.post WHEN 'handler' THEN a.organization = 101
			WHEN 'manager' THEN starts_with(left('350304001001001', CASE t.desk WHEN 'community' THEN 12 WHEN 'street' THEN 9 ELSE 6 END), a.area)
			ELSE starts_with('350304001001001', a.area) END AS may,
		CASE t.step WHEN 'escalated' THEN CASE t.desk WHEN 'community' THEN 'street' WHEN 'street' THEN 'district' END
			WHEN 'returned' THEN CASE t.desk WHEN 'district' THEN 'street' WHEN 'street' THEN 'community' END ELSE t.desk END AS next_desk
	FROM tried t JOIN actor a ON a.role_name = t.actor LEFT JOIN event_transition r USING (state, step)) m;
SELECT count(*) FROM tried;
(TABLE tried EXCEPT TABLE expected) UNION ALL (TABLE expected EXCEPT TABLE tried) ORDER BY 1, 2, 3, 4, 5;
-- each actor and each transition was there
SELECT actor, count(*) FILTER (WHERE outcome NOT LIKE 'not %') AS taken, count(*) FILTER (WHERE outcome = 'not now') AS not_now FROM tried GROUP BY actor ORDER BY actor;
SELECT count(*) FROM event_transition t WHERE NOT EXISTS (SELECT FROM tried d WHERE (d.state, d.step) = (t.state, t.step) AND d.outcome NOT LIKE 'not %');

-- One event through its life.
SET ROLE community_events_clerk;
SELECT event_report('fire', grid => '350304001001001', reported_at => '2019-05-01 12:00') AS e \gset
SET ROLE community_events_is_officer;
SELECT refused(format('SELECT event_advance(%s, %L)', :e, 'accepted')) = format(E'42501 role "community_events_is_officer" may not have event %s accepted\n  It lies at the desk of the community; those who may: manager.', :e);
SET ROLE community_events_is_manages_community;
SELECT event_advance(:e, 'accepted', note => 'seen');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, step)), :'e', 'N') FROM unnest('{accepted,closed,reported,burnt}'::text[]) step;
SELECT replace(refused(format('SELECT event_advance(%s, NULL)', :e)), :'e', 'N');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'dispatched')), :'e', 'N');
SELECT replace(refused(format('SELECT event_advance(%s, %L, department => %s)', :e, 'dispatched', d)), :'e', 'N') FROM unnest('{103,104,4711}'::int[]) d;
SELECT replace(refused(format('SELECT event_advance(%s, %L, department => 101, deadline => %L)', :e, 'dispatched', '2019-05-01 12:00')), :'e', 'N');
SELECT replace(refused(format('SELECT event_advance(%s, %L, department => 101)', :e, 'handled')), :'e', 'N');
SELECT replace(refused(format('SELECT event_advance(%s, %L, deadline => %L)', :e, 'handled', '2019-06-01')), :'e', 'N');
SELECT replace(refused(format('SELECT event_advance(%s, %L, satisfaction => 5)', :e, 'handled')), :'e', 'N');
-- no later deadline by the way; an earlier one, then the same
SELECT replace(refused(format('SELECT event_advance(%s, %L, department => 101, deadline => %L)', :e, 'dispatched', d)), :'e', 'N') FROM unnest('{2019-05-03 12:00:01,2019-05-10,infinity}'::text[]) d;
SELECT event_advance(:e, 'dispatched', department => 101, deadline => '2019-05-03 11:00');
SELECT replace(refused(format('SELECT event_advance(%s, %L, deadline => %L)', :e, 'dispatched', '2019-05-03 12:00')), :'e', 'N');
SELECT event_advance(:e, 'dispatched', deadline => '2019-05-03 11:00');
SELECT replace(refused(format('SELECT event_advance(%s, %L, deadline => %L)', :e, 'extended', d)), :'e', 'N') FROM unnest('{2019-05-03 10:00,2019-05-03 11:00,NULL,infinity}'::text[]) d;
SELECT event_advance(:e, 'extended', deadline => '2019-05-12');
SELECT extended_at AS first_extended FROM event WHERE id = :e \gset
SELECT event_advance(:e, 'extended', deadline => '2019-05-14');
SELECT deadline, extended_at = :'first_extended' FROM event WHERE id = :e;
SET ROLE community_events_is_handler;
SELECT event_advance(:e, 'handled', note => 'put out');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'checked')), :'e', 'N');
SET ROLE community_events_is_officer;
SELECT event_advance(:e, 'reopened', note => 'still smoking');
RESET ROLE;
SELECT reopened_at AS first_reopened FROM event WHERE id = :e \gset
SET ROLE community_events_is_handler;
SELECT event_advance(:e, 'handled');
SET ROLE community_events_is_officer;
SELECT event_advance(:e, 'checked');
SET ROLE community_events_is_manages_community;
SELECT replace(refused(format('SELECT event_advance(%s, %L, satisfaction => %s)', :e, 'closed', s)), :'e', 'N') FROM unnest('{0,6,-1,70000}'::int[]) s;
SELECT event_advance(:e, 'closed', satisfaction => 2);
SELECT state, satisfaction, closed_at IS NOT NULL, reopened_at = :'first_reopened' FROM event WHERE id = :e;
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, step)), :'e', 'N') FROM unnest('{closed,handled,escalated}'::text[]) step;
-- reopened once more: the first time stays, the closing does not
SELECT event_advance(:e, 'reopened');
SELECT state, satisfaction, closed_at, reopened_at = :'first_reopened' FROM event WHERE id = :e;
-- dispatched again, to the same department unless it says otherwise
SELECT event_advance(:e, 'dispatched');
SELECT department, deadline FROM event WHERE id = :e;
SELECT event_advance(:e, 'dispatched', department => 102);
SET ROLE community_events_is_handler;
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'handled')), :'e', 'N');
SET ROLE community_events_is_handles_another;
SELECT event_advance(:e, 'handled');
-- up to the district and down again
SET ROLE community_events_is_manages_community;
SELECT event_advance(:e, 'reopened');
SELECT event_advance(:e, 'escalated');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'returned')), :'e', 'N');
SET ROLE community_events_is_manages_street;
SELECT event_advance(:e, 'escalated');
SET ROLE community_events_is_manages_district;
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'escalated')), :'e', 'N');
SELECT event_advance(:e, 'returned');
SELECT event_advance(:e, 'returned');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :e, 'returned')), :'e', 'N');
RESET ROLE;
SELECT number, step, replace(done_by, 'community_events_is_', ''), desk, department, deadline, satisfaction, note, grid FROM event_step WHERE event = :e ORDER BY number;
SELECT count(*) FROM event_step s JOIN event_step n ON n.event = s.event AND n.number = s.number + 1 WHERE s.event = :e AND s.done_at > n.done_at;
SELECT refused($$ SELECT event_advance(4711, 'accepted') $$);
SELECT refused($$ SELECT event_advance(NULL, 'accepted') $$);

-- A case that is none is rejected, by managers, and then it is over.
SET ROLE community_events_is_officer;
SELECT event_report('fire', grid => '350304001001001', note => 'a joke') AS r \gset
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :r, 'rejected')), :'r', 'N');
SET ROLE community_events_is_manages_community;
SELECT replace(refused(format('SELECT event_advance(%s, %L, satisfaction => 1)', :r, 'rejected')), :'r', 'N');
SELECT event_advance(:r, 'accepted'), event_advance(:r, 'rejected', note => 'nothing burns');
SELECT replace(refused(format('SELECT event_advance(%s, %L)', :r, step)), :'r', 'N') FROM unnest('{accepted,reopened,closed,rejected}'::text[]) step;
SELECT state, closed_at, overdue, note FROM events WHERE id = :r;
RESET ROLE;

-- History is only added to, by the owner too.
SELECT refused($$ UPDATE event_step SET note = 'never mind' $$);
SELECT refused($$ DELETE FROM event_step $$);
SELECT refused($$ DELETE FROM event_step WHERE false $$);
SELECT refused($$ TRUNCATE event_step $$);
SELECT refused($$ TRUNCATE event CASCADE $$);
SELECT split_part(refused(format('DELETE FROM event WHERE id = %s', :e)), E'\n', 1);
SELECT DISTINCT replace(refused(format('UPDATE event SET %s = %s WHERE id = %s', c, v, :e)), :'e', 'N')
FROM (VALUES ('id', '1000001'), ('kind', '''market'''), ('quantity', '2'), ('reported_at', '''2019-05-02'''), ('reported_by', '''somebody'''), ('grid', '''350304001001002''')) u (c, v);
SET ROLE community_events_clerk;
SELECT refused($$ UPDATE event_step SET note = 'never mind' $$);
SELECT refused($$ DELETE FROM event_step $$);
SELECT refused(format('INSERT INTO event_step (event, number, step, done_at) VALUES (%s, 1, %L, now())', :e, 'closed'));
SELECT refused(format('INSERT INTO event_step (event, step, done_by) VALUES (%s, %L, %L)', :e, 'dispatched', 'somebody'));
RESET ROLE;

-- History from elsewhere is loaded by the owner with its own times, and goes on from there.
INSERT INTO event (id, kind, reported_at, reported_by, household, state, department, deadline, extended_at, closed_at, satisfaction) VALUES
	(1000002, 'fire', '2018-01-01 10:00', 'before', md5('101')::uuid, 'closed', 101, '2018-01-05', '2018-01-02', '2018-01-03 12:00', 5),
	(1000003, 'fire', '2018-01-01 10:00', 'before', md5('102')::uuid, 'reported', NULL, NULL, NULL, NULL, NULL),
	(1000004, 'market', '2018-01-01 10:00', 'before', NULL, 'accepted', NULL, NULL, NULL, NULL, NULL);
INSERT INTO event_step (event, number, step, done_at, done_by, department, grid) VALUES
	(1000002, 1, 'reported', '2018-01-01 10:00', 'before', NULL, '350304001001001'), (1000002, 2, 'dispatched', '2018-01-01 11:00', 'before', 101, '350304001001001'),
	(1000002, 3, 'closed', '2018-01-03 12:00', 'before', NULL, '350304001001001');
SELECT id, reported_at, reported_by, grid, grid_status, state, desk, deadline, closed_at FROM event WHERE id > 1000000 ORDER BY id;
SELECT event, number, step, done_at, done_by, grid FROM event_step WHERE event > 1000000 ORDER BY event, number;
SELECT refused($$ INSERT INTO event (kind, grid, state) VALUES ('fire', '350304001001001', 'closed') $$);
SELECT refused($$ INSERT INTO event (kind, grid, state, closed_at) VALUES ('fire', '350304001001001', 'accepted', now()) $$);
SELECT refused($$ INSERT INTO event (kind, grid, state, reported_at, closed_at) VALUES ('fire', '350304001001001', 'closed', '2019-05-01', '2019-04-30') $$);
SELECT refused($$ INSERT INTO event (kind, grid, state) VALUES ('fire', '350304001001001', 'recorded') $$);
SELECT refused($$ INSERT INTO event (kind, grid, state) VALUES ('record', '350304001001001', 'accepted') $$);
SELECT refused($$ INSERT INTO event (kind, grid, state) VALUES ('fire', '350304001001001', 'forgotten') $$);
SELECT refused($$ INSERT INTO event (kind, household, state) VALUES ('fire', md5('4711')::uuid, 'accepted') $$);
SELECT refused($$ INSERT INTO event (kind, building, state) VALUES ('fire', 4711, 'accepted') $$);
SELECT refused(format('INSERT INTO event (kind, grid, state) VALUES (%L, %L, %L)', 'fire', code, 'accepted')) FROM unnest('{350304001001008,350304001001901,350304001001009,350304001001,K-17}'::text[]) code;
SELECT split_part(refused(format('INSERT INTO event (kind, grid, state, %s) VALUES (%L, %L, %L, %L)', c, 'fire', '350304001001001', 'accepted', 'infinity')), E'\n', 1)
FROM unnest('{reported_at,deadline,extended_at,reopened_at}'::text[]) c;
SELECT refused(format('INSERT INTO event_step (event, number, step, done_at, deadline) VALUES (1000002, 4, %L, %L, %L)', 'extended', t[1], t[2])) FROM (VALUES ('{infinity,2019-01-01}'::text[]), ('{2019-01-01,infinity}')) v (t);
SET ROLE community_events_is_manages_community;
SELECT event_advance(1000002, 'reopened');
SELECT refused($$ SELECT event_advance(1000003, 'accepted') $$);
SET ROLE community_events_clerk;
SELECT event_advance(1000003, 'accepted'), event_advance(1000004, 'dispatched', department => 102);
SELECT refused($$ SELECT event_advance(1000003, 'escalated') $$);
RESET ROLE;
\set ECHO none
\i tests/lib/register_gone.sql
