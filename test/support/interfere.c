// Runs a program in a world that is against it.
//
//   interfere refuse-netfilter COMMAND [ARGUMENT...]
//       socket(2) refuses NETLINK_NETFILTER, as a kernel without netfilter netlink does (EPROTONOSUPPORT).
//   interfere kill-before N COMMAND [ARGUMENT...]
//       SIGKILL arrives when the program is about to make its Nth system call, counted from 1 after execve.
//       Exit status 137 then, as in a shell; otherwise that of the program, which has made fewer.

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "interfere: %s: %s\n", what, strerror(errno));
  exit(126);
}

static void run(char **command) {
  execvp(command[0], command);
  fail(command[0]);
}

// The low half of an argument: what socket(2) looks at.
#define ARGUMENT(n) (offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))
#define UNLESS(offset, value, skip) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)

static void refuse_netfilter(char **command) {
  struct sock_filter code[] = {
      UNLESS(offsetof(struct seccomp_data, nr), SYS_socket, 5),
      UNLESS(ARGUMENT(0), AF_NETLINK, 3),
      UNLESS(ARGUMENT(2), NETLINK_NETFILTER, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) fail("seccomp");
  run(command);
}

static int is_entry(pid_t child) {
  struct __ptrace_syscall_info info = {0};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) < 0) return 0;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static void kill_before(long count, char **command) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) fail("ptrace");
    run(command);
  }
  int status;
  if (waitpid(child, &status, 0) < 0) fail("wait");  // stopped by its execve
  if (WIFSTOPPED(status) && ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) < 0)
    fail("ptrace");
  for (int signal = 0; WIFSTOPPED(status);) {
    if (count > 0 && ptrace(PTRACE_SYSCALL, child, 0, signal) < 0) fail("ptrace");
    if (waitpid(child, &status, 0) < 0) fail("wait");
    signal = 0;
    if (!WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) signal = WSTOPSIG(status);
    else if (is_entry(child) && --count == 0) kill(child, SIGKILL);
  }
  // Whoever writes to standard input is not to fail (EPIPE) because the program died first.
  char rest[4096];
  while (read(0, rest, sizeof rest) > 0) {}
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "refuse-netfilter") == 0) refuse_netfilter(argv + 2);
  if (argc > 3 && strcmp(argv[1], "kill-before") == 0) kill_before(atol(argv[2]), argv + 3);
  fprintf(stderr, "usage: interfere refuse-netfilter|kill-before N COMMAND [ARGUMENT...]\n");
  return 2;
}
