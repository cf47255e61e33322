/*
 * pauses.c
 *	  Rollups that are not to be tried again for a while. See pauses.h.
 */
#include "pauses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static Pause *
find(const Pauses *pauses, const char *oid)
{
	for (int i = 0; i < pauses->count; i++)
	{
		if (strcmp(pauses->list[i].oid, oid) == 0)
			return &pauses->list[i];
	}
	return NULL;
}

/* Room for one more; NULL without memory. */
static Pause *
append(Pauses *pauses)
{
	if (pauses->count == pauses->capacity)
	{
		int			capacity = pauses->capacity ? 2 * pauses->capacity : 16;
		Pause	   *list = realloc(pauses->list, (size_t) capacity * sizeof(Pause));

		if (list == NULL)
			return NULL;
		pauses->list = list;
		pauses->capacity = capacity;
	}
	return &pauses->list[pauses->count++];
}

int64_t
pauses_add(Pauses *pauses, const char *oid, int64_t least, int64_t most)
{
	Pause	   *pause = find(pauses, oid);

	if (pause != NULL)
	{
		pause->length = pause->length * 2 < most ? pause->length * 2 : most;
		if (pause->length < least)
			pause->length = least;
	}
	else
	{
		pause = append(pauses);
		if (pause == NULL)
			return least;
		snprintf(pause->oid, sizeof(pause->oid), "%s", oid);
		pause->length = least;
	}
	pause->until = now_ms() + pause->length;
	return pause->length;
}

int64_t
pauses_until(const Pauses *pauses, const char *oid)
{
	const Pause *pause = find(pauses, oid);

	return pause && pause->until > now_ms() ? pause->until : 0;
}

static void
forget(Pauses *pauses, Pause *pause)
{
	*pause = pauses->list[--pauses->count];
}

void
pauses_end(Pauses *pauses, const char *oid)
{
	Pause	   *pause = find(pauses, oid);

	if (pause)
		forget(pauses, pause);
}

/* One that is tried again at its end, and again in vain, has grown; so it is remembered as long as it was. */
void
pauses_purge(Pauses *pauses)
{
	for (int i = pauses->count - 1; i >= 0; i--)
	{
		if (now_ms() > pauses->list[i].until + 2 * pauses->list[i].length)
			forget(pauses, &pauses->list[i]);
	}
}
