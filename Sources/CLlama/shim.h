#ifndef MARTLET_CLLAMA_SHIM_H
#define MARTLET_CLLAMA_SHIM_H

#include <llama.h>

#if defined(__linux__)
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Lets the calling thread run on the processors whose bits are set. Returns 0, or -1 where the system refuses. */
static inline int martlet_set_affinity(const uint64_t *bits, unsigned long count) {
    return (int)syscall(SYS_sched_setaffinity, 0, count * sizeof(*bits), bits);
}
#endif

#endif
