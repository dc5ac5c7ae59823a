// leave-chroot COMMAND [ARGUMENT...]: runs a command in a mount namespace of its own whose root is this process's root directory.
//
// In a chroot the kernel makes no user namespaces (kernel/user_namespace.c, current_chrooted). The namespace's own root becomes
// what is the root here, and everything else is unmounted. The root directory of a chroot must be a mount point.

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void check(int result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "leave-chroot: %s: %s\n", what, strerror(errno));
  exit(126);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  check(unshare(CLONE_NEWNS), "make a mount namespace");
  check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "keep mounts private");
  int own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  check(own, "open the root directory");
  int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  check(cwd, "open the working directory");
  int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  check(ns, "open the mount namespace");
  // A process that enters a mount namespace, even its own, gets the root of that namespace.
  check(setns(ns, CLONE_NEWNS), "go to the root of the mount namespace");
  struct stat here, there;
  check(fstat(own, &here), "look at the root directory");
  check(stat("/", &there), "look at the root of the mount namespace");
  if (here.st_dev != there.st_dev || here.st_ino != there.st_ino) {
    check(fchdir(own), "go back");
    check(syscall(SYS_pivot_root, ".", "."), "make it the root of the mount namespace");
    check(umount2(".", MNT_DETACH), "unmount everything else");
    check(chroot("."), "change the root directory");
  }
  check(fchdir(cwd), "go to the working directory");
  execvp(argv[1], argv + 1);
  check(-1, argv[1]);
}
