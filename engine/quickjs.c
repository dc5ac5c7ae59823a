// The executable: the program whose name it was called by, on QuickJS with the engine functions of src/sys/engine.ts
// (engine/functions.c). A plugin lives for milliseconds: it begins with a heap that was made ready when the executable
// was built (snapshot.h), and nothing is torn down.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failure.h"
#include "functions.h"
#include "heap.h"
#include "image.h"
#include "quickjs.h"
#include "snapshot.h"
#include "training.h"

// A runaway plugin ends here. An ADD takes 1.5 MB; `bauta list` with 10,000 attachments some tens.
#ifndef BAUTA_MEMORY_LIMIT
#define BAUTA_MEMORY_LIMIT (256UL << 20)
#endif
// A plugin never reaches this. `bauta monitor`, which may run for months, has its cycles collected.
#define GARBAGE_THRESHOLD (32UL << 20)
#define STACK_LIMIT (1UL << 20)
// Beside that: what C functions may use between two checks, and the report of the overflow.
#define STACK_RESERVE (192UL << 10)
// With less an ADD does not end.
#define STACK_MINIMUM (96UL << 10)

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
  // The error may be that memory has run out, and its report takes a little more memory.
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

// The name that the executable was called by.
static const char *own_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

// The program that the executable is by this name. Undefined where there is none.
static JSValue find_program(struct bauta_ready ready, const char *name) {
  JSValue called = JS_NewString(ready.context, name);
  if (JS_IsException(called)) return called;
  return JS_Call(ready.context, ready.find_program, JS_UNDEFINED, 1, &called);
}

// Descriptors 0 to 2 must be taken, or the first file that is opened would become the standard output. The wrong
// direction of /dev/null answers EBADF, as a closed descriptor does.
static void keep_standard_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) _exit(1);
  }
}

// The stack that QuickJS may use. RLIMIT_STACK does not tell: arguments and environment lie on the stack, too, and
// RLIMIT_AS may end it earlier. So the kernel is asked to write to the far end of what is wanted. It makes the stack that
// large, or it answers EFAULT, where a use of that address by the process itself would be a signal.
static size_t stack_size(void) {
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  for (size_t size = STACK_LIMIT + STACK_RESERVE; size >= STACK_MINIMUM; size -= size / 8) {
    if (syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, (here - size) & ~15UL) < 0) continue;
    return size > 2 * STACK_RESERVE ? size - STACK_RESERVE : size / 2;
  }
  fail("the limits of this process leave too little stack: raise RLIMIT_STACK (ulimit -s) or RLIMIT_AS (ulimit -v)", "");
  return 0;
}

// RLIMIT_CPU, at which a process would end without a word.
static void end_late(int signal_number) {
  (void)signal_number;
  fail("the call used up the processor time that its process may have: raise RLIMIT_CPU (ulimit -t)", "");
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

// Runs all module-level code, and leaves the function that finds a program. Returns false with an exception pending when that
// fails.
static bool run_bundle(JSContext *context, JSValue *find_program) {
  JSValue bundle = JS_ReadObject(context, bauta_bytecode, bauta_bytecode_size, JS_READ_OBJ_BYTECODE);
  JSValue result = JS_IsException(bundle) ? bundle : JS_EvalFunction(context, bundle);
  if (JS_IsException(result)) return false;
  JSValue global = JS_GetGlobalObject(context);
  *find_program = JS_GetPropertyStr(context, global, "bautaProgram");
  JS_FreeValue(context, result);
  JS_FreeValue(context, global);
  return true;
}

// The engine from nothing, as the build needs it once and the sanitizers always.
static struct bauta_ready make_ready(void) {
  JSRuntime *runtime = JS_NewRuntime2(&bauta_heap, NULL);
  if (runtime == NULL) fail("out of memory", "");
  JS_SetMemoryLimit(runtime, BAUTA_MEMORY_LIMIT);
  JS_SetGCThreshold(runtime, GARBAGE_THRESHOLD);
  struct bauta_ready ready = {.context = new_context(runtime)};
  if (ready.context == NULL) fail("out of memory", "");
  bauta_add_engine(ready.context);
  if (run_bundle(ready.context, &ready.find_program)) return ready;
  report(ready.context);
  _exit(1);
}

#ifdef BAUTA_SYSTEM_MALLOC
static struct bauta_ready get_ready(const char *name) {
  (void)name;
  return make_ready();
}
#else
// Whether the call is more than a question that a small part of the heap answers.
static bool is_operation(void) {
  const char *command = getenv("CNI_COMMAND");
  return command != NULL && strcmp(command, "VERSION") != 0;
}

// An executable that still has the bytecode writes the snapshot, which takes the bytecode's place, when it is called
// `snapshot`.
static struct bauta_ready get_ready(const char *name) {
  if (!bauta_has_bytecode()) return bauta_take_snapshot(is_operation());
  if (strcmp(name, "snapshot") != 0) return make_ready();
  bauta_begin_snapshot();
  struct bauta_ready ready = make_ready();
  JS_RunGC(JS_GetRuntime(ready.context));
  if (bauta_write_snapshot(ready) < 0) fail("can't write the snapshot: ", strerror(errno));
  _exit(0);
}
#endif

int main(int argc, char **argv) {
  keep_standard_descriptors();
  signal(SIGPIPE, SIG_IGN);  // a write to nobody is EPIPE, which the TypeScript reports
  signal(SIGXFSZ, SIG_IGN);  // and one beyond RLIMIT_FSIZE is EFBIG
  signal(SIGXCPU, end_late);
  signal(SIGCHLD, SIG_DFL);  // ignored, it would take away the status of spawned programs
  const char *name = own_name(argc > 0 ? argv[0] : "");
  struct bauta_ready ready = get_ready(name);
#ifdef BAUTA_TRAINING
  JS_RunGC(JS_GetRuntime(ready.context));
  bauta_heap_forget();  // as a snapshot does
  bauta_watch();
#endif
  JSRuntime *runtime = JS_GetRuntime(ready.context);
  JS_UpdateStackTop(runtime);
  JS_SetMaxStackSize(runtime, stack_size());
  bauta_start_engine(ready.context, argv);
  JSValue program = find_program(ready, name);
  if (JS_IsUndefined(program)) fail("this executable has no program called ", name);
  JSValue result = JS_IsException(program) ? program : JS_Call(ready.context, program, JS_UNDEFINED, 0, NULL);
  if (!JS_IsException(result)) _exit(0);
  report(ready.context);
  _exit(1);
}
