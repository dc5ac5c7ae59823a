/* flows NODE SENDER ADDRESS COUNT [PORT]: from the namespace SENDER opens COUNT new UDP flows to ADDRESS (IPv4 or IPv6),
 * one datagram each, and prints the microseconds that a flow took: the mean, the median, and what 99 % stay under. The flows
 * go to one port after the other; with PORT all of them go there, each from a port of its own.
 * Forwarding and translation happen inside the send, in the soft interrupt that follows it on the same processor. What
 * conntrack knows in NODE is forgotten first, so that every run begins alike. */
#include "measuring.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define PORTS 64000
/* Sockets that are open at once where each flow needs one of its own. */
#define AT_ONCE 900

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

struct target {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  socklen_t length;
};

static struct target target_of(const char *address, int port) {
  struct target to = {.address.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}, .length = sizeof to.address.v4};
  if (inet_pton(AF_INET, address, &to.address.v4.sin_addr) == 1) return to;
  to = (struct target){.address.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)},
                       .length = sizeof to.address.v6};
  if (inet_pton(AF_INET6, address, &to.address.v6.sin6_addr) != 1) exit(2);
  return to;
}

/* Notes the nanoseconds of each flow, all to one port. Each socket has a port of its own, so that each flow is a new one. */
static void open_flows_to_port(const char *address, int port, long *times, int count) {
  struct target to = target_of(address, port);
  int fds[AT_ONCE];
  for (int from = 0; from < count; from += AT_ONCE) {
    int here = count - from < AT_ONCE ? count - from : AT_ONCE;
    for (int i = 0; i < here; i++) {
      struct target own = {.address.any.sa_family = to.address.any.sa_family, .length = to.length};
      fds[i] = socket(to.address.any.sa_family, SOCK_DGRAM, 0);
      if (own.address.any.sa_family == AF_INET) own.address.v4.sin_port = htons(1024 + (from + i) % PORTS);
      else own.address.v6.sin6_port = htons(1024 + (from + i) % PORTS);
      if (fds[i] < 0 || bind(fds[i], &own.address.any, own.length) < 0) fail("bind");
    }
    long before = now_ns();
    for (int i = 0; i < here; i++) {
      if (sendto(fds[i], "x", 1, 0, &to.address.any, to.length) != 1) fail("sendto");
      long after = now_ns();
      times[from + i] = after - before;
      before = after;
    }
    for (int i = 0; i < here; i++) close(fds[i]);
  }
}

/* Notes the nanoseconds of each flow. */
static void open_flows(const char *address, int port, long *times, int count) {
  if (port != 0) {
    open_flows_to_port(address, port, times, count);
    return;
  }
  struct target to = target_of(address, 0);
  int fd = -1;
  long before = now_ns();
  for (int i = 0; i < count; i++) {
    if (i % PORTS == 0) {
      if (fd >= 0) close(fd);
      fd = socket(to.address.any.sa_family, SOCK_DGRAM, 0); /* another source port: new flows again */
      before = now_ns();
    }
    in_port_t other = htons(1024 + i % PORTS);
    if (to.address.any.sa_family == AF_INET) to.address.v4.sin_port = other;
    else to.address.v6.sin6_port = other;
    if (sendto(fd, "x", 1, 0, &to.address.any, to.length) != 1) fail("sendto");
    long after = now_ns();
    times[i] = after - before;
    before = after;
  }
}

int main(int argc, char **argv) {
  int count = argc < 5 || argc > 6 ? 0 : atoi(argv[4]), port = argc == 6 ? atoi(argv[5]) : 0;
  if (count < 1 || port < 0) return 2;
  long *times = calloc((size_t)count, sizeof *times), sum = 0;
  enter_netns(argv[1]);
  forget_flows();
  enter_netns(argv[2]);
  open_flows(argv[3], port, times, 1); /* the neighbour is known after the first */
  usleep(1000);
  enter_netns(argv[1]);
  forget_flows();
  enter_netns(argv[2]);
  open_flows(argv[3], port, times, count);
  for (int i = 0; i < count; i++) sum += times[i];
  qsort(times, (size_t)count, sizeof *times, longer);
  printf("%.3f %.3f %.3f\n", (double)sum / count / 1e3, (double)times[count / 2] / 1e3,
         (double)times[(size_t)count * 99 / 100] / 1e3);
  return 0;
}
