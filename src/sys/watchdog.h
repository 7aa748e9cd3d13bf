/* Watchdog: what runs in the forked processes between us and a child. Private to proc.c. */
#ifndef STRATOBENCH_WATCHDOG_H
#define STRATOBENCH_WATCHDOG_H

#include "stratobench/sys.h"

/* The control socket (SOCK_SEQPACKET) between us and a watchdog carries
 *   to us:   one struct sb_watchdog_started, then, once the child has ended, one struct sb_exit,
 *            then end of file, when nothing of the child is left;
 *   from us: signals for the child's group, one byte each. End of file means that we are gone. */
struct sb_watchdog_started {
    int error; /* errno of what kept the program from running, or 0 */
    pid_t pid; /* the child's, and its process group's */
};

/* The pid of a child's watchdog: all that comes from the child is below it. */
pid_t sb_proc_watchdog(const struct sb_proc *p);

/* The body of a process just forked by us. Starts the program with `stdio` as its descriptors
 * 0, 1 and 2, in the environment of the spec (not NULL), and stays until nothing of it is left. */
_Noreturn void sb_watchdog(const struct sb_proc_spec *spec, const int stdio[3], int control);

#endif
