/* waits COMMAND [ARGUMENT...]: runs the command and looks again and again where in the kernel it stands (/proc/PID/stack,
 * which takes root). Prints a line for each place: the microseconds there, and its innermost functions. */
#include "measuring.h"

#include <sys/wait.h>

#define MOST_PLACES 512
#define MOST_FRAMES 3
#define PAUSE_NS 50000

static struct {
  char frames[256];
  long ns;
} places[MOST_PLACES];
static int place_count;

/* Those frames that only say that somebody waits. */
static int is_plain(const char *name) {
  static const char *const plain[] = {"__schedule", "schedule", "schedule_timeout", "wait_for_completion",
                                      "__wait_for_common"};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(name, plain[i]) == 0) return 1;
  return 0;
}

/* From `[<0>] name+0x1/0x2` lines to `name < name < name`. */
static void summarise(char *stack, char *summary, size_t size) {
  int count = 0;
  summary[0] = 0;
  for (char *line = strtok(stack, "\n"); line != NULL && count < MOST_FRAMES; line = strtok(NULL, "\n")) {
    char name[64];
    if (sscanf(line, "[<%*[^>]>] %63[^+]", name) != 1 || is_plain(name)) continue;
    size_t length = strlen(summary);
    snprintf(summary + length, size - length, "%s%s", count++ > 0 ? " < " : "", name);
  }
}

static void add(const char *frames, long ns) {
  int i = 0;
  while (i < place_count && strcmp(places[i].frames, frames) != 0) i++;
  if (i == MOST_PLACES) return;
  if (i == place_count) strcpy(places[place_count++].frames, frames);
  places[i].ns += ns;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  char path[64], stack[8192], summary[256];
  int status;
  pid_t pid = fork();
  if (pid == 0) {
    redirect("/dev/null", O_WRONLY, 1);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  snprintf(path, sizeof path, "/proc/%d/stack", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (pid < 0 || fd < 0) fail(path);
  long before = now_ns();
  while (waitpid(pid, &status, WNOHANG) == 0) {
    ssize_t length = pread(fd, stack, sizeof stack - 1, 0);
    long now = now_ns();
    if (length > 0) {
      stack[length] = 0;
      summarise(stack, summary, sizeof summary);
      add(summary, now - before);
    }
    before = now;
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
  }
  for (int i = 0; i < place_count; i++)
    printf("%ld %s\n", places[i].ns / 1000, places[i].frames[0] == 0 ? "running" : places[i].frames);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
