/* measure NETNS STDIN STDOUT COMMAND [ARGUMENT...]: runs the command once in the namespace and prints its wall time and
 * its processor time in microseconds, the largest resident size in KiB that it or a child of its had, and its exit
 * status. The time is from before vfork to the end of wait4: what a runtime waits for. */
#include "measuring.h"

#include <sys/wait.h>

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  enter_netns(argv[1]);
  long start = now_ns();
  pid_t child = vfork();
  if (child == 0) {
    redirect(argv[2], O_RDONLY, 0);
    redirect(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 1);
    execv(argv[4], argv + 4);
    _exit(127);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0) fail("vfork");
  long end = now_ns();
  /* Of all children: the child's own figure would not cover the children that it waited for. */
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  printf("%ld %ld %ld %d\n", (end - start) / 1000, cpu_us(&usage), usage.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
