#ifndef MARTLET_CLLAMA_SHIM_H
#define MARTLET_CLLAMA_SHIM_H

#include <dlfcn.h>
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

/* What dladdr(3) reports: the file and the address of a library, the name and the address of a symbol. */
struct martlet_symbol_place {
    const char *file;
    void *base;
    const char *name;
    void *address;
};

/* dladdr itself. The C library shows its declaration only to sources that ask for GNU extensions before all headers. */
extern int martlet_dladdr(const void *address, struct martlet_symbol_place *place)
#if defined(__APPLE__)
    __asm__("_dladdr");
#else
    __asm__("dladdr");
#endif

/* The path of libggml as the loader found it; NULL if the loader does not tell. The text lives as long as the library. */
static inline const char *martlet_libggml_path(void) {
    struct martlet_symbol_place place = {0};
    void *program = dlopen(0, RTLD_NOW);
    void *symbol = program ? dlsym(program, "ggml_backend_load_all") : 0;
    return symbol && martlet_dladdr(symbol, &place) ? place.file : 0;
}

#endif
