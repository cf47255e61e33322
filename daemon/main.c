/*
 * main.c
 *	  gridtreed: one event loop over the duties, one a database.
 *
 * Read it from main() at its end upwards, then duty.c (a database, and
 * handshake.c and pauses.c that help it), worker.c (a run), keeper.c
 * (housekeeping), conn.c and session.c (a connection); report.c is what --check
 * and --status print. All policy is in the server's SQL functions: the daemon
 * only decides when to call them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "duty.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "report.h"
#include "status.h"

/* After a cancel, how long the server gets to say so. */
#define CANCEL_WAIT_MS	5000

typedef struct Daemon
{
	const Options *options;
	Log			log;			/* of what concerns no single database */
	Duty	   *duties;			/* one a database */
	struct pollfd *fds;			/* signals, then DUTY_FDS (its connections) a duty; what is not open is -1 */
	struct pollfd *polled;		/* those that are open */
	int			signal_fd;
	int			signals;		/* to terminate, so far */
	int64_t		cancel_at;		/* 0: not stopping, or already cancelled */
	int64_t		give_up_at;		/* 0: not cancelled yet */
	int64_t		watchdog_interval;
	int64_t		watchdog_at;
	char		status[512];
} Daemon;

/* The signals that stop us become readable; returns where, or -1. */
static int
catch_signals(void)
{
	sigset_t	set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
count_running(const Daemon *d)
{
	return duties_running(d->duties, d->options->ndatabases);
}

static void
stop(Daemon *d)
{
	char		text[80];
	int64_t		grace = (int64_t) d->options->grace * 1000;

	log_event(&d->log, LOG_INFO, "stopping, %d run%s under way", count_running(d), PLURAL(count_running(d)));
	/* systemd's own patience may be shorter than ours */
	snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", (long long) (grace + 2 * CANCEL_WAIT_MS) * 1000);
	notify_send(text);
	for (int i = 0; i < d->options->ndatabases; i++)
		duty_stop(&d->duties[i]);
	d->cancel_at = now_ms() + grace;
}

static void
cancel(Daemon *d)
{
	if (count_running(d) > 0)
		log_event(&d->log, LOG_WARNING, "cancelling %d run%s", count_running(d), PLURAL(count_running(d)));
	for (int i = 0; i < d->options->ndatabases; i++)
		duty_cancel(&d->duties[i]);
	d->cancel_at = 0;
	d->give_up_at = now_ms() + CANCEL_WAIT_MS;
}

/* The first signal stops, the second does not wait. */
static void
read_signals(Daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t) sizeof(info))
	{
		d->signals++;
		if (d->signals == 1)
			stop(d);
		else if (d->signals == 2)
		{
			if (d->cancel_at > 0)
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
	for (int i = 0; i < d->options->ndatabases; i++)
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
	char		text[sizeof(d->status)] = "STATUS=";

	status_describe(d->duties, d->options->ndatabases, text + strlen(text), sizeof(text) - strlen(text));
	if (strcmp(text, d->status) == 0)
		return;
	memcpy(d->status, text, sizeof(text));
	notify_send(text);
}

static int64_t
next_wake(const Daemon *d)
{
	int64_t		wake = earlier(earlier(d->cancel_at, d->give_up_at), d->watchdog_at);

	for (int i = 0; i < d->options->ndatabases; i++)
	{
		if (!d->duties[i].finished)
			wake = earlier(wake, duty_wake(&d->duties[i]));
	}
	return wake;
}

/*
 * Wait until something happens or is to be done. Only what is open is polled:
 * poll() refuses more descriptors than a process may have, open or not.
 */
static void
wait_for_events(Daemon *d)
{
	int			stride = DUTY_FDS(d->options->max_runs);
	int			slots = 1 + d->options->ndatabases * stride;
	nfds_t		open = 0;
	int64_t		wake = next_wake(d);
	int64_t		wait = wake - now_ms();
	int			ready;

	d->fds[0] = (struct pollfd) {.fd = d->signal_fd, .events = POLLIN};
	for (int i = 0; i < d->options->ndatabases; i++)
		duty_poll(&d->duties[i], &d->fds[1 + i * stride]);
	for (int i = 0; i < slots; i++)
	{
		if (d->fds[i].fd >= 0)
			d->polled[open++] = d->fds[i];
	}
	ready = poll(d->polled, open, wake == 0 ? -1 : wait < 0 ? 0 : (int) wait);
	if (ready < 0 && errno != EINTR)
	{
		log_event(&d->log, LOG_ERROR, "cannot wait for connections: %s", strerror(errno));
		exit(EXIT_NOT_READY);
	}
	open = 0;
	for (int i = 0; i < slots; i++)
	{
		if (d->fds[i].fd >= 0)
			d->fds[i].revents = ready > 0 ? d->polled[open++].revents : 0;
	}
}

/* Then let everybody go on. */
static void
turn(Daemon *d)
{
	int			stride = DUTY_FDS(d->options->max_runs);

	wait_for_events(d);
	read_signals(d);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;						/* what conn_cancel has left */
	if (d->cancel_at > 0 && now_ms() >= d->cancel_at)
		cancel(d);
	if (d->watchdog_at > 0 && now_ms() >= d->watchdog_at)
	{
		notify_send("WATCHDOG=1");
		d->watchdog_at = now_ms() + d->watchdog_interval;
	}
	for (int i = 0; i < d->options->ndatabases; i++)
	{
		if (!d->duties[i].finished)
			duty_step(&d->duties[i], &d->fds[1 + i * stride]);
	}
	tell_status(d);
}

static bool
begin(Daemon *d)
{
	const Options *options = d->options;
	size_t		slots = 1 + (size_t) options->ndatabases * DUTY_FDS((size_t) options->max_runs);

	d->log.secrets = &options->secrets;
	d->duties = calloc((size_t) options->ndatabases, sizeof(Duty));
	d->fds = calloc(slots, sizeof(struct pollfd));
	d->polled = calloc(slots, sizeof(struct pollfd));
	d->signal_fd = catch_signals();
	if (d->duties == NULL || d->fds == NULL || d->polled == NULL || d->signal_fd < 0)
	{
		perror("gridtreed");
		return false;
	}
	for (int i = 0; i < options->ndatabases; i++)
		duty_init(&d->duties[i], options, i);
	d->watchdog_interval = notify_watchdog_interval();
	d->watchdog_at = d->watchdog_interval > 0 ? now_ms() : 0;
	log_event(&d->log, LOG_INFO, "gridtreed " GRIDTREE_VERSION " started, databases: %d", options->ndatabases);
	notify_send("READY=1");
	return true;
}

static int
run_daemon(const Options *options)
{
	Daemon		d = {.options = options};
	int			exit_status = EXIT_DONE;

	if (!begin(&d))
		return EXIT_NOT_READY;
	while (!finished(&d))
		turn(&d);
	for (int i = 0; i < options->ndatabases; i++)
	{
		if (d.duties[i].exit_status > exit_status)
			exit_status = d.duties[i].exit_status;
		duty_close(&d.duties[i]);
	}
	log_event(&d.log, LOG_INFO, "gridtreed stopped");
	close(d.signal_fd);
	free(d.duties);
	free(d.fds);
	free(d.polled);
	return options->mode == MODE_ONCE && d.signals == 0 ? exit_status : EXIT_DONE;
}

int
main(int argc, char **argv)
{
	Options		options;
	int			status;

	options_read(argc, argv, &options);
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (options.mode == MODE_CHECK)
		status = report_check(&options);
	else if (options.mode == MODE_STATUS)
		status = report_status(&options);
	else
		status = run_daemon(&options);
	secrets_free(&options.secrets);
	return status;
}
