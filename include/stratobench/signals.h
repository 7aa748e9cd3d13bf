/* Signals: SIGINT, SIGTERM and SIGHUP as something to wait for.
 *
 * Every wait of the program watches the descriptor; whoever sees it readable takes the signal off
 * it before ending things in order, so that a second one can cut that short. */
#ifndef STRATOBENCH_SIGNALS_H
#define STRATOBENCH_SIGNALS_H

/* Blocks those of the three that were not ignored, and ignores SIGPIPE and SIGXFSZ. A signalfd for
 * the life of the process, or -errno. */
int sb_signals_open(void);
/* The number of a pending signal, taken off; 0 when there is none. */
int sb_signals_take(int signal_fd);

#endif
