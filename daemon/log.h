/*
 * log.h
 *	  One line an event on stderr: time, level, database, then what happened.
 */
#ifndef GRIDTREED_LOG_H
#define GRIDTREED_LOG_H

typedef enum LogLevel
{
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR
} LogLevel;

/* Remember a string that must never be written; copied. */
extern void log_hide(const char *secret);

/* Replace every hidden string in text, in place. */
extern void log_scrub(char *text);

/* database may be NULL. Line breaks become blanks. */
extern void log_event(LogLevel level, const char *database, const char *format, ...)
__attribute__((format(printf, 3, 4)));

#endif							/* GRIDTREED_LOG_H */
