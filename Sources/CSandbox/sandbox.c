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

#if defined(__linux__)

#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The numbers are the same on all architectures. Older headers lack them.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// Rights and structures of linux/landlock.h, which older headers have in part only.
enum {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_FOLDER = 1 << 3,
    RIGHT_REMOVE_FOLDER = 1 << 4,
    RIGHT_REMOVE_FILE = 1 << 5,
    RIGHT_MAKE_FOLDER = 1 << 7,
    RIGHT_MAKE_FILE = 1 << 8,
    RIGHT_MAKE_LINK = 1 << 12,
    // The rights above and devices, sockets and pipes: version 1.
    RIGHTS_1 = (1 << 13) - 1,
    RIGHT_REFER = 1 << 13,
    RIGHT_TRUNCATE = 1 << 14,
};

struct ruleset {
    uint64_t files;
    // From version 4 on: bit 0 = listening on TCP ports.
    uint64_t network;
    // From version 6 on: bit 0 = abstract sockets of other processes, bit 1 = signals to them.
    uint64_t scopes;
};

struct path_rule {
    uint64_t rights;
    int32_t descriptor;
} __attribute__((packed));

/// Returns 0, or an `errno` value: that of `open` if the path is not there.
static int allow(int ruleset, const char *path, uint64_t rights) {
    struct path_rule rule = {rights, open(path, O_PATH | O_CLOEXEC)};
    if (rule.descriptor < 0) return errno;
    struct stat status;
    int error = fstat(rule.descriptor, &status) != 0 ? errno : 0;
    // Rights of folders are an error for a file.
    if (error == 0 && !S_ISDIR(status.st_mode)) {
        rule.rights &= RIGHT_READ_FILE | RIGHT_WRITE_FILE | RIGHT_TRUNCATE;
    }
    if (error == 0 && syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) != 0) error = errno;
    close(rule.descriptor);
    return error;
}

int martlet_sandbox_download(
    const char *const *writable, int writable_count, const char *const *readable, int readable_count) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (version < 1) return version < 0 ? errno : ENOSYS;
    uint64_t handled = RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0);
    struct ruleset rules = {handled, version >= 4 ? 1 : 0, version >= 6 ? 3 : 0};
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0) return errno;
    uint64_t reading = RIGHT_READ_FILE | RIGHT_READ_FOLDER;
    uint64_t writing = reading | RIGHT_WRITE_FILE | RIGHT_REMOVE_FOLDER | RIGHT_REMOVE_FILE | RIGHT_MAKE_FOLDER |
        RIGHT_MAKE_FILE | RIGHT_MAKE_LINK | RIGHT_REFER | RIGHT_TRUNCATE;
    int error = 0;
    for (int index = 0; index < writable_count && error == 0; index++) {
        error = allow(ruleset, writable[index], writing & handled);
    }
    for (int index = 0; index < readable_count && error == 0; index++) {
        error = allow(ruleset, readable[index], reading);
        if (error == ENOENT || error == ENOTDIR || error == EACCES) error = 0;
    }
    if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) error = errno;
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) error = errno;
    close(ruleset);
    return error;
}

#else

int martlet_sandbox_download(
    const char *const *writable, int writable_count, const char *const *readable, int readable_count) {
    (void)writable, (void)writable_count, (void)readable, (void)readable_count;
    return ENOSYS;
}

#endif
