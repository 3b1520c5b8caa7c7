/* Collects its own output by a pipe: stdout is turned to the pipe and back again. What was saved for that is a second
 * write end, and the reading never ends. With "fixed" it is closed by turning back in the right order. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int fixed = argc > 1 && strcmp(argv[1], "fixed") == 0;
    int out[2];
    char text[64];
    if (pipe(out) < 0) return 2;
    int saved = dup(1);
    dup2(out[1], 1);
    printf("hello\n");
    fflush(stdout);
    dup2(saved, 1); /* closes the pipe's end that was stdout, but not out[1] */
    if (fixed) close(out[1]);
    ssize_t got, all = 0;
    while ((got = read(out[0], text, sizeof text)) > 0) all += got;
    printf("collected %zd bytes\n", all);
    return got == 0 && all == 6 ? 0 : 2;
}
