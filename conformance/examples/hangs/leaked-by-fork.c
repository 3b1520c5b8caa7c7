/* A parent feeds a filter and waits for it. The filter inherits the write end of its own input, and never sees the
 * end. With "fixed" it closes what it does not use. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    int in[2];
    if (pipe(in) < 0) return 2;
    pid_t filter = fork();
    if (filter < 0) return 2;
    if (filter == 0) {
        dup2(in[0], 0);
        close(in[0]);
        if (fixed) close(in[1]);
        execlp("wc", "wc", "-c", (char *)NULL);
        return 2;
    }
    close(in[0]);
    if (write(in[1], "hello\n", 6) != 6) return 2;
    close(in[1]); /* the end of the data, or so it seems */
    return waitpid(filter, NULL, 0) == filter ? 0 : 2;
}
