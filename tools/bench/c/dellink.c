/* dellink NETNS NAME: in the namespace, what `ip link delete NAME` asks of the kernel and nothing else; prints the nanoseconds from the request
 * to its acknowledgement. */
#include "measuring.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr name;
    char text[IFNAMSIZ];
  } request = {
      .header = {sizeof request, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
      .name = {sizeof request.name + sizeof request.text, IFLA_IFNAME},
  };
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char more[512];
  } answer;
  if (argc != 3 || strlen(argv[2]) >= IFNAMSIZ) return 2;
  strcpy(request.text, argv[2]);
  enter_netns(argv[1]);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  long start = now_ns();
  if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) {
    perror("dellink");
    return 1;
  }
  long end = now_ns();
  if (answer.error.error != 0) {
    fprintf(stderr, "dellink %s: %s\n", argv[2], strerror(-answer.error.error));
    return 1;
  }
  printf("%ld\n", end - start);
  return 0;
}
