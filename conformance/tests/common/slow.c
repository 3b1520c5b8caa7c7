// A library to be preloaded, as debuggers, sanitizers and tracers are: each call sleeps before it enters the kernel and
// again after it has left it. A thread asleep here is not asleep in its call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

static void nap(void) {
    int kept = errno;
    struct timespec moment = {0, 5 * 1000 * 1000};
    nanosleep(&moment, 0);
    ppoll(0, 0, &moment, 0);
    errno = kept;
}

// SLOW(type, name, (parameters), (arguments))
#define SLOW(type, name, parameters, arguments)                                \
    type name parameters {                                                     \
        static type(*real) parameters;                                         \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);         \
        nap();                                                                 \
        type result = real arguments;                                          \
        nap();                                                                 \
        return result;                                                         \
    }

SLOW(ssize_t, read, (int fd, void *to, size_t len), (fd, to, len))
SLOW(ssize_t, write, (int fd, const void *from, size_t len), (fd, from, len))
SLOW(ssize_t, recv, (int fd, void *to, size_t len, int flags), (fd, to, len, flags))
SLOW(ssize_t, send, (int fd, const void *from, size_t len, int flags), (fd, from, len, flags))
SLOW(ssize_t, recvmsg, (int fd, struct msghdr *to, int flags), (fd, to, flags))
SLOW(ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags), (fd, from, flags))
SLOW(int, poll, (struct pollfd *at, nfds_t len, int ms), (at, len, ms))
SLOW(int, flock, (int fd, int how), (fd, how))
SLOW(int, shutdown, (int fd, int how), (fd, how))
