#ifndef MARTLET_ALLOCATIONS_H
#define MARTLET_ALLOCATIONS_H

/// How often the calling thread has asked for memory since it began; -1 where the system's allocator cannot be watched.
///
/// On Linux this program's own `malloc`, `calloc` and `realloc` stand before those of glibc, for all libraries in the process.
long long martlet_allocation_count(void);

#endif
