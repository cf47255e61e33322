/*
 * events.h
 *	  What the event triggers of layers and rollups share: what the statement
 *	  they fire for was about.
 */
#ifndef GRIDTREE_EVENTS_H
#define GRIDTREE_EVENTS_H

#include "gridtree.h"

#include "nodes/parsenodes.h"

/*
 * Connect to SPI, with the snapshot that a concurrent command may have left us
 * without; and give back what begin returned.
 */
extern bool event_begin(void);
extern void event_end(bool pushed);

/* The table of that name in the session's search_path; invalid where there is none. */
extern Oid	event_table(const RangeVar *name);

/* OIDs of the partitions and children that the statement has created. */
extern List *event_created_children(void);

/*
 * OIDs of the tables from which the statement has dropped triggers by name, all
 * or by wanted names.  Triggers that go with something else are not among them.
 */
extern List *event_dropped_triggers(bool (*wanted) (const char *name));

/* How a command of ALTER TABLE changes which tables are below another; all invalid where it does not. */
typedef struct EventTree
{
	Oid			attached;		/* has come under another */
	bool		is_detach;
	Oid			detached;		/* has left */
	Oid			parent;
} EventTree;

extern EventTree event_tree(Oid table, const AlterTableCmd *command);

/* Does a kind of ALTER TABLE enable triggers? */
extern bool event_enables_triggers(AlterTableType subtype);

#endif							/* GRIDTREE_EVENTS_H */
