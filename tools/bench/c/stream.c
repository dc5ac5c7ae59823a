/* stream SENDER RECEIVER ADDRESS SKIP MEASURE: one stream of TCP (IPv4) between two namespaces: to ADDRESS, which is the
 * sender's, the receiver connects. Passes over the first SKIP milliseconds, in which a burst goes through, and prints how many bytes
 * came in about MEASURE milliseconds, from one arrival to another, and how many nanoseconds these took. Neither end copies what it
 * sends or gets (sendfile, MSG_TRUNC), so that two processors carry more than what is to be measured. */
#include "measuring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHUNK (1 << 20)

static int socket_in(const char *netns) {
  enter_netns(netns);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  return fd;
}

static void send_all(int listener) {
  int zeros = memfd_create("zeros", MFD_CLOEXEC);
  if (zeros < 0 || ftruncate(zeros, CHUNK) < 0) fail("memfd");
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) fail("accept");
  for (off_t offset = 0;; offset %= CHUNK)
    if (sendfile(fd, zeros, &offset, (size_t)(CHUNK - offset)) <= 0) return;
}

static void receive(int fd, long skip_ns, long measure_ns) {
  static char buffer[CHUNK];
  long began = now_ns(), from = 0, bytes = 0;
  for (;;) {
    ssize_t length = recv(fd, buffer, sizeof buffer, MSG_TRUNC);
    if (length <= 0) fail("recv");
    long now = now_ns();
    if (from == 0) {
      if (now - began >= skip_ns) from = now;
      continue;
    }
    bytes += length;
    if (now - from < measure_ns) continue;
    printf("%ld %ld\n", bytes, now - from);
    return;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  if (inet_pton(AF_INET, argv[3], &address.sin_addr) != 1) return 2;
  int listener = socket_in(argv[1]);
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0) fail("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
  pid_t sender = fork();
  if (sender < 0) fail("fork");
  if (sender == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    send_all(listener);
    return 0;
  }
  int fd = socket_in(argv[2]);
  if (connect(fd, (struct sockaddr *)&address, length) < 0) fail("connect");
  receive(fd, atol(argv[4]) * 1000000L, atol(argv[5]) * 1000000L);
  close(fd);
  kill(sender, SIGKILL);
  waitpid(sender, NULL, 0);
  return 0;
}
