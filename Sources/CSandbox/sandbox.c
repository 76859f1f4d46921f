// For syscall().
#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MARTLET_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define MARTLET_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifndef SECCOMP_FILTER_FLAG_TSYNC
#define SECCOMP_FILTER_FLAG_TSYNC 1
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW 4
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP_IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))

int martlet_sandbox_enter(int all_threads) {
    struct sock_filter filter[] = {
        // System calls of another architecture have other numbers.
        LOAD(arch),
        JUMP_IF(MARTLET_ARCHITECTURE, 1, 0),
        REFUSE(EPERM),
        LOAD(nr),
#if defined(__x86_64__)
        // The same for the numbers of x32.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        REFUSE(EPERM),
#endif
        // A ring makes sockets without the system call for it.
        JUMP_IF(SYS_io_uring_setup, 0, 1),
        REFUSE(ENOSYS),
        JUMP_IF(SYS_socket, 1, 0),
        RETURN(SECCOMP_RET_ALLOW),
        // Drivers of GPUs ask services of this machine; the lower half of the first argument is the family.
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        LOAD(args[0]),
#else
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 4),
#endif
        JUMP_IF(AF_UNIX, 1, 0),
        JUMP_IF(AF_NETLINK, 0, 1),
        RETURN(SECCOMP_RET_ALLOW),
        REFUSE(EACCES),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    // Without the second flag, old kernels slow the whole process down against attacks that a filter does not matter to.
    unsigned int flags = (all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0) | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result == -1) return errno;
    // The number of a thread that has filters of its own.
    return result == 0 ? 0 : EBUSY;
}

#else

int martlet_sandbox_enter(int all_threads) {
    (void)all_threads;
    return ENOSYS;
}

#endif
