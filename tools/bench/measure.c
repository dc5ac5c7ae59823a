/* measure STDIN STDOUT COMMAND [ARGUMENT...]: runs the command once and prints its wall time in microseconds, the
 * largest resident size in KiB that it or a child of its had, and its exit status. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void redirect(const char *path, int flags, int fd) {
  int opened = open(path, flags | O_CLOEXEC, 0600);
  if (opened < 0 || dup2(opened, fd) < 0) _exit(127);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  pid_t child = vfork();
  if (child == 0) {
    redirect(argv[1], O_RDONLY, 0);
    redirect(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 1);
    execv(argv[3], argv + 3);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 2;
  clock_gettime(CLOCK_MONOTONIC, &end);
  /* The child's own figure does not cover the children that it waited for; ours for all children does. */
  struct rusage all;
  getrusage(RUSAGE_CHILDREN, &all);
  double us = (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3;
  printf("%.0f %ld %d\n", us, all.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
