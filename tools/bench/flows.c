/* flows ADDRESS COUNT: opens COUNT new UDP flows to ADDRESS (IPv4 or IPv6), one datagram each, and prints the
 * microseconds that a flow took. Forwarding and translation happen inside the send, in the soft interrupt that follows
 * it on the same processor. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  int is4 = inet_pton(AF_INET, argv[1], &v4.sin_addr) == 1;
  if (!is4 && inet_pton(AF_INET6, argv[1], &v6.sin6_addr) != 1) return 2;
  struct sockaddr *to = is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  socklen_t length = is4 ? sizeof v4 : sizeof v6;
  int count = atoi(argv[2]);
  int fd = socket(to->sa_family, SOCK_DGRAM, 0);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 0; i < count; i++) {
    in_port_t port = htons(1024 + i % 64000);
    if (is4) v4.sin_port = port;
    else v6.sin6_port = port;
    if (sendto(fd, "x", 1, 0, to, length) != 1) {
      perror("sendto");
      return 1;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.3f\n", ((end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3) / count);
  return 0;
}
