/* flows NODE CONTAINER ADDRESS COUNT: from the namespace CONTAINER opens COUNT new UDP flows to ADDRESS (IPv4 or IPv6),
 * one datagram each, and prints the microseconds that a flow took: the mean, the median, and what 99 % stay under.
 * Forwarding and translation happen inside the send, in the soft interrupt that follows it on the same processor. What
 * conntrack knows in NODE is forgotten first, so that every run begins alike. */
#include "measuring.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define PORTS 64000

/* Like `conntrack --flush`. */
static void forget_flows(void) {
  struct {
    struct nlmsghdr header;
    struct nfgenmsg family;
  } request = {.header = {sizeof request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK,
                          1, 0}};
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
  } answer;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) fail("conntrack");
  if (answer.error.error != 0) fprintf(stderr, "conntrack: %s\n", strerror(-answer.error.error));
  close(fd);
}

static int longer(const void *a, const void *b) {
  long left = *(const long *)a, right = *(const long *)b;
  return (left > right) - (left < right);
}

/* Notes the nanoseconds of each flow. */
static void open_flows(const char *address, long *times, int count) {
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  int is4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
  if (!is4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) exit(2);
  struct sockaddr *to = is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  socklen_t length = is4 ? sizeof v4 : sizeof v6;
  int fd = -1;
  long before = now_ns();
  for (int i = 0; i < count; i++) {
    if (i % PORTS == 0) {
      if (fd >= 0) close(fd);
      fd = socket(to->sa_family, SOCK_DGRAM, 0); /* another source port: new flows again */
      before = now_ns();
    }
    in_port_t port = htons(1024 + i % PORTS);
    if (is4) v4.sin_port = port;
    else v6.sin6_port = port;
    if (sendto(fd, "x", 1, 0, to, length) != 1) fail("sendto");
    long after = now_ns();
    times[i] = after - before;
    before = after;
  }
}

int main(int argc, char **argv) {
  int count = argc != 5 ? 0 : atoi(argv[4]);
  if (count < 1) return 2;
  long *times = calloc((size_t)count, sizeof *times), sum = 0;
  enter_netns(argv[1]);
  forget_flows();
  enter_netns(argv[2]);
  open_flows(argv[3], times, 1); /* the neighbour is known after the first */
  usleep(1000);
  enter_netns(argv[1]);
  forget_flows();
  enter_netns(argv[2]);
  open_flows(argv[3], times, count);
  for (int i = 0; i < count; i++) sum += times[i];
  qsort(times, (size_t)count, sizeof *times, longer);
  printf("%.3f %.3f %.3f\n", (double)sum / count / 1e3, (double)times[count / 2] / 1e3,
         (double)times[(size_t)count * 99 / 100] / 1e3);
  return 0;
}
