-- What can follow what, and who may do it. Managers act on what lies at a desk of their area; others on what is in it.
-- A district may change them: they are put in once, and later versions add theirs by migrations.
INSERT INTO event_transition (state, step, new_state, actors)
SELECT * FROM (VALUES
	('reported', 'accepted', 'accepted', '{manager}'::text[]),
	('reported', 'rejected', 'rejected', '{manager}'::text[]),
	('reported', 'escalated', 'reported', '{manager}'::text[]),
	('reported', 'returned', 'reported', '{manager}'::text[]),
	('accepted', 'dispatched', 'dispatched', '{manager}'::text[]),
	('accepted', 'rejected', 'rejected', '{manager}'::text[]),
	('accepted', 'handled', 'handled', '{officer,manager}'::text[]),
	('accepted', 'extended', 'accepted', '{manager}'::text[]),
	('accepted', 'escalated', 'accepted', '{manager}'::text[]),
	('accepted', 'returned', 'accepted', '{manager}'::text[]),
	('dispatched', 'dispatched', 'dispatched', '{manager}'::text[]),
	('dispatched', 'extended', 'dispatched', '{manager}'::text[]),
	('dispatched', 'escalated', 'dispatched', '{manager}'::text[]),
	('dispatched', 'returned', 'dispatched', '{manager}'::text[]),
	('dispatched', 'handled', 'handled', '{handler,manager}'::text[]),
	('handled', 'checked', 'checked', '{officer,manager}'::text[]),
	('handled', 'reopened', 'reopened', '{officer,manager}'::text[]),
	('checked', 'closed', 'closed', '{manager}'::text[]),
	('checked', 'reopened', 'reopened', '{manager}'::text[]),
	('reopened', 'dispatched', 'dispatched', '{manager}'::text[]),
	('reopened', 'extended', 'reopened', '{manager}'::text[]),
	('reopened', 'escalated', 'reopened', '{manager}'::text[]),
	('reopened', 'returned', 'reopened', '{manager}'::text[]),
	('reopened', 'handled', 'handled', '{officer,handler,manager}'::text[]),
	('closed', 'reopened', 'reopened', '{manager}'::text[])
) t (state, step, new_state, actors)
WHERE NOT EXISTS (SELECT FROM event_transition);
