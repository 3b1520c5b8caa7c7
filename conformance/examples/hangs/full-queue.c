/* Keeps its work in a message queue: it puts in all of it, and takes it out afterwards. The queue holds ten. With
 * "fixed" it takes one out whenever the queue is full. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    char name[64], job[16];
    int done = 0;
    struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = sizeof job};
    snprintf(name, sizeof name, "/hangs-%d", (int)getpid());
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | (fixed ? O_NONBLOCK : 0), 0600, &attr);
    if (queue == (mqd_t)-1) return 2;
    mq_unlink(name); /* its own: nobody else is to open it */
    for (int n = 0; n < 20; n++) {
        snprintf(job, sizeof job, "job %d", n);
        while (mq_send(queue, job, sizeof job, 0) < 0) {
            if (errno != EAGAIN || mq_receive(queue, job, sizeof job, NULL) < 0) return 2;
            done++;
            snprintf(job, sizeof job, "job %d", n);
        }
    }
    while (done < 20 && mq_receive(queue, job, sizeof job, NULL) >= 0) done++;
    return done == 20 ? 0 : 2;
}
