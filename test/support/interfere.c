// Runs a program, and makes system calls of it fail.
//
//   interfere refuse-netfilter COMMAND [ARGUMENT...]
//       socket(2) refuses NETLINK_NETFILTER, as a kernel without netfilter netlink does (EPROTONOSUPPORT).
//   interfere kill-before N COMMAND [ARGUMENT...]
//       SIGKILL arrives when the program is about to make its Nth system call, counted from 1 after execve.
//       The exit status is 137 then, as in a shell. A program that makes fewer calls ends as it would by itself.
//       Standard error names the call by its number, "interfere: system call 257", here and below.
//   interfere fail-at N ERRNO COMMAND [ARGUMENT...]
//       The program's Nth system call is not made, and returns ERRNO, a number. (close(2) is made: it closes the
//       descriptor even where it fails.) Standard error is empty where the program makes fewer calls.
//   interfere shorten-at N COMMAND [ARGUMENT...]
//       The program's Nth system call writes half of the bytes, or reads five at most.
//   interfere list COMMAND [ARGUMENT...]
//       Nothing fails. Standard error names all calls in the end, "interfere: system calls 59 12 257 0".

#include <elf.h>
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
#include <sys/uio.h>
#include <sys/user.h>
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

// The low half of an argument: socket(2) reads no more of it.
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

// Starts the command, and stops it right after execve. Returns its process id.
static pid_t trace(char **command, int *status) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) fail("ptrace");
    run(command);
  }
  if (waitpid(child, status, 0) < 0) fail("wait");
  if (WIFSTOPPED(*status) && ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) < 0)
    fail("ptrace");
  return child;
}

// At the entry of a system call: its number.
static long number_of(pid_t child) {
#if defined __x86_64__
  return ptrace(PTRACE_PEEKUSER, child, (void *)offsetof(struct user, regs.orig_rax), 0);
#elif defined __aarch64__
  int call;
  struct iovec number = {&call, sizeof call};
  if (ptrace(PTRACE_GETREGSET, child, NT_ARM_SYSTEM_CALL, &number) < 0) fail("ptrace");
  return call;
#endif
}

// At the entry of a system call: prevents the call, unless it is close(2), which closes the descriptor even where it fails.
// Returns the number of the call.
static long skip_call(pid_t child) {
  long skipped = number_of(child);
  if (skipped == SYS_close) return skipped;
#if defined __x86_64__
  if (ptrace(PTRACE_POKEUSER, child, (void *)offsetof(struct user, regs.orig_rax), -1) < 0) fail("ptrace");
#elif defined __aarch64__
  int none = -1;
  struct iovec number = {&none, sizeof none};
  if (ptrace(PTRACE_SETREGSET, child, NT_ARM_SYSTEM_CALL, &number) < 0) fail("ptrace");
#endif
  return skipped;
}

// At the exit of a system call: replaces its result.
static void set_result(pid_t child, long result) {
  struct user_regs_struct registers;
  struct iovec set = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &set) < 0) fail("ptrace");
#if defined __x86_64__
  registers.rax = (unsigned long)result;
#elif defined __aarch64__
  registers.regs[0] = (unsigned long)result;
#endif
  if (ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &set) < 0) fail("ptrace");
}

// At the entry of a read or a write, whose third argument is a number of bytes: makes that half, and of a read, which may ask
// for more than there is, a few.
static void shorten(pid_t child, long call) {
  struct user_regs_struct registers;
  struct iovec set = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &set) < 0) fail("ptrace");
  unsigned long most = call == SYS_read || call == SYS_pread64 ? 5 : ~0UL;
#if defined __x86_64__
  unsigned long half = (registers.rdx + 1) / 2;
  registers.rdx = half < most ? half : most;
#elif defined __aarch64__
  unsigned long half = (registers.regs[2] + 1) / 2;
  registers.regs[2] = half < most ? half : most;
#endif
  if (ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &set) < 0) fail("ptrace");
}

// Runs the command up to its end, or to its next stop at the entry or the exit of a system call.
static void step(pid_t child, int *status, int request) {
  for (int signal = 0; WIFSTOPPED(*status);) {
    if (ptrace(request, child, 0, signal) < 0) fail("ptrace");
    if (waitpid(child, status, 0) < 0) fail("wait");
    if (!WIFSTOPPED(*status) || WSTOPSIG(*status) == (SIGTRAP | 0x80)) return;
    signal = WSTOPSIG(*status);
  }
}

// Runs the command up to the entry of its Nth system call. Returns false where the command ends before.
static int advance(pid_t child, int *status, long count) {
  while (WIFSTOPPED(*status)) {
    step(child, status, PTRACE_SYSCALL);
    if (WIFSTOPPED(*status) && is_entry(child) && --count == 0) return 1;
  }
  return 0;
}

static void end(pid_t child, int status) {
  while (WIFSTOPPED(status)) step(child, &status, PTRACE_CONT);
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void tell(long call) {
  fprintf(stderr, "interfere: system call %ld\n", call);
}

static void fail_at(long count, int error, char **command) {
  int status;
  pid_t child = trace(command, &status);
  if (advance(child, &status, count)) {
    tell(skip_call(child));
    step(child, &status, PTRACE_SYSCALL);
    if (WIFSTOPPED(status)) set_result(child, -error);
  }
  end(child, status);
}

static void shorten_at(long count, char **command) {
  int status;
  pid_t child = trace(command, &status);
  if (advance(child, &status, count)) {
    long call = number_of(child);
    tell(call);
    shorten(child, call);
  }
  end(child, status);
}

static void kill_before(long count, char **command) {
  int status;
  pid_t child = trace(command, &status);
  if (advance(child, &status, count)) {
    tell(number_of(child));
    kill(child, SIGKILL);
    if (waitpid(child, &status, 0) < 0) fail("wait");
  }
  // The caller may still be writing to our standard input, and must not get EPIPE because the program died first.
  char rest[4096];
  while (read(0, rest, sizeof rest) > 0) {}
  end(child, status);
}

static void list(char **command) {
  static long calls[65536];
  size_t count = 0;
  int status;
  pid_t child = trace(command, &status);
  while (count < sizeof calls / sizeof *calls && advance(child, &status, 1)) calls[count++] = number_of(child);
  fprintf(stderr, "interfere: system calls");
  for (size_t i = 0; i < count; i++) fprintf(stderr, " %ld", calls[i]);
  fprintf(stderr, "\n");
  end(child, status);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "refuse-netfilter") == 0) refuse_netfilter(argv + 2);
  if (argc > 3 && strcmp(argv[1], "kill-before") == 0) kill_before(atol(argv[2]), argv + 3);
  if (argc > 4 && strcmp(argv[1], "fail-at") == 0) fail_at(atol(argv[2]), atoi(argv[3]), argv + 4);
  if (argc > 3 && strcmp(argv[1], "shorten-at") == 0) shorten_at(atol(argv[2]), argv + 3);
  if (argc > 2 && strcmp(argv[1], "list") == 0) list(argv + 2);
  fprintf(stderr, "usage: interfere refuse-netfilter|kill-before N|fail-at N ERRNO|shorten-at N|list COMMAND [ARGUMENT...]\n");
  return 2;
}
