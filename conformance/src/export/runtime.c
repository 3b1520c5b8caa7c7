/* One thread plays all actors in turn. Nothing here knows which reply is right: the tables say so. */

/* System calls, each a wrapper of its own: what it gave, or the error as a negative number. */

static long result(long value) { return value < 0 ? -(long)errno : value; }

static long make_pipe(int ends[2], int flags) { return result(pipe2(ends, flags)); }
static long make_pair(int type, int ends[2]) { return result(socketpair(AF_UNIX, type, 0, ends)); }
static long open_at(const char *path, int flags) { return result(open(path, flags, 0600)); }
static long duplicate(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
static long shut(int fd) { return result(close(fd)); }

/* Text on standard output. */

static char line[512];
static size_t line_len;

static void flush(void) {
    size_t done = 0;
    while (done < line_len) {
        ssize_t count = write(1, line + done, line_len - done);
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    line_len = 0;
}

static void put(const char *text) {
    for (; *text; text++) {
        if (line_len == sizeof line)
            flush();
        line[line_len++] = *text;
        if (*text == '\n')
            flush();
    }
}

static void put_number(long value) {
    char digits[24];
    size_t at = sizeof digits;
    unsigned long rest = value < 0 ? 0 - (unsigned long)value : (unsigned long)value;
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    put(digits + at);
}

static void put_error(int number) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].number == number) {
            put(errors[i].name);
            return;
        }
    put("E");
    put_number(number);
}

/* Signals: those of writes nobody reads are counted, and a call that does not return is interrupted. */

static volatile sig_atomic_t sigpipes, late;

static void on_signal(int number) {
    if (number == SIGPIPE)
        sigpipes++;
    else
        late = 1;
}

static void catch(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(number, &action, NULL);
}

/* The bytes that an actor writes: those of a fixed pattern, told apart by the actor. */

#define PERIOD 65521
#define MARK 0xee
#define MARKED 65536

static uint8_t pattern[PERIOD];
static uint8_t buffer[BUFFER_BYTES];

static void make_pattern(void) {
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < PERIOD; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        pattern[i] = (uint8_t)(state >> 40) & 0x3f;
    }
}

static uint8_t byte_of(int actor, uint64_t position) {
    uint8_t bits = (uint8_t)(((actor & 3) << 6) | ((actor >> 2) & 0x3f));
    return pattern[position % PERIOD] ^ bits;
}

static void prepare(const struct step *step, uint64_t from) {
    uint32_t len = step->len;
    if (step->asks)
        memset(buffer, MARK, len < MARKED ? len : MARKED);
    else
        for (uint32_t i = 0; i < len; i++)
            buffer[i] = byte_of(step->actor, from + i);
}

static int same_bytes(const struct reply *reply, uint32_t len) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < reply->segments; i++) {
        const struct segment *segment = &segments[reply->first + i];
        for (uint32_t k = 0; k < segment->len; k++, at++) {
            if (segment->actor == ANY || at >= len)
                continue;
            uint8_t wanted = segment->actor == ZERO ? 0 : byte_of(segment->actor, segment->from + k);
            if (buffer[at] != wanted)
                return 0;
        }
    }
    return 1;
}

/* Channels. */

#define NONE (-1)
#define NEVER 0x7ffffff0

static int fds[ACTORS][ENDS];
static uint64_t written[ACTORS];
static char path[108], queue_name[64];
static const struct test *now;

/* What has no descriptor is called upon by a number that none has, as a closed one would be. */
static int number(int actor, int end) {
    return fds[actor][end] == NONE ? NEVER : fds[actor][end];
}

static int access_mode(int mode) { return mode == 0 ? O_RDONLY : mode == 1 ? O_WRONLY : O_RDWR; }

static int socket_type(void) {
    return now->type == 0 ? SOCK_STREAM : now->type == 1 ? SOCK_SEQPACKET : SOCK_DGRAM;
}

static socklen_t address(struct sockaddr_un *to) {
    size_t len = strlen(path), shift = now->make == MAKE_SOCKETS_ABSTRACT;
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path + shift, path, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}

/* Gives each holder of such an end a descriptor of one open file description, and closes the first. */
static long hand_out(int fd, int mode, int side) {
    long failed = 0;
    for (uint32_t i = 0; i < now->holds && !failed; i++) {
        const struct hold *hold = &holds[now->first_hold + i];
        if (hold->mode != mode || hold->side != side)
            continue;
        long copy = duplicate(fd);
        if (copy < 0)
            failed = copy;
        else
            fds[hold->actor][hold->end] = (int)copy;
    }
    shut(fd);
    return failed;
}

static long open_held(int flags, int of_queue) {
    for (uint32_t i = 0; i < now->holds; i++) {
        const struct hold *hold = &holds[now->first_hold + i];
        int all = access_mode(hold->mode) | flags | O_CLOEXEC;
        long fd = of_queue ? result(mq_open(queue_name, all)) : open_at(path, all);
        if (fd < 0)
            return fd;
        fds[hold->actor][hold->end] = (int)fd;
    }
    return 0;
}

static long set_capacity(int fd) {
    return now->capacity ? result(fcntl(fd, F_SETPIPE_SZ, (unsigned long)now->capacity)) : 0;
}

static const char *doing;

static long make_pipes(void) {
    int flags = O_CLOEXEC | (now->nonblock ? O_NONBLOCK : 0) | (now->packet ? O_DIRECT : 0);
    for (int way = 0; way < now->sides; way++) {
        int ends[2];
        doing = "pipe2";
        long failed = make_pipe(ends, flags);
        if (failed < 0)
            return failed;
        doing = "fcntl(F_SETPIPE_SZ)";
        failed = set_capacity(ends[0]);
        /* What the first side writes the second reads. */
        int two = now->sides == 2;
        int reads = two ? (way ? SIDE_A : SIDE_B) : SIDE_ONLY;
        int writes = two ? (way ? SIDE_B : SIDE_A) : SIDE_ONLY;
        doing = failed < 0 ? doing : "fcntl(F_DUPFD_CLOEXEC)";
        long handed = hand_out(ends[0], 0, reads), other = hand_out(ends[1], 1, writes);
        if (failed < 0 || handed < 0 || other < 0)
            return failed < 0 ? failed : handed < 0 ? handed : other;
    }
    return 0;
}

static long make_fifo(void) {
    int flags = now->nonblock ? O_NONBLOCK : 0;
    doing = "mkfifo";
    long failed = result(mkfifo(path, 0600));
    if (failed < 0)
        return failed;
    doing = "open";
    long keeper = open_at(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (keeper < 0)
        return keeper;
    if (now->holds) {
        doing = "fcntl(F_SETPIPE_SZ)";
        failed = set_capacity((int)keeper);
    }
    if (failed >= 0) {
        doing = "open";
        failed = open_held(flags, 0);
    }
    shut((int)keeper);
    return failed < 0 ? failed : 0;
}

static long make_queue(void) {
    struct mq_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.mq_maxmsg = QUEUE_MESSAGES;
    attributes.mq_msgsize = QUEUE_BYTES;
    doing = "mq_open";
    long keeper = result(mq_open(queue_name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes));
    if (keeper < 0)
        return keeper;
    long failed = open_held(0, 1);
    shut((int)keeper);
    return failed;
}

static long make_file(void) {
    int flags = now->append ? O_APPEND : 0;
    doing = "open(O_CREAT)";
    long keeper = open_at(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
    if (keeper < 0)
        return keeper;
    shut((int)keeper);
    doing = "open";
    if (now->make == MAKE_FILE_BY_PATH)
        return open_held(flags, 0);
    for (int mode = 0; mode < 3; mode++) {
        long fd = open_at(path, access_mode(mode) | flags | O_CLOEXEC);
        long failed = fd < 0 ? fd : hand_out((int)fd, mode, SIDE_ONLY);
        if (failed < 0)
            return failed;
    }
    return 0;
}

static long make_sockets(void) {
    int ends[2];
    if (!now->holds)
        return 0;
    doing = "socketpair";
    long failed = make_pair(socket_type() | SOCK_CLOEXEC | (now->nonblock ? SOCK_NONBLOCK : 0), ends);
    if (failed < 0)
        return failed;
    long one = hand_out(ends[0], 2, SIDE_A), other = hand_out(ends[1], 2, SIDE_B);
    return one < 0 ? one : other;
}

static long make(void) {
    switch (now->make) {
    case MAKE_PIPES:
        return make_pipes();
    case MAKE_FIFO:
        return make_fifo();
    case MAKE_QUEUE:
        return make_queue();
    case MAKE_FILE_BY_PATH:
    case MAKE_FILE_SHARED:
        return make_file();
    default:
        return make_sockets();
    }
}

static void clear(void) {
    for (int actor = 0; actor < ACTORS; actor++) {
        written[actor] = 0;
        for (int end = 0; end < ENDS; end++) {
            if (fds[actor][end] != NONE)
                shut(fds[actor][end]);
            fds[actor][end] = NONE;
        }
    }
    unlink(path);
    if (now && now->make == MAKE_QUEUE)
        mq_unlink(queue_name);
}

/* Calls. */

struct seen {
    int kind;
    long value;
    int marks, signal;
};

static struct seen counted(long value) {
    struct seen seen = {value < 0 ? FAILS : COUNT, value < 0 ? -value : (long)(uint32_t)value, 0, 0};
    return seen;
}

static struct seen done(long value) {
    struct seen seen = {value < 0 ? FAILS : DONE, value < 0 ? -value : 0, 0, 0};
    return seen;
}

/* A descriptor that a call made. */
static struct seen made(const struct step *step, int end, long fd) {
    if (fd >= 0)
        fds[step->actor][end] = (int)fd;
    return done(fd);
}

static struct seen poll_one(int fd, const struct step *step) {
    struct pollfd entry = {fd, (short)step->a, 0};
    if (poll(&entry, 1, step->b ? -1 : 0) < 0)
        return done(-(long)errno);
    struct seen seen = {READY, (unsigned short)entry.revents, 0, 0};
    return seen;
}

static struct seen set_nonblock(int fd, const struct step *step) {
    if (now->make == MAKE_QUEUE) {
        struct mq_attr attributes;
        memset(&attributes, 0, sizeof attributes);
        attributes.mq_flags = step->a ? O_NONBLOCK : 0;
        return done(result(mq_setattr(fd, &attributes, NULL)));
    }
    long flags = result(fcntl(fd, F_GETFL));
    if (flags < 0)
        return done(flags);
    flags = step->a ? flags | O_NONBLOCK : flags & ~(long)O_NONBLOCK;
    return done(result(fcntl(fd, F_SETFL, flags)));
}

static struct seen lock(int fd, const struct step *step) {
    struct flock whole;
    memset(&whole, 0, sizeof whole);
    whole.l_type = step->a == 0 ? F_UNLCK : step->a == 1 ? F_RDLCK : F_WRLCK;
    whole.l_whence = SEEK_SET;
    return done(result(fcntl(fd, step->b ? F_OFD_SETLKW : F_OFD_SETLK, &whole)));
}

static struct seen whole_lock(int fd, const struct step *step) {
    int operation = step->a == 0 ? LOCK_UN : step->a == 1 ? LOCK_SH : LOCK_EX;
    return done(result(flock(fd, operation | (step->b ? 0 : LOCK_NB))));
}

static int send_flags(const struct step *step) {
    return (step->a & 1 ? MSG_DONTWAIT : 0) | (step->a & 2 ? MSG_PEEK : 0) | (step->a & 4 ? MSG_WAITALL : 0) |
           (step->a & 8 ? MSG_TRUNC : 0) | (step->a & 16 ? MSG_NOSIGNAL : 0);
}

static struct seen send_bytes(int fd, const struct step *step) {
    struct sockaddr_un to;
    socklen_t len = 0;
    if (step->a & 32)
        len = address(&to);
    return counted(result(sendto(fd, buffer, step->len, send_flags(step), len ? (struct sockaddr *)&to : NULL, len)));
}

static struct seen marked(long count, const struct msghdr *message, int end) {
    struct seen seen = counted(count);
    seen.marks = count < 0 ? 0
                           : (message->msg_flags & MSG_TRUNC ? 1 : 0) | (end ? 2 : 0) |
                                 (message->msg_flags & MSG_CTRUNC ? 4 : 0);
    return seen;
}

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static struct seen message(int fd, const struct step *step) {
    struct iovec part = {buffer, step->len};
    union control control;
    struct msghdr all;
    memset(&all, 0, sizeof all);
    memset(&control, 0, sizeof control);
    all.msg_iov = &part;
    all.msg_iovlen = 1;
    if (step->op == OP_RECEIVE)
        return marked(result(recvmsg(fd, &all, send_flags(step))), &all, 0);
    all.msg_control = &control;
    all.msg_controllen = sizeof control;
    if (step->op == OP_SEND_END) {
        int passed = number(step->actor, step->other);
        struct cmsghdr *header = CMSG_FIRSTHDR(&all);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(header), &passed, sizeof passed);
        return counted(result(sendmsg(fd, &all, 0)));
    }
    long count = result(recvmsg(fd, &all, MSG_CMSG_CLOEXEC));
    struct cmsghdr *header = count < 0 ? NULL : CMSG_FIRSTHDR(&all);
    int came = header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS;
    if (came)
        memcpy(&fds[step->actor][step->other], CMSG_DATA(header), sizeof(int));
    return marked(count, &all, came);
}

static struct seen set_option(int fd, const struct step *step) {
    struct timeval time = {step->a == OPTION_RECEIVE_TIMEOUT_S ? step->b : 0,
                           step->a == OPTION_RECEIVE_TIMEOUT_US ? step->b : 0};
    struct linger linger = {step->b >= 0, step->b < 0 ? 0 : step->b};
    int value = step->b;
    switch (step->a) {
    case OPTION_SEND_BUFFER:
        return done(result(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value)));
    case OPTION_RECEIVE_BUFFER:
        return done(result(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value)));
    case OPTION_ERROR:
        return done(result(setsockopt(fd, SOL_SOCKET, SO_ERROR, &value, sizeof value)));
    case OPTION_LINGER:
        return done(result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger)));
    default:
        return done(result(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time)));
    }
}

static struct seen option(int fd, const struct step *step) {
    struct timeval time = {0, 0};
    struct linger linger = {0, 0};
    int value = 0, name = step->a == OPTION_SEND_BUFFER      ? SO_SNDBUF
                          : step->a == OPTION_RECEIVE_BUFFER ? SO_RCVBUF
                                                             : SO_ERROR;
    int of_time = step->a == OPTION_RECEIVE_TIMEOUT_S || step->a == OPTION_RECEIVE_TIMEOUT_US;
    int of_linger = step->a == OPTION_LINGER;
    void *place = of_time ? (void *)&time : of_linger ? (void *)&linger : (void *)&value;
    socklen_t len = of_time ? sizeof time : of_linger ? sizeof linger : sizeof value;
    long failed = result(getsockopt(fd, SOL_SOCKET, of_time ? SO_RCVTIMEO : of_linger ? SO_LINGER : name, place, &len));
    if (failed < 0)
        return done(failed);
    if (of_time)
        return counted(step->a == OPTION_RECEIVE_TIMEOUT_S ? (long)time.tv_sec : (long)time.tv_usec);
    if (of_linger)
        return counted(linger.l_onoff ? linger.l_linger : (long)UINT32_MAX);
    return counted((long)(uint32_t)value);
}

static struct seen open_end(const struct step *step) {
    int flags = access_mode(step->a) | O_CLOEXEC | (step->b & 1 ? O_APPEND : 0) | (step->b & 2 ? O_TRUNC : 0) |
                (step->b & 4 ? O_NONBLOCK : 0);
    long fd = now->make == MAKE_QUEUE ? result(mq_open(queue_name, flags)) : open_at(path, flags);
    return made(step, step->end, fd);
}

static struct seen close_end(const struct step *step, int fd) {
    fds[step->actor][step->end] = NONE;
    return done(shut(fd));
}

static struct seen duplicate_onto(const struct step *step, int fd) {
    int onto = fds[step->actor][step->other];
    if (onto == NONE)
        return made(step, step->other, duplicate(fd));
    long given = result(dup2(fd, onto));
    return done(given < 0 ? given : 0);
}

static struct seen transfer(const struct step *step, int fd) {
    int of_queue = now->make == MAKE_QUEUE;
    switch (step->op) {
    case OP_READ:
        return counted(of_queue ? result(mq_receive(fd, (char *)buffer, step->len, NULL))
                                : result(read(fd, buffer, step->len)));
    case OP_WRITE:
        if (of_queue) {
            long sent = result(mq_send(fd, (char *)buffer, step->len, 0));
            return counted(sent < 0 ? sent : (long)step->len);
        }
        return counted(result(write(fd, buffer, step->len)));
    case OP_READ_AT:
        return counted(result(pread(fd, buffer, step->len, step->b)));
    default:
        return counted(result(pwrite(fd, buffer, step->len, step->b)));
    }
}

static struct seen of_socket(const struct step *step, int fd) {
    struct sockaddr_un to;
    socklen_t len;
    switch (step->op) {
    case OP_SOCKET: {
        int type = socket_type() | SOCK_CLOEXEC | (step->a ? SOCK_NONBLOCK : 0);
        return made(step, step->end, result(socket(AF_UNIX, type, 0)));
    }
    case OP_BIND:
        len = address(&to);
        return done(result(bind(fd, (struct sockaddr *)&to, len)));
    case OP_CONNECT:
        len = address(&to);
        return done(result(connect(fd, (struct sockaddr *)&to, len)));
    case OP_LISTEN:
        return done(result(listen(fd, step->a)));
    case OP_ACCEPT: {
        int flags = SOCK_CLOEXEC | (step->a ? SOCK_NONBLOCK : 0);
        return made(step, step->other, result(accept4(fd, NULL, NULL, flags)));
    }
    case OP_SHUTDOWN:
        return done(result(shutdown(fd, step->a == 0 ? SHUT_RD : step->a == 1 ? SHUT_WR : SHUT_RDWR)));
    case OP_SEND:
        return send_bytes(fd, step);
    case OP_SET_OPTION:
        return set_option(fd, step);
    case OP_OPTION:
        return option(fd, step);
    default:
        return message(fd, step);
    }
}

static struct seen of_pipe_or_file(const struct step *step, int fd) {
    int bytes = 0;
    switch (step->op) {
    case OP_SET_CAPACITY:
        return counted(result(fcntl(fd, F_SETPIPE_SZ, (unsigned long)(uint32_t)step->a)));
    case OP_CAPACITY:
        return counted(result(fcntl(fd, F_GETPIPE_SZ)));
    case OP_AVAILABLE: {
        long failed = result(ioctl(fd, FIONREAD, &bytes));
        return counted(failed < 0 ? failed : (long)(uint32_t)bytes);
    }
    case OP_SEEK:
        return counted(result(lseek(fd, step->b, step->a == 0 ? SEEK_SET : step->a == 1 ? SEEK_CUR : SEEK_END)));
    case OP_TRUNCATE:
        return done(result(ftruncate(fd, (off_t)(uint32_t)step->a)));
    case OP_LOCK:
        return lock(fd, step);
    default:
        return whole_lock(fd, step);
    }
}

static struct seen call(const struct step *step) {
    int fd = number(step->actor, step->end);
    switch (step->op) {
    case OP_OPEN:
        return open_end(step);
    case OP_READ:
    case OP_WRITE:
    case OP_READ_AT:
    case OP_WRITE_AT:
        return transfer(step, fd);
    case OP_CLOSE:
        return close_end(step, fd);
    case OP_DUP:
        return made(step, step->other, duplicate(fd));
    case OP_DUP2:
        return duplicate_onto(step, fd);
    case OP_NONBLOCKING:
        return set_nonblock(fd, step);
    case OP_CLOSE_ON_EXEC:
        return done(result(fcntl(fd, F_SETFD, step->a ? FD_CLOEXEC : 0)));
    case OP_POLL:
        return poll_one(fd, step);
    case OP_UNLINK:
        return done(result(now->make == MAKE_QUEUE ? mq_unlink(queue_name) : unlink(path)));
    case OP_SET_CAPACITY:
    case OP_CAPACITY:
    case OP_AVAILABLE:
    case OP_SEEK:
    case OP_TRUNCATE:
    case OP_LOCK:
    case OP_FLOCK:
        return of_pipe_or_file(step, fd);
    default:
        return of_socket(step, fd);
    }
}

/* Tests. */

static int fits(const struct reply *reply, const struct seen *seen, const struct step *step) {
    if (reply->kind != seen->kind || reply->marks != seen->marks || reply->signal != seen->signal)
        return 0;
    if ((uint32_t)reply->value != (uint32_t)seen->value)
        return 0;
    uint32_t len = seen->kind == COUNT && step->asks ? (uint32_t)seen->value : 0;
    return same_bytes(reply, len < step->len ? len : step->len);
}

static void put_answer(int kind, long value, int marks, int signal) {
    switch (kind) {
    case COUNT:
        put_number(value);
        break;
    case DONE:
        put("ok");
        break;
    case READY:
        put("events ");
        put_number(value);
        break;
    default:
        put_error((int)value);
    }
    if (marks) {
        put(" marks ");
        put_number(marks);
    }
    put(signal ? " + SIGPIPE" : "");
}

static void tell(size_t test, const struct step *step, const struct seen *seen) {
    put("# ");
    put_number((long)test + 1);
    put(": ");
    put(step->text);
    if (late) {
        put(" does not return");
    } else {
        put(" -> ");
        put_answer(seen->kind, seen->value, seen->marks, seen->signal);
    }
    for (int i = 0; i < step->replies; i++) {
        const struct reply *reply = &replies[step->first_reply + i];
        put(i ? ", or " : "; allowed: ");
        put_answer(reply->kind, reply->value, reply->marks, reply->signal);
        put(" (");
        put(reply->rule);
        put(")");
        if (!late && reply->kind == seen->kind && (uint32_t)reply->value == (uint32_t)seen->value &&
            reply->marks == seen->marks && reply->signal == seen->signal)
            put(" with other bytes");
    }
    put("\n");
}

/* 1: as the rules say; 0: not; otherwise the error for which the channel can't be made. */
static long run(size_t index) {
    now = &tests[index];
    clear();
    long failed = make();
    if (failed < 0)
        return failed;
    for (uint32_t i = 0; i < now->steps; i++) {
        const struct step *step = &steps[now->first_step + i];
        int before = sigpipes;
        prepare(step, written[step->actor]);
        late = 0;
        alarm(SECONDS_MAX);
        struct seen seen = call(step);
        alarm(0);
        seen.signal = sigpipes != before;
        if (step->offers && seen.kind == COUNT)
            written[step->actor] += (uint32_t)seen.value;
        int found = -1;
        for (int k = 0; k < step->replies && found < 0 && !late; k++)
            if (fits(&replies[step->first_reply + k], &seen, step))
                found = k;
        if (found < 0) {
            tell(index, step, &seen);
            return 0;
        }
        if (found != step->on)
            break; /* Allowed, and what follows is another test's business. */
    }
    return 1;
}

static int is_expected(const char *name) {
    for (size_t i = 0; expected[i]; i++)
        if (!strcmp(expected[i], name))
            return 1;
    return 0;
}

static void name_places(const char *directory) {
    size_t len = strlen(directory);
    long id = (long)getpid();
    char *to = queue_name;
    memcpy(path, directory, len > 60 ? 0 : len);
    memcpy(path + (len > 60 ? 0 : len), "/pipewright.", 13);
    memcpy(to, "/pipewright.", 13);
    char *ends[2] = {path + strlen(path), to + strlen(to)};
    for (int i = 0; i < 2; i++) {
        long rest = id;
        do {
            *ends[i]++ = (char)('0' + rest % 10);
            rest /= 10;
        } while (rest);
        *ends[i] = 0;
    }
}

int main(int count, char **arguments) {
    size_t total = sizeof tests / sizeof tests[0];
    long passed = 0, failed = 0, known = 0, skipped = 0;
    name_places(count > 1 ? arguments[1] : "/tmp");
    make_pattern();
    catch (SIGPIPE);
    catch (SIGALRM);
    memset(fds, 0xff, sizeof fds);
    put("KTAP version 1\n# " ABOUT "\n1..");
    put_number((long)total);
    put("\n");
    for (size_t i = 0; i < total; i++) {
        long outcome = run(i);
        int is_known = is_expected(tests[i].name);
        put(outcome == 0 && !is_known ? "not ok " : outcome == 1 && is_known ? "not ok " : "ok ");
        put_number((long)i + 1);
        put(" ");
        put(tests[i].name);
        if (outcome < 0) {
            skipped++;
            put(" # SKIP ");
            put(doing);
            put(" gives ");
            put_error((int)-outcome);
        } else if (outcome == 1 && is_known) {
            failed++;
            put(" # passes, though it is expected to fail");
        } else if (outcome == 0 && is_known) {
            known++;
            put(" # XFAIL");
        } else if (outcome == 1) {
            passed++;
        } else {
            failed++;
        }
        put("\n");
        clear();
    }
    put("# pass:");
    put_number(passed);
    put(" fail:");
    put_number(failed);
    put(" xfail:");
    put_number(known);
    put(" skip:");
    put_number(skipped);
    put("\n");
    return failed ? 1 : 0;
}
