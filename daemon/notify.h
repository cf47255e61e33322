/*
 * notify.h
 *	  systemd's notify protocol: one datagram a message, no library.
 */
#ifndef GRIDTREED_NOTIFY_H
#define GRIDTREED_NOTIFY_H

#include <stdint.h>

/* Send "READY=1", "STATUS=…"; silently nothing without a notify socket. */
extern void notify_send(const char *message);

/* Milliseconds between WATCHDOG=1 messages, 0 where no watchdog waits for them. */
extern int64_t notify_watchdog_interval(void);

#endif							/* GRIDTREED_NOTIFY_H */
