/* memory NETNS STDIN STDOUT COMMAND [ARGUMENT...]: runs the command once, stops it and each of its children at its very
 * end, before its memory is given back, and prints in KiB: the most that all of them that lived at such a moment had
 * together, proportional and resident; the largest peak of one of them; the sum of the peaks of all; then the number of
 * processes, and the exit status. */
#include "measuring.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define MOST_PROCESSES 256
#define OPTIONS                                                                                                      \
  (PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |       \
   PTRACE_O_TRACEEXIT)

struct process {
  pid_t pid; /* of the thread group */
  int is_alive;
  long peak;
};
static struct process processes[MOST_PROCESSES];
static int process_count;
static long most_pss, most_rss;

/* The number after `key` in a file of /proc, or -1. */
static long figure(pid_t pid, const char *name, const char *key) {
  char path[64], line[256];
  long value = -1;
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) != 0) continue;
    value = atol(line + strlen(key));
    break;
  }
  if (file != NULL) fclose(file);
  return value;
}

static struct process *process_of(pid_t thread) {
  pid_t pid = (pid_t)figure(thread, "status", "Tgid:");
  if (pid < 0) return NULL;
  for (int i = 0; i < process_count; i++)
    if (processes[i].pid == pid) return &processes[i];
  if (process_count == MOST_PROCESSES) return NULL;
  processes[process_count] = (struct process){.pid = pid, .is_alive = 1};
  return &processes[process_count++];
}

/* What all processes have now. A child of vfork shares its parent's memory until it executes; proportional sizes know. */
static void look(void) {
  long pss = 0, rss = 0;
  for (int i = 0; i < process_count; i++) {
    if (!processes[i].is_alive) continue;
    long own_pss = figure(processes[i].pid, "smaps_rollup", "Pss:"), peak = figure(processes[i].pid, "status", "VmHWM:");
    if (peak > processes[i].peak) processes[i].peak = peak;
    if (own_pss < 0) continue;
    pss += own_pss;
    rss += figure(processes[i].pid, "smaps_rollup", "Rss:");
  }
  if (pss > most_pss) most_pss = pss;
  if (rss > most_rss) most_rss = rss;
}

/* Goes on from one stop to the next until nothing is left; returns the first process's wait status. */
static int follow(pid_t first) {
  int status, first_status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) {
      if (pid == first) first_status = status;
      for (int i = 0; i < process_count; i++)
        if (processes[i].pid == pid) processes[i].is_alive = 0;
      continue;
    }
    int event = status >> 16, signal = WSTOPSIG(status);
    struct process *process = process_of(pid);
    if (event == PTRACE_EVENT_EXIT && process != NULL) look();
    /* The stops of ptrace itself, and the first of a new thread, are no signals for the process. */
    int is_ours = event != 0 || signal == SIGTRAP || signal == SIGSTOP;
    ptrace(PTRACE_CONT, pid, 0, is_ours ? 0 : signal);
  }
  return first_status;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  enter_netns(argv[1]);
  pid_t pid = fork();
  if (pid == 0) {
    redirect(argv[2], O_RDONLY, 0);
    redirect(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 1);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[4], argv + 4);
    _exit(127);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) < 0) fail("fork");
  process_of(pid);
  if (ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) < 0) fail("ptrace");
  ptrace(PTRACE_CONT, pid, 0, 0);
  status = follow(pid);
  long largest = 0, sum = 0;
  for (int i = 0; i < process_count; i++) {
    if (processes[i].peak > largest) largest = processes[i].peak;
    sum += processes[i].peak;
  }
  printf("%ld %ld %ld %ld %d %d\n", most_pss, most_rss, largest, sum, process_count,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
