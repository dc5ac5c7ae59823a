/* record NETNS STDIN STDOUT COMMAND [ARGUMENT...]: runs the command in the namespace and writes down, in STDOUT.calls, the system calls with which it asks the
 * kernel for work: all but those that start and end a process, move its memory or talk to the runtime (descriptors 0 to
 * 2). Fails when there is a call that it does not know how to write down, or more than one process. */
#include "measuring.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "recording.h"

/* What an argument is. At the most this many bytes are read of a path. */
#define PATH_BYTES 4096
enum kind {
  PLAIN,      /* a number, or a pointer that was NULL */
  PATH,       /* text that ends with NUL */
  FIXED,      /* a buffer of `size` bytes */
  SIZED_NEXT, /* a buffer; the argument after it is its length */
};
struct argument {
  enum kind kind;
  uint32_t size;
};
struct known {
  const char *name;
  long number;
  int descriptor; /* Whether the first argument is a descriptor */
  int answer;     /* the argument that the kernel fills, or -1 */
  struct argument arguments[RECORDING_ARGUMENTS];
};
#define P {PLAIN, 0}
#define T {PATH, 0}
#define N {SIZED_NEXT, 0}
#define F(size) {FIXED, size}
#define CALL(name, ...) {#name, SYS_##name, __VA_ARGS__}

static const struct known known[] = {
    CALL(read, 1, 1, {P, N}),
    CALL(write, 1, -1, {P, N}),
    CALL(openat, 0, -1, {P, T}),
    CALL(close, 1, -1, {P}),
    CALL(statx, 0, 4, {P, T, P, P, F(256)}),
    CALL(ioctl, 1, -1, {P, P, P}),
    CALL(fcntl, 1, -1, {P, P, P}),
    CALL(lseek, 1, -1, {P, P, P}),
    CALL(pread64, 1, 1, {P, N}),
    CALL(pwrite64, 1, -1, {P, N}),
    CALL(socket, 0, -1, {P}),
    CALL(setsockopt, 1, -1, {P, P, P, N}),
    CALL(bind, 1, -1, {P, N}),
    CALL(connect, 1, -1, {P, N}),
    CALL(sendto, 1, -1, {P, N, P, P, N}),
    CALL(recvfrom, 1, 1, {P, N, P, P, F(128), F(4)}),
    CALL(flock, 1, -1, {P}),
    CALL(getdents64, 1, 1, {P, N}),
    CALL(linkat, 0, -1, {P, T, P, T}),
    CALL(symlinkat, 0, -1, {T, P, T}),
    CALL(unlinkat, 0, -1, {P, T}),
    CALL(renameat, 0, -1, {P, T, P, T}),
    CALL(renameat2, 0, -1, {P, T, P, T}),
    CALL(mkdirat, 0, -1, {P, T}),
    CALL(readlinkat, 0, 2, {P, T, N}),
    CALL(fchmod, 1, -1, {P}),
    CALL(fchmodat, 0, -1, {P, T}),
    CALL(fchown, 1, -1, {P}),
    CALL(fsync, 1, -1, {P}),
    CALL(fdatasync, 1, -1, {P}),
    CALL(ftruncate, 1, -1, {P}),
    CALL(fallocate, 1, -1, {P}),
    CALL(faccessat, 0, -1, {P, T}),
    CALL(getrandom, 0, 0, {N}),
    CALL(setns, 1, -1, {P}),
    CALL(unshare, 0, -1, {P}),
    CALL(umask, 0, -1, {P}),
    CALL(ppoll, 0, -1, {F(64), P, F(16), P}),
    CALL(getsockname, 1, 1, {P, F(128), F(4)}),
    CALL(getsockopt, 1, 3, {P, P, P, F(64), F(4)}),
    CALL(shutdown, 1, -1, {P}),
    CALL(utimensat, 0, -1, {P, T, F(32)}),
    CALL(getcwd, 0, 0, {N}),
};
static const long left_out[] = {
    SYS_execve,  SYS_exit_group,     SYS_exit,           SYS_brk,           SYS_mmap,          SYS_munmap,
    SYS_mremap,  SYS_mprotect,       SYS_madvise,        SYS_rt_sigaction,  SYS_rt_sigprocmask, SYS_sigaltstack,
    SYS_rseq,    SYS_set_tid_address, SYS_set_robust_list, SYS_prlimit64,    SYS_getpid,        SYS_gettid,
    SYS_geteuid, SYS_getuid,         SYS_getppid,        SYS_clock_gettime, SYS_futex,         SYS_prctl,
    SYS_uname,   SYS_sched_getaffinity,
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
};

static void die(const char *what, long number) {
  fprintf(stderr, "record: %s (%ld): %s\n", what, number, strerror(errno));
  exit(1);
}

static const struct known *find(long number) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].number == number) return &known[i];
  return NULL;
}

static int is_left_out(long number) {
  for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
    if (left_out[i] == number) return 1;
  return 0;
}

/* Reads as much of the other process as there is, up to `length` bytes. */
static size_t peek(pid_t pid, uint64_t address, void *to, size_t length) {
  struct iovec local = {to, length}, remote = {(void *)address, length};
  ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  return count < 0 ? 0 : (size_t)count;
}

static uint32_t length_of(pid_t pid, const struct known *call, const uint64_t *arguments, int i) {
  char path[PATH_BYTES];
  if (call->arguments[i].kind == PLAIN || arguments[i] == 0) return RECORDING_PLAIN;
  if (call->arguments[i].kind == FIXED) return call->arguments[i].size;
  if (call->arguments[i].kind == SIZED_NEXT) return (uint32_t)arguments[i + 1];
  /* A path may end just before a page that is not there. */
  size_t there = peek(pid, arguments[i], path, 4096 - arguments[i] % 4096);
  size_t length = strnlen(path, there);
  if (length == there) there += peek(pid, arguments[i] + there, path + there, sizeof path - there);
  length = strnlen(path, there);
  if (length == there) die("a path without an end", call->number);
  return (uint32_t)length + 1;
}

/* Notes what the call is given, into `pending` and memory that the caller writes out. */
static char *enter(pid_t pid, const struct known *call, const struct __ptrace_syscall_info *info,
                   struct recorded_call *pending, size_t *total) {
  char *bytes = NULL;
  memset(pending, 0, sizeof *pending);
  strncpy(pending->name, call->name, RECORDING_NAME - 1);
  pending->number = call->number;
  pending->answer = call->answer;
  memcpy(pending->arguments, info->entry.args, sizeof pending->arguments);
  *total = 0;
  for (int i = 0; i < RECORDING_ARGUMENTS; i++) {
    uint32_t length = pending->lengths[i] = length_of(pid, call, pending->arguments, i);
    if (length == RECORDING_PLAIN) continue;
    bytes = realloc(bytes, *total + length);
    if (bytes == NULL && length > 0) die("memory", 0);
    memset(bytes + *total, 0, length);
    peek(pid, pending->arguments[i], bytes + *total, length);
    *total += length;
  }
  return bytes;
}

static void leave(pid_t pid, FILE *file, struct recorded_call *pending, char *bytes, size_t total, int64_t result) {
  pending->result = result;
  int64_t most = pending->answer < 0 ? 0 : (int64_t)pending->lengths[pending->answer];
  if (pending->answer >= 0 && pending->lengths[pending->answer] == RECORDING_PLAIN) most = 0;
  int64_t length = result < 0 ? 0 : result == 0 && pending->number == SYS_statx ? most : result;
  pending->answer_length = (uint32_t)(length > most ? most : length);
  char *answer = malloc(pending->answer_length + 1);
  if (pending->answer_length > 0) peek(pid, pending->arguments[pending->answer], answer, pending->answer_length);
  fwrite(pending, sizeof *pending, 1, file);
  fwrite(bytes, 1, total, file);
  fwrite(answer, 1, pending->answer_length, file);
  free(answer);
}

/* Follows the process to its end; returns its wait status. */
static int follow(pid_t pid, FILE *file) {
  struct recorded_call pending;
  char *bytes = NULL;
  size_t total = 0;
  int status, is_pending = 0;
  for (;;) {
    if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0) die("ptrace", pid);
    if (waitpid(pid, &status, 0) < 0) die("waitpid", pid);
    if (WIFEXITED(status) || WIFSIGNALED(status)) return status;
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) die("no PTRACE_GET_SYSCALL_INFO", pid);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      long number = (long)info.entry.nr;
      const struct known *call = find(number);
      if (call == NULL && !is_left_out(number)) die("a system call that is not in the table", number);
      is_pending = call != NULL && !(call->descriptor && info.entry.args[0] <= 2);
      if (is_pending) bytes = enter(pid, call, &info, &pending, &total);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && is_pending) {
      leave(pid, file, &pending, bytes, total, info.exit.rval);
      free(bytes);
      bytes = NULL;
      is_pending = 0;
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  enter_netns(argv[1]);
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s.calls", argv[3]);
  FILE *file = fopen(path, "we");
  if (file == NULL) die(path, 0);
  pid_t pid = fork();
  if (pid == 0) {
    redirect(argv[2], O_RDONLY, 0);
    redirect(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 1);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execv(argv[4], argv + 4);
    _exit(127);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) < 0) die("fork", 0);
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  status = follow(pid, file);
  if (fclose(file) != 0) die(path, 0);
  printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
