/*
 * options.c
 *	  The command line, and which secrets it and the environment hold.
 */
#include "options.h"

#include <getopt.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
"gridtreed refreshes gridtree rollups when they are due.\n"
"\n"
"Usage: gridtreed [-d CONNINFO]... [OPTION]...\n"
"\n"
"  -d, --dbname=CONNINFO  a database to look after, as a libpq connection string,\n"
"                         URI or name; may be repeated. Without it, libpq's\n"
"                         environment decides. Keep passwords in a passfile.\n"
"      --once             run all that is due now, and exit\n"
"      --check            say in words what would keep it from working, and exit\n"
"      --status           print a table of all rollups, and exit\n"
"      --max-runs=N       runs at a time, per database (default 2)\n"
"      --timeout=SECONDS  time a server has for an answer before the connection\n"
"                         counts as lost (default 30)\n"
"      --grace=SECONDS    time that runs get to finish at SIGTERM (default 30)\n"
"      --keep=AGE         age at which runs are forgotten (default 90 days)\n"
"      --version          print the version, and exit\n"
"      --help             print this, and exit\n"
"\n"
"Signals: SIGTERM and SIGINT start no new run, give running ones the grace\n"
"period, cancel them, and exit 0; a second one does so at once. SIGHUP is ignored.\n"
"\n"
"Exit status: 0 all well; 1 a run failed (--once), or a rollup is failing or late\n"
"(--status); 2 the command line is wrong; 3 a database cannot be reached or is\n"
"not ready (--once, --check, --status).\n";

/* What looks like a connection string or a setting is shown no further than its key: it may hold a password. */
static void
usage_error(const char *problem, const char *value)
{
	int			shown = value && !strstr(value, "://") ? (int) strcspn(value, "=") : 0;

	fprintf(stderr, "gridtreed: %s%s%.*s\nTry \"gridtreed --help\".\n", problem,
			shown ? ": " : "", shown, shown ? value : "");
	exit(EXIT_USAGE);
}

static int
read_number(const char *name, const char *text, int low, int high)
{
	char	   *end;
	long		value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high)
	{
		fprintf(stderr, "gridtreed: --%s must be a number from %d to %d: %s\n", name, low, high, text);
		exit(EXIT_USAGE);
	}
	return (int) value;
}

/*
 * Name a database for the log by its dbname, else its service, else its user's
 * name, which is libpq's default; and hide the passwords.
 */
static void
take_parsed(const PQconninfoOption *parsed, Log *log, Secrets *secrets)
{
	static const char *const naming[] = {"user", "service", "dbname"};

	for (size_t n = 0; n < sizeof(naming) / sizeof(naming[0]); n++)
	{
		for (const PQconninfoOption *o = parsed; o->keyword != NULL; o++)
		{
			if (o->val != NULL && o->val[0] != '\0' && strcmp(o->keyword, naming[n]) == 0)
				snprintf(log->database, sizeof(log->database), "%s", o->val);
		}
	}
	for (const PQconninfoOption *o = parsed; o->keyword != NULL; o++)
	{
		if (strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0)
			secrets_add(secrets, o->val);
	}
}

/*
 * Libpq's message about a string it cannot parse may quote a password: it is
 * not shown.
 */
static void
examine_conninfo(Options *options, int i)
{
	const char *conninfo = options->conninfo[i];
	Log		   *log = &options->log[i];
	PQconninfoOption *defaults = PQconndefaults();
	PQconninfoOption *parsed;

	log->secrets = &options->secrets;
	snprintf(log->database, sizeof(log->database), "(default)");
	if (defaults != NULL)
		take_parsed(defaults, log, &options->secrets);
	PQconninfoFree(defaults);
	if (strchr(conninfo, '=') == NULL && strstr(conninfo, "://") == NULL)
	{
		if (conninfo[0] != '\0')
			snprintf(log->database, sizeof(log->database), "%s", conninfo);
		return;
	}
	parsed = PQconninfoParse(conninfo, NULL);
	if (parsed == NULL)
	{
		fprintf(stderr, "gridtreed: connection string number %d is not one libpq can read"
				" (not shown: it may hold a password)\n", i + 1);
		exit(EXIT_USAGE);
	}
	take_parsed(parsed, log, &options->secrets);
	PQconninfoFree(parsed);
}

/* Databases of one name are told apart by their number on the command line. */
static void
tell_apart(Options *options)
{
	for (int i = options->ndatabases - 1; i > 0; i--)
	{
		Log		   *log = &options->log[i];
		size_t		length = strlen(log->database);
		bool		taken = false;

		for (int j = 0; j < i; j++)
			taken = taken || strcmp(options->log[j].database, log->database) == 0;
		if (taken)
			snprintf(log->database + (length < 56 ? length : 56), 8, "#%d", i + 1);
	}
}

/* A number and a unit, which PostgreSQL reads as an interval: a typing error must not wait a day to show. */
static const char *
read_age(const char *option, const char *text)
{
	static const char *const units[] = {"minute", "hour", "day", "week", "month", "year"};
	const char *unit = text + strspn(text, "0123456789");

	if (unit > text && *unit == ' ')
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		{
			size_t		len = strlen(units[i]);

			if (strncmp(unit + 1, units[i], len) == 0 && (unit[len + 1] == '\0' || strcmp(unit + len + 1, "s") == 0))
				return text;
		}
	fprintf(stderr, "gridtreed: --%s must be a number of minutes, hours, days, weeks, months or years, such as \"90 days\": %s\n",
			option, text);
	exit(EXIT_USAGE);
}

static void
add_database(Options *options, const char *conninfo)
{
	if (options->ndatabases == MAX_DATABASES)
		usage_error("too many databases", NULL);
	options->conninfo[options->ndatabases++] = conninfo;
}

static void
set_mode(Options *options, Mode mode)
{
	if (options->mode != MODE_DAEMON && options->mode != mode)
		usage_error("only one of --once, --check and --status can be given", NULL);
	options->mode = mode;
}

static void
print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(EXIT_DONE);
}

void
options_read(int argc, char **argv, Options *options)
{
	static const struct option longs[] = {
		{"dbname", required_argument, NULL, 'd'},
		{"once", no_argument, NULL, 'o'},
		{"check", no_argument, NULL, 'c'},
		{"status", no_argument, NULL, 's'},
		{"max-runs", required_argument, NULL, 'm'},
		{"timeout", required_argument, NULL, 't'},
		{"grace", required_argument, NULL, 'g'},
		{"keep", required_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}
	};
	int			c;

	*options = (Options) {.max_runs = 2, .timeout = 30, .grace = 30, .keep = "90 days"};
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":d:", longs, NULL)) != -1)
	{
		switch (c)
		{
			case 'd':
				add_database(options, optarg);
				break;
			case 'o':
				set_mode(options, MODE_ONCE);
				break;
			case 'c':
				set_mode(options, MODE_CHECK);
				break;
			case 's':
				set_mode(options, MODE_STATUS);
				break;
			case 'm':
				options->max_runs = read_number("max-runs", optarg, 1, MAX_RUNS);
				break;
			case 't':
				options->timeout = read_number("timeout", optarg, 1, 3600);
				break;
			case 'g':
				options->grace = read_number("grace", optarg, 0, 86400);
				break;
			case 'k':
				options->keep = read_age("keep", optarg);
				break;
			case 'V':
				print_and_exit("gridtreed " GRIDTREE_VERSION "\n");
				break;
			case 'h':
				print_and_exit(help);
				break;
			case ':':
				usage_error("option needs a value", argv[optind - 1]);
				break;
			default:
				usage_error("unknown option", argv[optind - 1]);
		}
	}
	if (optind < argc)
		usage_error("unexpected argument", argv[optind]);
	if (options->ndatabases == 0)
		add_database(options, "");
	for (int i = 0; i < options->ndatabases; i++)
		examine_conninfo(options, i);
	tell_apart(options);
	secrets_add(&options->secrets, getenv("PGPASSWORD"));
}
