/* What the measuring programs share. */
#ifndef BAUTA_MEASURING_H
#define BAUTA_MEASURING_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Enters a network namespace, as a runtime is in the node's; "-" stays where it is. */
static inline void enter_netns(const char *path) {
  if (strcmp(path, "-") == 0) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) fail(path);
  close(fd);
}

static inline void redirect(const char *path, int flags, int fd) {
  int opened = open(path, flags | O_CLOEXEC, 0600);
  if (opened < 0 || dup2(opened, fd) < 0) _exit(127);
}

/* Processor time in user and kernel together; what kernel threads do for a process is not in it. */
static inline long cpu_us(const struct rusage *usage) {
  return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000L + usage->ru_utime.tv_usec +
         usage->ru_stime.tv_usec;
}

#endif
