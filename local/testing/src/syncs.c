/* Notes in a file what a program writes, creates and makes durable: preloaded into it, between it and the C library.
 *
 * A line for each: W and a file that was written, C and a file or folder that was created, S and a file or folder that
 * has been made durable. A sync takes a moment longer than it would, so that what does not wait for it is seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int log_file = -1;

__attribute__((constructor)) static void open_log(void) {
    const char *path = getenv("JETBRIDGE_TEST_SYNCS");
    if (path != NULL) log_file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

static void note(char what, const char *path) {
    char line[PATH_MAX + 4];
    int length = snprintf(line, sizeof line, "%c %s\n", what, path);
    /* Appended in one piece, so lines of several threads do not mix. */
    if (log_file >= 0 && length > 0) (void)!syscall(SYS_write, log_file, line, (size_t)length);
}

static void note_file(char what, int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/') return;
    path[length] = 0;
    note(what, path);
}

static void note_created(const char *path) {
    char absolute[PATH_MAX];
    if (realpath(path, absolute) != NULL) note('C', absolute);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITES(result, name, parameters, arguments)      \
    result name parameters {                             \
        result written = REAL(name) arguments;           \
        if (written > 0) note_file('W', file);           \
        return written;                                  \
    }
WRITES(ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
WRITES(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
WRITES(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
WRITES(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))

#define TRUNCATES(name, offset)                          \
    int name(int file, offset size) {                    \
        int result = REAL(name)(file, size);             \
        if (result == 0) note_file('W', file);           \
        return result;                                   \
    }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define SYNCS(name)                                                     \
    int name(int file) {                                                \
        const struct timespec moment = {0, 20 * 1000 * 1000};           \
        nanosleep(&moment, NULL);                                       \
        int result = REAL(name)(file);                                  \
        if (result == 0) note_file('S', file);                          \
        return result;                                                  \
    }
SYNCS(fsync)
SYNCS(fdatasync)

#define OPENS(name)                                                     \
    int name(const char *path, int flags, ...) {                        \
        mode_t mode = 0;                                                \
        if (flags & O_CREAT) {                                          \
            va_list more;                                               \
            va_start(more, flags);                                      \
            mode = va_arg(more, mode_t);                                \
            va_end(more);                                               \
        }                                                               \
        int is_new = (flags & O_CREAT) && access(path, F_OK) != 0;      \
        int file = REAL(name)(path, flags, mode);                       \
        if (file >= 0 && is_new) note_created(path);                    \
        return file;                                                    \
    }
OPENS(open)
OPENS(open64)

int mkdir(const char *path, mode_t mode) {
    int result = REAL(mkdir)(path, mode);
    if (result == 0) note_created(path);
    return result;
}
