/* replay NETNS RECORDING [DETAILS]: from the namespace, makes the system calls of a recording again, with everything that they need in memory
 * already, and prints the nanoseconds from before the first to after the last; or, with DETAILS, those of each call, one
 * a line, and at last those of closing what was left open. Fails when a call does not end as it did in the recording. The state that the recording began with must be
 * there again. */
#include "measuring.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "recording.h"

#define MOST_CALLS 4096
#define DEADLINE_S 5

struct call {
  const struct recorded_call *recorded;
  const char *answer; /* what the kernel answered when it was recorded */
  long arguments[RECORDING_ARGUMENTS];
  long result;
  long nanoseconds;
};
static struct call calls[MOST_CALLS];
static size_t count;

static char *whole_file(const char *path, size_t *length) {
  struct stat status;
  int fd = open(path, O_RDONLY);
  if (fd < 0 || fstat(fd, &status) < 0) return NULL;
  *length = (size_t)status.st_size;
  char *bytes = mmap(NULL, *length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  size_t done = 0;
  while (done < *length) {
    ssize_t got = read(fd, bytes + done, *length - done);
    if (got <= 0) return NULL;
    done += (size_t)got;
  }
  close(fd); /* the descriptors' numbers must be those of the recording */
  return bytes;
}

static int prepare(char *bytes, size_t length) {
  char *at = bytes;
  while (at < bytes + length) {
    if (count == MOST_CALLS) return -1;
    struct call *call = &calls[count++];
    struct recorded_call *recorded = malloc(sizeof *recorded);
    memcpy(recorded, at, sizeof *recorded); /* what follows is of any length, so this may not be aligned */
    call->recorded = recorded;
    at += sizeof *recorded;
    for (int i = 0; i < RECORDING_ARGUMENTS; i++) {
      call->arguments[i] = (long)recorded->arguments[i];
      if (recorded->lengths[i] == RECORDING_PLAIN) continue;
      char *copy = calloc(1, recorded->lengths[i] + 8);
      memcpy(copy, at, recorded->lengths[i]);
      call->arguments[i] = (long)copy;
      at += recorded->lengths[i];
    }
    char *answer = calloc(1, recorded->answer_length + sizeof(struct nlmsghdr));
    memcpy(answer, at, recorded->answer_length);
    call->answer = answer;
    at += recorded->answer_length;
  }
  return at == bytes + length ? 0 : -1;
}

static volatile size_t present;

/* An answer that was there in the recording may never come. */
static void give_up(int signal) {
  (void)signal;
  fprintf(stderr, "replay: call %zu, %s: no answer\n", present, calls[present].recorded->name);
  _exit(1);
}

/* Links that have another index now than in the recording. */
#define MOST_LINKS 16
static struct {
  int recorded, present;
} links[MOST_LINKS];
static size_t link_count;

/* Where a message has the index of an interface: ifinfomsg, ifaddrmsg and ndmsg at the same place, a route in an
 * attribute. NULL where there is none. */
static int *index_in(struct nlmsghdr *header) {
  int type = header->nlmsg_type;
  if (type >= RTM_NEWROUTE && type <= RTM_GETROUTE) {
    int length = (int)RTM_PAYLOAD(header);
    for (struct rtattr *at = RTM_RTA(NLMSG_DATA(header)); RTA_OK(at, length); at = RTA_NEXT(at, length))
      if (at->rta_type == RTA_OIF) return RTA_DATA(at);
  }
  int has_index = (type >= RTM_NEWLINK && type <= RTM_GETADDR) || (type >= RTM_NEWNEIGH && type <= RTM_GETNEIGH);
  return has_index && header->nlmsg_len >= NLMSG_LENGTH(8) ? (int *)((char *)NLMSG_DATA(header) + 4) : NULL;
}

/* Notes which index a link has now: the kernel answered with it. */
static void learn_index(const struct call *call) {
  struct nlmsghdr *recorded = (struct nlmsghdr *)call->answer, *present = (struct nlmsghdr *)call->arguments[1];
  if (!NLMSG_OK(recorded, call->recorded->answer_length) || call->result <= 0) return;
  if (recorded->nlmsg_type != RTM_NEWLINK || present->nlmsg_type != RTM_NEWLINK || link_count == MOST_LINKS) return;
  int before = *index_in(recorded), now = *index_in(present);
  if (before == now) return;
  links[link_count].recorded = before;
  links[link_count++].present = now;
}

static int present_index(int recorded) {
  for (size_t i = 0; i < link_count; i++)
    if (links[i].recorded == recorded) return links[i].present;
  return recorded;
}

static void put_index(const struct call *call) {
  int left = (int)call->recorded->lengths[1];
  if (link_count == 0) return;
  for (struct nlmsghdr *at = (struct nlmsghdr *)call->arguments[1]; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
    int *index = index_in(at);
    if (index != NULL) *index = present_index(*index);
  }
}

/* The generation of the ruleset that the kernel answered with last; a batch that names another is refused. Both
 * messages have it as their first attribute. */
static struct {
  unsigned recorded, present;
} generation;
#define NEWGEN (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)

static unsigned *generation_in(char *message, long length, int type) {
  struct nlmsghdr header;
  if (length < (long)(sizeof header + 12)) return NULL;
  memcpy(&header, message, sizeof header);
  return header.nlmsg_type == type && header.nlmsg_len >= sizeof header + 12 ? (unsigned *)(message + 24) : NULL;
}

static void learn_generation(const struct call *call) {
  unsigned *recorded = generation_in((char *)call->answer, call->recorded->answer_length, NEWGEN);
  unsigned *present = generation_in((char *)call->arguments[1], call->result, NEWGEN);
  if (recorded == NULL || present == NULL) return;
  generation.recorded = *recorded;
  generation.present = *present;
}

static void put_generation(const struct call *call) {
  unsigned *value = generation_in((char *)call->arguments[1], (long)call->recorded->lengths[1], NFNL_MSG_BATCH_BEGIN);
  if (value != NULL && *value == generation.recorded && generation.recorded != 0) *value = generation.present;
}

/* Before a send and after an answer: puts in what is another in each run. */
static void adapt(const struct call *call, int is_answered) {
  long number = call->recorded->number;
  if (number == SYS_sendto && !is_answered) {
    put_index(call);
    put_generation(call);
  }
  if (number == SYS_recvfrom && is_answered) {
    learn_index(call);
    learn_generation(call);
  }
}

static inline long make(const struct call *call) {
  const long *a = call->arguments;
  long result = syscall(call->recorded->number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return result == -1 ? -errno : result;
}

/* The error that a netlink answer begins with: 1 where it is no NLMSG_ERROR. */
static int netlink_error(const char *answer, long length) {
  struct nlmsghdr header;
  int error;
  if (length < (long)(sizeof header + sizeof error)) return 1;
  memcpy(&header, answer, sizeof header);
  memcpy(&error, answer + sizeof header, sizeof error);
  return header.nlmsg_type == NLMSG_ERROR ? error : 1;
}

/* Descriptors must be the recording's, errors the same; lengths may differ by a counter's digits. */
static int went_as_recorded(const struct call *call) {
  const struct recorded_call *recorded = call->recorded;
  int is_exact = recorded->number == SYS_openat || recorded->number == SYS_socket;
  if (recorded->result < 0 || is_exact) return call->result == recorded->result;
  if (call->result < 0) return 0;
  if (recorded->number != SYS_recvfrom) return 1;
  return netlink_error((const char *)call->arguments[1], call->result) ==
         netlink_error(call->answer, recorded->answer_length);
}

int main(int argc, char **argv) {
  size_t length;
  if (argc < 3) return 2;
  enter_netns(argv[1]);
  char *bytes = whole_file(argv[2], &length);
  if (bytes == NULL || prepare(bytes, length) < 0) {
    fprintf(stderr, "replay: cannot read %s\n", argv[2]);
    return 2;
  }
  int with_details = argc > 3;
  signal(SIGALRM, give_up);
  alarm(DEADLINE_S);
  long start = now_ns(), before = start;
  for (size_t i = 0; i < count; i++) {
    present = i;
    adapt(&calls[i], 0);
    calls[i].result = make(&calls[i]);
    adapt(&calls[i], 1);
    if (!with_details) continue;
    long after = now_ns();
    calls[i].nanoseconds = after - before;
    before = after;
  }
  syscall(SYS_close_range, 3, ~0U, 0); /* what the process left to its end */
  long end = now_ns();
  int failed = 0;
  for (size_t i = 0; i < count; i++) {
    if (with_details) printf("%ld\n", calls[i].nanoseconds);
    if (went_as_recorded(&calls[i])) continue;
    fprintf(stderr, "replay: call %zu, %s: %ld (netlink %d), in the recording %ld (netlink %d)\n", i,
            calls[i].recorded->name, calls[i].result,
            netlink_error((const char *)calls[i].arguments[1], calls[i].result), (long)calls[i].recorded->result,
            netlink_error(calls[i].answer, calls[i].recorded->answer_length));
    failed = 1;
  }
  printf("%ld\n", with_details ? end - before : end - start);
  return failed;
}
