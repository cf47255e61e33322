/*
 * log.h
 *	  One line an event on stderr: time, level, database, then what happened.
 */
#ifndef GRIDTREED_LOG_H
#define GRIDTREED_LOG_H

#include <stddef.h>

typedef enum LogLevel
{
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR
} LogLevel;

/* Strings that must never be written. */
typedef struct Secrets
{
	char	  **words;
	int			count;
} Secrets;

#define PLURAL(n)	((n) == 1 ? "" : "s")

/* Whose events these are. */
typedef struct Log
{
	const Secrets *secrets;
	char		database[64];	/* what it is called; "" for the daemon as a whole */
} Log;

/* Remember a string that must never be written; copied. NULL and "" are none. */
extern void secrets_add(Secrets *secrets, const char *word);
extern void secrets_free(Secrets *secrets);

/* Make words of libpq or the server one line without secrets, in place. */
extern void log_clean(const Log *log, char *text);

/* text as a quoted value, with \" and \\ inside; cut to fit. Returns out. */
extern const char *log_quote(char *out, size_t size, const char *text);

extern void log_event(const Log *log, LogLevel level, const char *format, ...)
__attribute__((format(printf, 3, 4)));

#endif							/* GRIDTREED_LOG_H */
