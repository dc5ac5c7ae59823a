/* stream OUTSIDE CONTAINER ADDRESS MILLISECONDS: a TCP connection from the namespace CONTAINER to ADDRESS (IPv4 or IPv6),
 * which is one of the namespace OUTSIDE, sends for so long; prints the Gbit/s that arrived. */
#include "measuring.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#define PORT 5001
#define CHUNK (256 * 1024)

static const char *outside;
static int family;
static int listening[2]; /* a pipe: the server says when it is ready */
static double gigabits;

/* Enters a namespace, which is each thread's own matter. */
static void *serve(void *unused) {
  (void)unused;
  static char buffer[CHUNK];
  enter_netns(outside);
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int bound = family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof v4)
                                : bind(fd, (struct sockaddr *)&v6, sizeof v6);
  if (bound < 0 || listen(fd, 1) < 0 || write(listening[1], "", 1) != 1) fail("listen");
  int connection = accept(fd, NULL, NULL);
  if (connection < 0) fail("accept");
  long start = now_ns(), total = 0;
  for (ssize_t count; (count = read(connection, buffer, sizeof buffer)) > 0;) total += count;
  gigabits = (double)total * 8 / (double)(now_ns() - start);
  return NULL;
}

static void send_for(const char *address, long milliseconds) {
  static char buffer[CHUNK];
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
  int connected = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof v4)
                                    : connect(fd, (struct sockaddr *)&v6, sizeof v6);
  if (connected < 0) fail("connect");
  for (long end = now_ns() + milliseconds * 1000000; now_ns() < end;)
    if (write(fd, buffer, sizeof buffer) < 0) fail("write");
  close(fd);
}

int main(int argc, char **argv) {
  pthread_t server;
  char byte;
  if (argc != 5) return 2;
  outside = argv[1];
  family = strchr(argv[3], ':') == NULL ? AF_INET : AF_INET6;
  alarm(30);
  if (pipe2(listening, O_CLOEXEC) < 0 || pthread_create(&server, NULL, serve, NULL) != 0) fail("thread");
  if (read(listening[0], &byte, 1) != 1) fail("the server");
  enter_netns(argv[2]);
  send_for(argv[3], atol(argv[4]));
  pthread_join(server, NULL);
  printf("%.3f\n", gigabits);
  return 0;
}
