/* together NETNS DIRECTORY COUNT COMMAND [sample]: runs the command so many times at once, number i with DIRECTORY/i.in,
 * DIRECTORY/i.out and the environment of DIRECTORY/i.env (a variable a line). All stand ready before the first is let
 * go. Prints the wall time of all and their processor time in microseconds; with `sample` also the most KiB that all of
 * them and their children had at one time, proportional and resident, as far as looking again and again can tell.
 * Then, a line each: its microseconds from the common start to its end, and its exit status. */
#include "measuring.h"

#include <dirent.h>
#include <sys/wait.h>

#define MOST_JOBS 1024
#define MOST_VARIABLES 64

struct job {
  pid_t pid;
  long us;
  int status;
};
static struct job jobs[MOST_JOBS];

static char **read_environment(const char *path) {
  static char text[65536];
  static char *variables[MOST_VARIABLES + 1];
  int fd = open(path, O_RDONLY | O_CLOEXEC), count = 0;
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length < 0) fail(path);
  close(fd);
  text[length] = 0;
  for (char *line = strtok(text, "\n"); line != NULL && count < MOST_VARIABLES; line = strtok(NULL, "\n"))
    variables[count++] = line;
  return variables;
}

/* In the child: everything is prepared, then it waits for the pipe to be closed. */
static void stand_ready(const char *directory, int i, char *command, int ready, int gate) {
  char path[4096], byte;
  snprintf(path, sizeof path, "%s/%d.env", directory, i);
  char **environment = read_environment(path);
  snprintf(path, sizeof path, "%s/%d.in", directory, i);
  redirect(path, O_RDONLY, 0);
  snprintf(path, sizeof path, "%s/%d.out", directory, i);
  redirect(path, O_WRONLY | O_CREAT | O_TRUNC, 1);
  if (write(ready, "", 1) != 1) _exit(127);
  close(ready);
  if (read(gate, &byte, 1) < 0) _exit(127);
  execve(command, (char *[]){command, NULL}, environment);
  _exit(127);
}

/* Reads the two lines of smaps_rollup that count. */
static void add_memory(pid_t pid, long *pss, long *rss) {
  char path[64], line[256];
  long value;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "Rss: %ld", &value) == 1) *rss += value;
    if (sscanf(line, "Pss: %ld", &value) == 1) {
      *pss += value;
      break;
    }
  }
  if (file != NULL) fclose(file);
}

/* All processes of our process group but ourselves, now. */
static void sample(long *most_pss, long *most_rss) {
  long pss = 0, rss = 0;
  DIR *processes = opendir("/proc");
  for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && pid != getpid() && getpgid(pid) == getpgrp()) add_memory(pid, &pss, &rss);
  }
  if (processes != NULL) closedir(processes);
  if (pss > *most_pss) *most_pss = pss;
  if (rss > *most_rss) *most_rss = rss;
}

static void note_end(int count, pid_t pid, int status, long start) {
  for (int i = 0; i < count; i++) {
    if (jobs[i].pid != pid) continue;
    jobs[i].us = (now_ns() - start) / 1000;
    jobs[i].status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

static void wait_for_all(int count, int is_sampling, long start, long *pss, long *rss) {
  for (int left = count; left > 0;) {
    int status;
    pid_t pid = waitpid(-1, &status, is_sampling ? WNOHANG : 0);
    if (pid < 0) fail("waitpid");
    if (pid == 0) sample(pss, rss);
    else note_end(count, pid, status, start), left--;
  }
}

int main(int argc, char **argv) {
  int count = argc < 5 ? 0 : atoi(argv[3]), ready[2], gate[2];
  if (count < 1 || count > MOST_JOBS) return 2;
  enter_netns(argv[1]);
  setpgid(0, 0);
  if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0) fail("pipe");
  for (int i = 0; i < count; i++) {
    jobs[i].pid = fork();
    if (jobs[i].pid < 0) fail("fork");
    if (jobs[i].pid > 0) continue;
    close(gate[1]);
    stand_ready(argv[2], i, argv[4], ready[1], gate[0]);
  }
  char byte;
  for (int i = 0; i < count; i++)
    if (read(ready[0], &byte, 1) != 1) fail("a job that is not ready");
  long pss = 0, rss = 0, start = now_ns();
  close(gate[1]);
  wait_for_all(count, argc > 5, start, &pss, &rss);
  long end = now_ns();
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  printf("%ld %ld %ld %ld\n", (end - start) / 1000, cpu_us(&usage), pss, rss);
  for (int i = 0; i < count; i++) printf("%ld %d\n", jobs[i].us, jobs[i].status);
  return 0;
}
