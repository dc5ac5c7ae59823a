// System calls and child processes; see host.h.
#include "host.h"
#include "training.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436  // Linux 5.9; the same number on every machine
#endif

long bauta_syscall(long number, const long a[BAUTA_SYSCALL_ARGUMENTS]) {
#ifdef BAUTA_TRAINING
  bauta_look_away(a);
#endif
  long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result == -1) result = -errno;
#ifdef BAUTA_TRAINING
  bauta_look_again();
#endif
  return result;
}

// A pipe whose ends are above 2: dup2 onto the child's 0 and 1 must not run over an end that is still needed, which
// could happen where this process was started with closed standard descriptors.
static int open_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  for (int i = 0; i < 2; i++) {
    if (ends[i] > 2) continue;
    int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
    if (moved < 0) {
      int error = errno;
      close(ends[0]);
      close(ends[1]);
      return -error;
    }
    close(ends[i]);
    ends[i] = moved;
  }
  return 0;
}

// One end of each pipe to the child; -1 where there is none, or no more.
struct ends {
  int in, out, error;
};

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void shut_all(struct ends *ends) {
  shut(&ends->in);
  shut(&ends->out);
  shut(&ends->error);
}

// Returns 0, or a negated errno. Either way the caller shuts the ends that are open.
static int open_pipes(const struct bauta_child *child, struct ends *ours, struct ends *theirs) {
  int ends[2];
  int failed = open_pipe(ends);
  if (failed < 0) return failed;
  theirs->in = ends[0];
  ours->in = ends[1];
  failed = open_pipe(ends);
  if (failed < 0) return failed;
  ours->out = ends[0];
  theirs->out = ends[1];
  if (child->error_limit < 0) return 0;
  failed = open_pipe(ends);
  if (failed < 0) return failed;
  ours->error = ends[0];
  theirs->error = ends[1];
  return 0;
}

// The child. It borrows its parent's memory until execve, so it must neither allocate nor lock.
static void become(const struct bauta_child *child, const struct ends *ends, const sigset_t *mask,
                   volatile int *error) {
  // A handler must never run on the parent's memory once signals are let in again. An ignored signal stays ignored across
  // execve, as nohup(1) wants it, but for SIGPIPE and SIGXFSZ: quickjs.c ignores them.
  const struct sigaction standard = {.sa_handler = SIG_DFL};
  struct sigaction present;
  for (int number = 1; number < NSIG; number++) {
    if (sigaction(number, NULL, &present) < 0 || present.sa_handler == SIG_DFL) continue;
    bool is_ours = number == SIGPIPE || number == SIGXFSZ;
    if (present.sa_handler != SIG_IGN || is_ours) sigaction(number, &standard, NULL);
  }
  sigprocmask(SIG_SETMASK, mask, NULL);
  if (child->timeout > 0) setpgid(0, 0);
  if (dup2(ends->in, 0) < 0 || dup2(ends->out, 1) < 0 || (ends->error >= 0 && dup2(ends->error, 2) < 0)) {
    *error = errno;
    _exit(127);
  }
  fcntl(2, F_SETFD, 0);  // Node has made its own close-on-exec
  if (syscall(SYS_close_range, 3, ~0U, 0) < 0) {
    long last = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < last; fd++) close(fd);
  }
  execve(child->path, child->argv, child->environment);
  *error = errno;
  _exit(127);
}

// With vfork the parent stands still until the child has executed or failed: `error` needs no pipe, and the cost does not
// grow with the parent's memory.
__attribute__((noinline)) static pid_t start(const struct bauta_child *child, const struct ends *ends, volatile int *error) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) become(child, ends, &before, error);
  if (pid < 0) *error = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  return pid;
}

// Reads the output that is there. Returns 1 to go on, 0 at the end, or a negated errno.
static int take_output(struct bauta_child *child, int fd, size_t *capacity) {
  if (child->output_length == *capacity) {
    size_t larger = *capacity == 0 ? 16384 : *capacity * 2;
    uint8_t *moved = realloc(child->output, larger);
    if (moved == NULL) return -ENOMEM;
    child->output = moved;
    *capacity = larger;
  }
  ssize_t count = read(fd, child->output + child->output_length, *capacity - child->output_length);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 1 : -errno;
  child->output_length += (size_t)count;
  if (child->output_length > child->output_limit) return -EMSGSIZE;
  return count > 0;
}

// Writes as much as the pipe takes. Returns the number of bytes written, or -1 when there is no more to do. A child may stop
// reading (EPIPE): its status tells whether it had what it needed.
static ssize_t give_input(const struct bauta_child *child, int fd, size_t from) {
  if (from == child->input_length) return -1;
  ssize_t count = write(fd, child->input + from, child->input_length - from);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  return count;
}

// Reads standard error as take_output reads the output. It keeps no more than was asked for, and reads the rest all the same: a
// child must not stand still for it.
static int take_error(struct bauta_child *child, int fd) {
  uint8_t dropped[4096];
  size_t room = (size_t)child->error_limit - child->error_length;
  if (room > 0 && child->error == NULL) child->error = malloc((size_t)child->error_limit);
  if (room > 0 && child->error == NULL) return -ENOMEM;
  ssize_t count = read(fd, room > 0 ? child->error + child->error_length : dropped, room > 0 ? room : sizeof dropped);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 1 : -errno;
  if (room > 0) child->error_length += (size_t)count;
  return count > 0;
}

// Closes the end where there is no more. Returns 0, or the negated errno.
static int took(int more, int *fd) {
  if (more == 0) shut(fd);
  return more < 0 ? more : 0;
}

// Milliseconds of the monotonic clock.
static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// What poll(2) may wait for until then; -1 where there is no end.
static int until(int64_t deadline) {
  if (deadline < 0) return -1;
  int64_t left = deadline - now();
  return left < 0 ? 0 : (int)left;
}

// Writes and reads in turn until all output ends. Closes the ends.
static int converse(struct bauta_child *child, struct ends *ends, int64_t deadline) {
  size_t written = 0, capacity = 0;
  int failed = 0;
  fcntl(ends->in, F_SETFL, O_NONBLOCK);
  fcntl(ends->out, F_SETFL, O_NONBLOCK);
  if (ends->error >= 0) fcntl(ends->error, F_SETFL, O_NONBLOCK);
  while (failed == 0 && (ends->out >= 0 || ends->error >= 0)) {
    if (written == child->input_length) shut(&ends->in);
    struct pollfd ready[3] = {{.fd = ends->out, .events = POLLIN},
                              {.fd = ends->error, .events = POLLIN},
                              {.fd = ends->in, .events = POLLOUT}};
    int count = poll(ready, 3, until(deadline));
    if (count <= 0) {
      failed = count == 0 ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
      continue;
    }
    if (ready[2].revents != 0) {
      ssize_t count = give_input(child, ends->in, written);
      written = count < 0 ? child->input_length : written + (size_t)count;
    }
    if (ready[0].revents != 0) failed = took(take_output(child, ends->out, &capacity), &ends->out);
    if (failed == 0 && ready[1].revents != 0) failed = took(take_error(child, ends->error), &ends->error);
  }
  shut_all(ends);
  return failed;
}

// Waits until the child has ended or the time is over. Kernels before 5.3 have no descriptor of a process to wait for;
// there it is over when the output has ended.
static int await(pid_t pid, int64_t deadline) {
  if (deadline < 0) return 0;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return 0;
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  int count;
  do count = poll(&ended, 1, until(deadline));
  while (count < 0 && errno == EINTR);
  close(fd);
  return count == 0 ? -ETIMEDOUT : 0;
}

// Waits for the child's end and notes its status.
static int reap(struct bauta_child *child, pid_t pid) {
  int wait_status;
  while (waitpid(pid, &wait_status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  child->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
  child->signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  return 0;
}

static int run(struct bauta_child *child, struct ends *ours, struct ends *theirs) {
  int failed = open_pipes(child, ours, theirs);
  if (failed < 0) return failed;
  volatile int error = 0;
  pid_t pid = start(child, theirs, &error);
  shut_all(theirs);
  if (error != 0) {
    if (pid > 0) reap(child, pid);
    return -error;
  }
  int64_t deadline = child->timeout > 0 ? now() + child->timeout : -1;
  failed = converse(child, ours, deadline);
  if (failed == 0) failed = await(pid, deadline);
  if (failed < 0) kill(child->timeout > 0 ? -pid : pid, SIGKILL);
  int lost = reap(child, pid);
  return failed < 0 ? failed : lost;
}

int bauta_spawn(struct bauta_child *child) {
  struct ends ours = {-1, -1, -1}, theirs = {-1, -1, -1};
  child->output = child->error = NULL;
  child->output_length = child->error_length = 0;
  int failed = run(child, &ours, &theirs);
  shut_all(&ours);
  shut_all(&theirs);
  if (failed < 0) {
    free(child->output);
    free(child->error);
    child->output = child->error = NULL;
  }
  return failed;
}
