#ifndef MARTLET_SANDBOX_H
#define MARTLET_SANDBOX_H

/// Gives up what a process that only computes does not need: new rights through programs that it starts, and sockets other
/// than local ones. For good; what the process starts inherits it.
///
/// `all_threads`: whether the whole process gives it up, or the calling thread and those that it starts.
///
/// Returns 0, or an `errno` value; `ENOSYS` where the system offers no such thing.
int martlet_sandbox_enter(int all_threads);

#endif
