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

#define MAX_LINE	4096

void
secrets_add(Secrets *secrets, const char *word)
{
	char	  **words;

	if (word == NULL || word[0] == '\0')
		return;
	for (int i = 0; i < secrets->count; i++)
	{
		if (strcmp(secrets->words[i], word) == 0)
			return;
	}
	words = realloc(secrets->words, (size_t) (secrets->count + 1) * sizeof(char *));
	if (words == NULL || (words[secrets->count] = strdup(word)) == NULL)
	{
		fprintf(stderr, "gridtreed: out of memory\n");
		exit(EXIT_FAILURE);
	}
	secrets->words = words;
	/* the longest first: one may be the beginning of another */
	for (int i = secrets->count++; i > 0 && strlen(words[i - 1]) < strlen(words[i]); i--)
	{
		char	   *longer = words[i];

		words[i] = words[i - 1];
		words[i - 1] = longer;
	}
}

void
secrets_free(Secrets *secrets)
{
	for (int i = 0; i < secrets->count; i++)
		free(secrets->words[i]);
	free(secrets->words);
	*secrets = (Secrets) {0};
}

/* A secret becomes asterisks of its own length, at most three; the rest moves up. */
static void
scrub(const Secrets *secrets, char *text)
{
	for (int i = 0; i < secrets->count; i++)
	{
		const char *word = secrets->words[i];
		size_t		length = strlen(word);
		size_t		stars = length < 3 ? length : 3;

		for (char *at = text; (at = strstr(at, word)) != NULL; at += stars)
		{
			memset(at, '*', stars);
			memmove(at + stars, at + length, strlen(at + length) + 1);
		}
	}
}

void
log_clean(const Log *log, char *text)
{
	size_t		length;

	scrub(log->secrets, text);
	for (length = strlen(text); length > 0 && strchr("\n ", text[length - 1]); length--)
		text[length - 1] = '\0';
	for (; *text != '\0'; text++)
	{
		if ((unsigned char) *text < ' ')
			*text = ' ';
	}
}

const char *
log_quote(char *out, size_t size, const char *text)
{
	size_t		n = 0;

	out[n++] = '"';
	for (; *text != '\0' && n + 4 < size; text++)
	{
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	/* not half a character, in UTF-8 */
	while (*text != '\0' && n > 1 && ((unsigned char) *text & 0xC0) == 0x80)
	{
		n--;
		text--;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}

void
log_event(const Log *log, LogLevel level, const char *format, ...)
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
	log_clean(log, line);

	gettimeofday(&now, NULL);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
	fprintf(stderr, "%s.%03dZ %s %s%s%s%s\n", time_text, (int) (now.tv_usec / 1000), names[level],
			log->database[0] ? "database=" : "", log->database, log->database[0] ? " " : "", line);
}
