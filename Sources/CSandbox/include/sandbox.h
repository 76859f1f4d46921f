#ifndef MARTLET_SANDBOX_H
#define MARTLET_SANDBOX_H

/// Gives up what a process that only computes does not need: new rights through programs that it starts, and sockets other
/// than local ones. For good; what the process starts inherits it.
///
/// `all_threads`: whether the whole process gives it up, or the calling thread and those that it starts.
///
/// Returns 0, or an `errno` value; `ENOSYS` where the system offers no such thing.
int martlet_sandbox_enter(int all_threads);

/// Gives up what a process that only downloads does not need: files outside of a few folders, programs that it could start,
/// TCP ports on which it could listen, new rights, and signals to processes outside. For good, for the calling thread and
/// the threads that it starts.
///
/// `writable`: folders whose files may be read, made, changed and removed. `readable`: folders and files that may be read;
/// a missing path is left out.
///
/// Returns 0, or an `errno` value; `ENOSYS` or `EOPNOTSUPP` where the system offers no such thing (Landlock, Linux 5.13).
int martlet_sandbox_download(
    const char *const *writable, int writable_count, const char *const *readable, int readable_count);

#endif
