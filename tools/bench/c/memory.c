/* memory NETNS STDIN STDOUT COMMAND [ARGUMENT...]: runs the command once in the namespace and prints a line for each process,
 * the command's own first: the largest resident size in KiB that it had, and its program. A process is stopped as it ends (ptrace),
 * when the kernel still knows its VmHWM: what getrusage() tells is one figure for all, and counts what a child had of its
 * parent before exec. Takes longer than the command alone, so it measures no time. Its status is the command's. */
#include "measuring.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define MOST 256

struct process {
  pid_t pid;
  long kib;
  char program[NAME_MAX + 1];
};

static struct process processes[MOST];
static int known;

static struct process *process_of(pid_t pid) {
  for (int i = 0; i < known; i++)
    if (processes[i].pid == pid) return &processes[i];
  if (known == MOST) exit(3);
  processes[known].pid = pid;
  return &processes[known++];
}

/* Notes the memory of the process that a thread belongs to. */
static void note(pid_t thread) {
  char path[64], line[256], program[PATH_MAX];
  long tgid = 0, kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  FILE *status = fopen(path, "r");
  if (status == NULL) fail(path);
  while (fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "Tgid: %ld", &tgid) == 1) continue;
    if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
  }
  fclose(status);
  struct process *process = process_of((pid_t)tgid);
  if (kib > process->kib) process->kib = kib;
  snprintf(path, sizeof path, "/proc/%d/exe", thread);
  ssize_t length = readlink(path, program, sizeof program - 1);
  if (length < 0) return;
  program[length] = '\0';
  snprintf(process->program, sizeof process->program, "%s", basename(program));
}

static pid_t start(char **argv) {
  pid_t child = fork();
  if (child != 0) return child;
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) _exit(127);
  raise(SIGSTOP);
  redirect(argv[2], O_RDONLY, 0);
  redirect(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 1);
  execv(argv[4], argv + 4);
  _exit(127);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  enter_netns(argv[1]);
  pid_t child = start(argv);
  int status, result = 127;
  if (child < 0 || waitpid(child, &status, 0) < 0) fail("fork");
  long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  if (ptrace(PTRACE_SETOPTIONS, child, NULL, options) < 0) fail("ptrace");
  process_of(child);
  if (ptrace(PTRACE_CONT, child, NULL, NULL) < 0) fail("ptrace");
  for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) {
      if (pid == child) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    int signal = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) note(pid);
    /* A new process begins with SIGSTOP, and events and an exec are a SIGTRAP: those are ours. */
    long passed = signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
    if (ptrace(PTRACE_CONT, pid, NULL, passed) < 0 && errno != ESRCH) fail("ptrace");
  }
  for (int i = 0; i < known; i++) printf("%ld %s\n", processes[i].kib, processes[i].program);
  return result;
}
