// The executable: the plugin whose name it was called by, compiled to bytecode, on QuickJS with the host functions of
// src/sys/host.ts (engine/functions.c). A plugin lives for milliseconds: nothing is set up that it doesn't need, and
// nothing is torn down.
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "failure.h"
#include "functions.h"
#include "heap.h"
#include "modules.h"
#include "quickjs.h"

// Where a runaway plugin ends. An ADD takes 1.5 MB; `bauta list` with 10,000 attachments some tens.
#ifndef BAUTA_MEMORY_LIMIT
#define BAUTA_MEMORY_LIMIT (256UL << 20)
#endif
// Never reached by a plugin; `bauta monitor`, which may run for months, does collect its cycles.
#define GARBAGE_THRESHOLD (32UL << 20)
#define STACK_LIMIT (1UL << 20)
// Below the stack limit: what C functions may use between two checks, and the report of the overflow.
#define STACK_RESERVE (192UL << 10)

#define MOST_CAUSES 8

// A property of an error as text, or NULL where it has none.
static const char *text_property(JSContext *context, JSValueConst object, const char *name) {
  JSValue value = JS_GetPropertyStr(context, object, name);
  const char *text = JS_IsException(value) || JS_IsUndefined(value) ? NULL : JS_ToCString(context, value);
  if (text == NULL) JS_GetException(context);
  return text;
}

// Three parts that together say `TypeError: the message`, or the value itself where it is no error.
static void describe(JSContext *context, JSValueConst thrown, const char *parts[3]) {
  parts[0] = parts[1] = parts[2] = "";
  if (!JS_IsError(context, thrown)) {
    if (bauta_heap_exhausted && JS_IsNull(thrown)) {
      parts[0] = "InternalError: out of memory";  // too little was left to make an error
      return;
    }
    const char *text = JS_ToCString(context, thrown);
    parts[0] = "not an Error, but thrown: ";
    parts[1] = text != NULL ? text : "a value that has no text";
    return;
  }
  const char *name = text_property(context, thrown, "name"), *message = text_property(context, thrown, "message");
  parts[0] = name != NULL ? name : "Error";
  parts[1] = ": ";
  parts[2] = message != NULL ? message : "(no message)";
}

// Reports the exception that is pending, with the errors that caused it.
static void report(JSContext *context) {
  const char *message[4] = {NULL}, *details[MOST_CAUSES * 6 + 1] = {NULL};
  size_t count = 0;
  // What was thrown may be that memory has run out; to say so takes a little more.
  JS_SetMemoryLimit(JS_GetRuntime(context), BAUTA_MEMORY_LIMIT + (16UL << 20));
  JSValue error = JS_GetException(context);
  describe(context, error, message);
  for (int depth = 0; JS_IsError(context, error) && depth < MOST_CAUSES; depth++) {
    if (depth > 0) {
      details[count++] = "caused by ";
      describe(context, error, details + count);
      count += 3;
      details[count++] = "\n";
    }
    const char *stack = text_property(context, error, "stack");
    if (stack != NULL) details[count++] = stack;
    error = JS_GetPropertyStr(context, error, "cause");
  }
  bauta_print_failure(message, details);
}

static void fail(const char *message, const char *name) {
  bauta_print_failure((const char *const[]){message, name, NULL}, (const char *const[]){NULL});
  _exit(1);
}

static const struct bauta_program *program_named(const char *name) {
  for (size_t i = 0; i < bauta_program_count; i++) {
    if (strcmp(bauta_programs[i].name, name) == 0) return &bauta_programs[i];
  }
  return NULL;
}

// The plugin called for; `bauta` under any name that is no plugin's.
static const struct bauta_program *select_program(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  const struct bauta_program *program = program_named(name);
  if (program == NULL) program = program_named("bauta");
  if (program == NULL) fail("this executable has no plugin called ", name);
  return program;
}

// Descriptors 0 to 2 must be taken, or the first file that is opened would become the standard output. The wrong
// direction of /dev/null answers EBADF, as a closed descriptor does.
static void keep_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) _exit(1);
  }
}

// The stack that QuickJS may use: as much as the process has, within reason. `ulimit -s` can be less than ours.
static size_t stack_size(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_LIMIT + STACK_RESERVE) return STACK_LIMIT;
  return limit.rlim_cur > 2 * STACK_RESERVE ? limit.rlim_cur - STACK_RESERVE : limit.rlim_cur / 2;
}

// A context with what the TypeScript uses and nothing else: no eval, Promise, Proxy, Date, WeakRef.
static JSContext *new_context(JSRuntime *runtime) {
  JSContext *context = JS_NewContextRaw(runtime);
  if (context == NULL) return NULL;
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  return context;
}

int main(int argc, char **argv) {
  keep_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);  // a write to nobody is EPIPE, which the TypeScript reports
  signal(SIGCHLD, SIG_DFL);  // ignored, it would take away the status of spawned programs
  const struct bauta_program *program = select_program(argc > 0 ? argv[0] : "");
  JSRuntime *runtime = JS_NewRuntime2(&bauta_heap, NULL);
  if (runtime == NULL) fail("out of memory", "");
  JS_SetMemoryLimit(runtime, BAUTA_MEMORY_LIMIT);
  JS_SetGCThreshold(runtime, GARBAGE_THRESHOLD);
  JS_SetMaxStackSize(runtime, stack_size());
  JSContext *context = new_context(runtime);
  if (context == NULL) fail("out of memory", "");
  bauta_add_host(context, argv);
  if (bauta_add_modules(context) < 0) fail("out of memory", "");
  if (bauta_load_module(context, program->module) == 0) _exit(0);
  report(context);
  _exit(1);
}
