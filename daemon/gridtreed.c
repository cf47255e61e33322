/*
 * gridtreed.c
 *	  The daemon: one event loop over the duties, one a database.
 *
 * Read on in duty.c (a database), worker.c (a run), conn.c (a connection);
 * report.c is what --check and --status print. All policy is in the server's
 * SQL functions: the daemon only decides when to call them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "duty.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "report.h"

/* After a cancel, how long the server gets to say so. */
#define CANCEL_WAIT_MS	5000

/* Signals arrive as bytes in a pipe, so that poll() sees them. */
static int	signal_pipe[2];

typedef struct Daemon
{
	Options		options;
	Duty	   *duties;
	struct pollfd *fds;
	int			signals;		/* to terminate, so far */
	int64_t		cancel_at;		/* 0: not stopping, or already cancelled */
	int64_t		give_up_at;		/* 0: not cancelled yet */
	int64_t		watchdog_interval;
	int64_t		watchdog_at;
	char		status[256];
} Daemon;

static void
on_signal(int signal_number)
{
	int			saved = errno;

	(void) signal_number;
	(void) !write(signal_pipe[1], "", 1);
	errno = saved;
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
	{
		perror("gridtreed: pipe");
		exit(EXIT_NOT_READY);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* conn_cancel's are not awaited */
}

static int
count_running(const Daemon *d)
{
	int			running = 0;

	for (int i = 0; i < d->options.ndatabases; i++)
		running += duty_running(&d->duties[i]);
	return running;
}

static void
stop(Daemon *d)
{
	log_event(LOG_INFO, NULL, "stopping, %d runs under way", count_running(d));
	notify_send("STOPPING=1");
	for (int i = 0; i < d->options.ndatabases; i++)
		duty_stop(&d->duties[i]);
	d->cancel_at = now_ms() + (int64_t) d->options.grace * 1000;
}

static void
cancel(Daemon *d)
{
	if (count_running(d) > 0)
		log_event(LOG_WARNING, NULL, "cancelling %d runs", count_running(d));
	for (int i = 0; i < d->options.ndatabases; i++)
		duty_cancel(&d->duties[i]);
	d->cancel_at = 0;
	d->give_up_at = now_ms() + CANCEL_WAIT_MS;
}

/* The first signal stops, the second does not wait. */
static void
read_signals(Daemon *d)
{
	char		byte;

	while (read(signal_pipe[0], &byte, 1) == 1)
	{
		d->signals++;
		if (d->signals == 1)
			stop(d);
		else if (d->signals == 2)
		{
			cancel(d);
			d->give_up_at = now_ms();
		}
	}
}

static bool
finished(const Daemon *d)
{
	if (d->signals > 0)
		return count_running(d) == 0 || (d->give_up_at > 0 && now_ms() >= d->give_up_at);
	for (int i = 0; i < d->options.ndatabases; i++)
	{
		if (!d->duties[i].finished)
			return false;
	}
	return true;
}

/* Tell the service manager how things are, when that has changed. */
static void
tell_status(Daemon *d)
{
	int			ready = 0;
	int			rollups = 0;
	int			failing = 0;
	int64_t		next = 0;
	char		text[sizeof(d->status)];

	for (int i = 0; i < d->options.ndatabases; i++)
	{
		const Duty *duty = &d->duties[i];

		ready += duty->ready;
		rollups += duty->ready ? duty->rollups : 0;
		failing += duty->ready ? duty->failing : 0;
		if (duty->ready && duty->next_wait_ms > 0)
			next = earlier(next, duty->next_wait_ms);
	}
	snprintf(text, sizeof(text), "STATUS=%d of %d databases, %d rollups, %d failing, %d running, next within %lld s",
			 ready, d->options.ndatabases, rollups, failing, count_running(d), (long long) (next + 999) / 1000);
	if (strcmp(text, d->status) == 0)
		return;
	memcpy(d->status, text, sizeof(text));
	notify_send(text);
}

static int64_t
next_wake(const Daemon *d)
{
	int64_t		wake = earlier(earlier(d->cancel_at, d->give_up_at), d->watchdog_at);

	for (int i = 0; i < d->options.ndatabases; i++)
	{
		if (!d->duties[i].finished)
			wake = earlier(wake, duty_wake(&d->duties[i]));
	}
	return wake;
}

/* One turn: wait for something, then let everybody go on. */
static void
turn(Daemon *d)
{
	int			stride = 1 + d->options.max_runs;
	int			nfds = 1;
	int64_t		wake = next_wake(d);
	int64_t		wait = wake - now_ms();

	d->fds[0] = (struct pollfd) {.fd = signal_pipe[0], .events = POLLIN};
	for (int i = 0; i < d->options.ndatabases; i++)
		nfds += duty_poll(&d->duties[i], &d->fds[nfds]);
	if (poll(d->fds, (nfds_t) nfds, wake == 0 ? -1 : wait < 0 ? 0 : (int) wait) < 0)
	{
		for (int i = 0; i < nfds; i++)
			d->fds[i].revents = 0;
	}

	read_signals(d);
	if (d->cancel_at > 0 && now_ms() >= d->cancel_at)
		cancel(d);
	if (d->watchdog_at > 0 && now_ms() >= d->watchdog_at)
	{
		notify_send("WATCHDOG=1");
		d->watchdog_at = now_ms() + d->watchdog_interval;
	}
	for (int i = 0; i < d->options.ndatabases; i++)
	{
		if (!d->duties[i].finished)
			duty_step(&d->duties[i], &d->fds[1 + i * stride]);
	}
	tell_status(d);
}

static int
run_daemon(const Options *options)
{
	Daemon		d = {.options = *options};
	int			exit_status = EXIT_DONE;

	d.duties = calloc((size_t) options->ndatabases, sizeof(Duty));
	d.fds = calloc((size_t) (1 + options->ndatabases * (1 + options->max_runs)), sizeof(struct pollfd));
	if (d.duties == NULL || d.fds == NULL)
	{
		fprintf(stderr, "gridtreed: out of memory\n");
		return EXIT_NOT_READY;
	}
	catch_signals();
	for (int i = 0; i < options->ndatabases; i++)
		duty_init(&d.duties[i], &d.options, i);
	d.watchdog_interval = notify_watchdog_interval();
	d.watchdog_at = d.watchdog_interval > 0 ? now_ms() : 0;
	log_event(LOG_INFO, NULL, "gridtreed " GRIDTREE_VERSION " started, %d databases", options->ndatabases);
	notify_send("READY=1");

	while (!finished(&d))
		turn(&d);

	for (int i = 0; i < options->ndatabases; i++)
	{
		if (d.duties[i].exit_status > exit_status)
			exit_status = d.duties[i].exit_status;
		duty_close(&d.duties[i]);
	}
	log_event(LOG_INFO, NULL, "gridtreed stopped");
	free(d.duties);
	free(d.fds);
	return options->mode == MODE_ONCE && d.signals == 0 ? exit_status : EXIT_DONE;
}

int
main(int argc, char **argv)
{
	Options		options;

	options_read(argc, argv, &options);
	srand48((long) time(NULL) ^ (long) getpid() << 16);
	setvbuf(stderr, NULL, _IOLBF, 0);
	switch (options.mode)
	{
		case MODE_CHECK:
			return report_check(&options);
		case MODE_STATUS:
			return report_status(&options);
		default:
			return run_daemon(&options);
	}
}
