/*
 * status.c
 *	  How things are, in one line. See status.h.
 */
#include "status.h"

#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "log.h"

#define DAY_S	86400

/* "02:00", or with the date where that is not within a day; in this host's zone. */
static void
format_moment(char *text, size_t size, int64_t at_ms)
{
	time_t		now = time(NULL);
	time_t		at = now + (time_t) ((at_ms - now_ms()) / 1000);
	struct tm	local;

	localtime_r(&at, &local);
	strftime(text, size, at - now < DAY_S ? "%H:%M" : "%Y-%m-%d %H:%M", &local);
}

void
status_describe(const Duty *duties, int all, char *text, size_t size)
{
	const Duty *troubled = NULL;
	int			ready = 0;
	int			rollups = 0;
	int			failing = 0;
	int			forbidden = 0;
	int			running = duties_running(duties, all);
	int64_t		next = 0;
	int			n;

	for (int i = 0; i < all; i++)
	{
		const Duty *duty = &duties[i];

		if (!duty->ready)
		{
			troubled = troubled ? troubled : duty;
			continue;
		}
		ready++;
		rollups += duty->rollups;
		failing += duty->failing;
		forbidden += duty->forbidden;
		next = earlier(next, duty->next_at);
	}
	n = ready < all ? snprintf(text, size, "%d of ", ready) : 0;
	n += snprintf(text + n, size - (size_t) n, "%d database%s, %d rollup%s, %d failing", all,
				  ready == all ? PLURAL(all) : "s", rollups, PLURAL(rollups), failing);
	if (forbidden > 0)
		n += snprintf(text + n, size - (size_t) n, ", %d not ours to run", forbidden);
	if (running > 0)
		n += snprintf(text + n, size - (size_t) n, ", %d running", running);
	if (next > 0)
	{
		char		moment[32];

		format_moment(moment, sizeof(moment), next);
		n += snprintf(text + n, size - (size_t) n, ", next at %s", moment);
	}
	if (troubled && troubled->problem[0])
		snprintf(text + n, size - (size_t) n, "; %s: %s", troubled->control.log->database, troubled->problem);
}
