/*
 * log.c
 *	  The log. See log.h.
 *
 * Secrets are scrubbed here, in the one place everything passes, rather than
 * by each caller's care.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define MAX_SECRETS	64
#define MAX_LINE	4096

static char *secrets[MAX_SECRETS];
static int	nsecrets;

void
log_hide(const char *secret)
{
	if (secret == NULL || secret[0] == '\0')
		return;
	for (int i = 0; i < nsecrets; i++)
	{
		if (strcmp(secrets[i], secret) == 0)
			return;
	}
	if (nsecrets == MAX_SECRETS || (secrets[nsecrets] = strdup(secret)) == NULL)
	{
		fprintf(stderr, "gridtreed: too many passwords\n");
		exit(2);
	}
	nsecrets++;
}

/* The secret becomes asterisks of its own length, at most three; the rest moves up. */
void
log_scrub(char *text)
{
	for (int i = 0; i < nsecrets; i++)
	{
		size_t		length = strlen(secrets[i]);
		size_t		stars = length < 3 ? length : 3;

		for (char *at = text; (at = strstr(at, secrets[i])) != NULL; at += stars)
		{
			memset(at, '*', stars);
			memmove(at + stars, at + length, strlen(at + length) + 1);
		}
	}
}

static void
one_line(char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
	for (; *text != '\0'; text++)
	{
		if ((unsigned char) *text < ' ')
			*text = ' ';
	}
}

void
log_event(LogLevel level, const char *database, const char *format, ...)
{
	static const char *const names[] = {"INFO", "WARNING", "ERROR"};
	char		line[MAX_LINE];
	char		time_text[32];
	struct timeval now;
	struct tm	utc;
	va_list		args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_scrub(line);
	one_line(line);

	gettimeofday(&now, NULL);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stderr, "%s.%03dZ %s %s%s%s%s\n", time_text, (int) (now.tv_usec / 1000), names[level],
			database ? "database=" : "", database ? database : "", database ? " " : "", line);
}
