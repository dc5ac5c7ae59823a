// The CNI error for an error that nothing else caught; see failure.h. It must work when memory has run out, so it uses nothing
// but system calls.
#include "failure.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

// More lines of a stack trace help nobody; the trace of a stack overflow has thousands.
#define MOST_LINES 40

struct output {
  char buffer[4096];
  size_t length;
};

// Writes the buffer out; gives up where nobody reads.
static void flush(struct output *output) {
  size_t written = 0;
  while (written < output->length) {
    ssize_t count = write(STDOUT_FILENO, output->buffer + written, output->length - written);
    if (count >= 0) {
      written += (size_t)count;
    } else if (errno == EAGAIN) {
      struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      break;
    }
  }
  output->length = 0;
}

static void put(struct output *output, const char *bytes, size_t length) {
  while (length > 0) {
    size_t room = sizeof output->buffer - output->length;
    size_t part = length < room ? length : room;
    memcpy(output->buffer + output->length, bytes, part);
    output->length += part;
    bytes += part;
    length -= part;
    if (output->length == sizeof output->buffer) flush(output);
  }
}

// RFC 8259, section 7. The engine writes a lone surrogate as three bytes from ED A0 80 on, which is not UTF-8.
static void put_escaped(void *to, const char *bytes, size_t length) {
  struct output *output = to;
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (byte == 0xed && i + 2 < length && (unsigned char)bytes[i + 1] >= 0xa0) {
      put(output, "\xef\xbf\xbd", 3);
      i += 2;
    } else if (byte == '\n') {
      put(output, "\\n", 2);
    } else if (byte == '"' || byte == '\\') {
      put(output, "\\", 1);
      put(output, bytes + i, 1);
    } else if (byte < 0x20) {
      char escape[8];
      put(output, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
    } else {
      put(output, bytes + i, 1);
    }
  }
}

// The length of the text's first MOST_LINES lines.
static size_t beginning(const char *text) {
  const char *at = text;
  for (int lines = 0; *at != '\0' && lines < MOST_LINES; at++) lines += *at == '\n';
  return (size_t)(at - text);
}

static void put_details(struct output *output, const char *text) {
  size_t length = beginning(text);
  bauta_map_stack(text, length, put_escaped, output);
  if (text[length] != '\0') put_escaped(output, "    ...\n", 8);
}

void bauta_print_failure(const char *const *message, const char *const *details) {
  static const char head[] = "{\"cniVersion\":\"1.1.0\",\"code\":999,\"msg\":\"", middle[] = "\",\"details\":\"";
  static struct output output;  // not on the stack, of which little may be left
  put(&output, head, sizeof head - 1);
  for (; *message != NULL; message++) put_escaped(&output, *message, strlen(*message));
  put(&output, middle, sizeof middle - 1);
  for (; *details != NULL; details++) put_details(&output, *details);
  put(&output, "\"}\n", 3);
  flush(&output);
}
