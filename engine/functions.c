// The engine functions for QuickJS. napi.c is the twin for Node, and engine/conformance/ holds both to the same behaviour.
#include "functions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "host.h"
#include "sha512.h"
#include "text.h"

extern char **environ;

// False while module-level code runs, which is when the executable is built: an answer about the system that builds would be wrong
// on every other system.
static bool started;

static JSValue not_started(JSContext *context) {
  return JS_ThrowTypeError(context, "module-level code can't ask the system: it has run when bauta was built");
}

// The bytes of a typed array. Throws TypeError and returns NULL for anything else, a detached array included. QuickJS
// allocates a byte for an empty buffer.
static uint8_t *view_of(JSContext *context, JSValueConst value, size_t *length) {
  size_t offset, element, buffer_length;
  JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, length, &element);
  if (JS_IsException(buffer)) return NULL;
  uint8_t *bytes = JS_GetArrayBuffer(context, &buffer_length, buffer);
  JS_FreeValue(context, buffer);  // the view holds on to it
  return bytes == NULL ? NULL : bytes + offset;
}

// An integer. Throws TypeError and returns -1 for anything else.
static int integer_of(JSContext *context, JSValueConst value, long *integer) {
  double exact;
  int64_t rounded;
  if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
    *integer = JS_VALUE_GET_INT(value);
    return 0;
  }
  if (JS_IsNumber(value) && JS_ToFloat64(context, &exact, value) == 0 && JS_ToInt64(context, &rounded, value) == 0 &&
      (double)rounded == exact) {
    *integer = (long)rounded;
    return 0;
  }
  JS_ThrowTypeError(context, "expected an integer");
  return -1;
}

// The first byte of a surrogate that is written as three.
#define SURROGATE_LEAD 0xed

// Text as UTF-8 that ends with NUL, to be freed with JS_FreeCString. Throws and returns NULL for another value, and for a
// text with a NUL in it, of which C would read the beginning only.
static const char *c_string_of(JSContext *context, JSValueConst value) {
  size_t length;
  if (!JS_IsString(value)) {
    JS_ThrowTypeError(context, "expected a string");
    return NULL;
  }
  const char *text = JS_ToCStringLen(context, &length, value);
  if (text == NULL) return NULL;
  // QuickJS gives out the memory of a text itself where the text is ASCII, and a copy, which may be changed, elsewhere
  // (patch.mjs makes sure of that). ASCII has no such byte.
  if (memchr(text, SURROGATE_LEAD, length) != NULL) bauta_replace_surrogates((uint8_t *)text, length);
  if (strlen(text) == length) return text;
  JS_FreeCString(context, text);
  JS_ThrowRangeError(context, "the text contains a NUL character");
  return NULL;
}

// UTF-8 as a string; bytes that are not UTF-8 become U+FFFD.
static JSValue text_value(JSContext *context, const uint8_t *bytes, size_t length) {
  if (bauta_is_utf8(bytes, length)) return JS_NewStringLen(context, (const char *)bytes, length);
  uint8_t *repaired = js_malloc(context, length * 3);
  if (repaired == NULL) return JS_EXCEPTION;
  size_t repaired_length = bauta_repair_utf8(bytes, length, repaired);
  JSValue text = JS_NewStringLen(context, (const char *)repaired, repaired_length);
  js_free(context, repaired);
  return text;
}

static JSValue c_text_value(JSContext *context, const char *text) {
  return text_value(context, (const uint8_t *)text, strlen(text));
}

// A Uint8Array over the whole buffer. Takes over the reference to the buffer. JS_NewTypedArray reads three arguments, whatever
// their number is said to be.
static JSValue view_value(JSContext *context, JSValue buffer) {
  JSValueConst arguments[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  JSValue array = JS_NewTypedArray(context, 3, arguments, JS_TYPED_ARRAY_UINT8);
  JS_FreeValue(context, buffer);
  return array;
}

// A Uint8Array with a copy of the bytes.
static JSValue bytes_value(JSContext *context, const uint8_t *bytes, size_t length) {
  JSValue buffer = JS_NewArrayBufferCopy(context, bytes, length);
  return JS_IsException(buffer) ? buffer : view_value(context, buffer);
}

// An argument of a system call. `text` is to be freed with JS_FreeCString; it stays NULL where the argument is no text. Throws
// and returns -1 for a value that cannot be an argument.
static int argument_of(JSContext *context, JSValueConst value, long *argument, const char **text) {
  if (JS_IsUndefined(value)) return 0;
  if (JS_IsString(value)) {
    *argument = (long)(*text = c_string_of(context, value));
    return *text == NULL ? -1 : 0;
  }
  if (!JS_IsObject(value)) return integer_of(context, value, argument);
  size_t length;
  *argument = (long)view_of(context, value, &length);
  return *argument == 0 ? -1 : 0;
}

static JSValue engine_syscall(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  long number, a[BAUTA_SYSCALL_ARGUMENTS] = {0};
  const char *texts[BAUTA_SYSCALL_ARGUMENTS] = {NULL};
  if (!started) return not_started(context);
  if (count < 1 || count > 1 + BAUTA_SYSCALL_ARGUMENTS) {
    return JS_ThrowTypeError(context, "syscall takes a number and up to 6 arguments");
  }
  if (integer_of(context, values[0], &number) < 0) return JS_EXCEPTION;
  int read = 0;
  while (read < count - 1 && argument_of(context, values[read + 1], &a[read], &texts[read]) == 0) read++;
  JSValue result = read == count - 1 ? JS_NewInt64(context, bauta_syscall(number, a)) : JS_EXCEPTION;
  for (int i = 0; i < count - 1; i++) JS_FreeCString(context, texts[i]);
  return result;
}

static void free_strings(JSContext *context, char **strings) {
  if (strings == NULL) return;
  for (char **at = strings; *at != NULL; at++) JS_FreeCString(context, *at);
  js_free(context, strings);
}

// A list of C strings that ends with NULL. Throws and returns NULL when the value isn't an array of text.
static char **strings_of(JSContext *context, JSValueConst array) {
  int64_t length;
  JSValue length_value = JS_IsArray(context, array) == 1 ? JS_GetPropertyStr(context, array, "length") : JS_UNDEFINED;
  if (!JS_IsNumber(length_value)) {
    JS_ThrowTypeError(context, "expected an array of strings");
    return NULL;
  }
  JS_ToInt64(context, &length, length_value);
  char **strings = js_mallocz(context, ((size_t)length + 1) * sizeof *strings);
  for (int64_t i = 0; strings != NULL && i < length; i++) {
    JSValue item = JS_GetPropertyUint32(context, array, (uint32_t)i);
    strings[i] = (char *)c_string_of(context, item);
    JS_FreeValue(context, item);
    if (strings[i] == NULL) {
      free_strings(context, strings);
      return NULL;
    }
  }
  return strings;
}

static JSValue spawn_result(JSContext *context, const struct bauta_child *child) {
  JSValue output = bytes_value(context, child->output, child->output_length);
  if (JS_IsException(output)) return output;
  JSValue error = bytes_value(context, child->error, child->error_length);
  if (JS_IsException(error)) {
    JS_FreeValue(context, output);
    return error;
  }
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "status", JS_NewInt32(context, child->status));
  JS_SetPropertyStr(context, result, "signal", JS_NewInt32(context, child->signal));
  JS_SetPropertyStr(context, result, "stdout", output);
  JS_SetPropertyStr(context, result, "stderr", error);
  return result;
}

// The limits of spawn: output, standard error and time, of which the last two may be left out.
static int limits_of(JSContext *context, JSValueConst *values, struct bauta_child *child) {
  long limit;
  if (integer_of(context, values[0], &limit) < 0) return -1;
  child->output_limit = limit < 0 ? 0 : (size_t)limit;
  child->error_limit = -1;
  child->timeout = 0;
  if (!JS_IsUndefined(values[1]) && integer_of(context, values[1], &child->error_limit) < 0) return -1;
  return JS_IsUndefined(values[2]) ? 0 : integer_of(context, values[2], &child->timeout);
}

// spawn(path, argv, environment, stdin, outputLimit, errorLimit, timeout)
static JSValue engine_spawn(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  if (!started) return not_started(context);
  struct bauta_child child = {0};
  JSValue result = JS_EXCEPTION;
  child.path = c_string_of(context, values[0]);
  child.argv = child.path == NULL ? NULL : strings_of(context, values[1]);
  child.environment = child.argv == NULL ? NULL : strings_of(context, values[2]);
  child.input = child.environment == NULL ? NULL : view_of(context, values[3], &child.input_length);
  if (child.input != NULL && limits_of(context, values + 4, &child) == 0) {
    int failed = bauta_spawn(&child);
    result = failed < 0 ? JS_NewInt32(context, failed) : spawn_result(context, &child);
    free(child.output);
    free(child.error);
  }
  JS_FreeCString(context, child.path);
  free_strings(context, child.argv);
  free_strings(context, child.environment);
  return result;
}

static JSValue engine_encode(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  if (!JS_IsString(values[0])) return JS_ThrowTypeError(context, "expected a string");
  const char *text = JS_ToCStringLen(context, &length, values[0]);
  if (text == NULL) return JS_EXCEPTION;
  JSValue result = JS_NewArrayBufferCopy(context, (const uint8_t *)text, length);
  JS_FreeCString(context, text);
  if (JS_IsException(result)) return result;
  bauta_replace_surrogates(JS_GetArrayBuffer(context, &length, result), length);
  return view_value(context, result);
}

static JSValue engine_decode(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  const uint8_t *bytes = view_of(context, values[0], &length);
  return bytes == NULL ? JS_EXCEPTION : text_value(context, bytes, length);
}

static JSValue engine_sha512(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  uint8_t digest[BAUTA_SHA512_SIZE];
  const uint8_t *bytes = view_of(context, values[0], &length);
  if (bytes == NULL) return JS_EXCEPTION;
  bauta_sha512(bytes, length, digest);
  return bytes_value(context, digest, sizeof digest);
}

// Puts an integer behind the last of the list. Returns false with an exception pending when that fails.
static bool push(JSContext *context, JSValue list, uint32_t *length, int32_t integer) {
  return JS_SetPropertyUint32(context, list, (*length)++, JS_NewInt32(context, integer)) >= 0;
}

static JSValue engine_attributes(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  long from, to;
  const uint8_t *bytes = view_of(context, values[0], &length);
  if (bytes == NULL) return JS_EXCEPTION;
  if (integer_of(context, values[1], &from) < 0 || integer_of(context, values[2], &to) < 0) return JS_EXCEPTION;
  if (from < 0 || to < 0 || (size_t)to > length || to > INT32_MAX) return JS_ThrowRangeError(context, "not within the bytes");
  JSValue list = JS_NewArray(context);
  struct bauta_attribute one;
  size_t at = (size_t)from;
  uint32_t filled = 0;
  bool is_filled = !JS_IsException(list);
  int found = 0;
  while (is_filled && (found = bauta_next_attribute(bytes, (size_t)to, &at, &one)) > 0) {
    is_filled = push(context, list, &filled, one.type) && push(context, list, &filled, one.start) &&
                push(context, list, &filled, one.end);
  }
  if (is_filled && found < 0) is_filled = push(context, list, &filled, (int32_t)at);
  if (is_filled) return list;
  JS_FreeValue(context, list);
  return JS_EXCEPTION;
}

static JSValue engine_address(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  if (!started) return not_started(context);
  const uint8_t *bytes = view_of(context, values[0], &length);
  return bytes == NULL ? JS_EXCEPTION : JS_NewInt64(context, (int64_t)bytes);
}

static JSValue engine_getenv(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  if (!started) return not_started(context);
  const char *name = c_string_of(context, values[0]);
  if (name == NULL) return JS_EXCEPTION;
  const char *value = getenv(name);
  JS_FreeCString(context, name);
  return value == NULL ? JS_UNDEFINED : c_text_value(context, value);
}

// An array of the texts, up to NULL.
static JSValue list_value(JSContext *context, char **texts) {
  JSValue list = JS_NewArray(context);
  for (uint32_t i = 0; !JS_IsException(list) && texts[i] != NULL; i++) {
    JSValue text = c_text_value(context, texts[i]);
    if (JS_IsException(text) || JS_SetPropertyUint32(context, list, i, text) < 0) {
      JS_FreeValue(context, list);
      return JS_EXCEPTION;
    }
  }
  return list;
}

static JSValue engine_environ(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  (void)values;
  return started ? list_value(context, environ) : not_started(context);
}

struct growing {
  JSContext *context;
  char *bytes;
  size_t length;
  size_t capacity;
  bool failed;
};

static void append(void *to, const char *bytes, size_t length) {
  struct growing *text = to;
  if (text->failed || length == 0) return;
  if (length > text->capacity - text->length) {
    size_t capacity = (text->length + length) * 2;
    char *moved = js_realloc(text->context, text->bytes, capacity);
    if (moved == NULL) {
      text->failed = true;
      return;
    }
    text->bytes = moved;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static JSValue engine_map_stack(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
  (void)this;
  (void)count;
  size_t length;
  const char *stack = JS_ToCStringLen(context, &length, values[0]);
  if (stack == NULL) return JS_EXCEPTION;
  struct growing mapped = {.context = context};
  bauta_map_stack(stack, length, append, &mapped);
  JS_FreeCString(context, stack);
  JSValue text = mapped.failed ? JS_EXCEPTION : JS_NewStringLen(context, mapped.bytes, mapped.length);
  js_free(context, mapped.bytes);
  return text;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("syscall", 7, engine_syscall),
    JS_CFUNC_DEF("spawn", 7, engine_spawn),
    JS_CFUNC_DEF("encode", 1, engine_encode),
    JS_CFUNC_DEF("decode", 1, engine_decode),
    JS_CFUNC_DEF("sha512", 1, engine_sha512),
    JS_CFUNC_DEF("attributes", 3, engine_attributes),
    JS_CFUNC_DEF("address", 1, engine_address),
    JS_CFUNC_DEF("getenv", 1, engine_getenv),
    JS_CFUNC_DEF("environ", 0, engine_environ),
    JS_CFUNC_DEF("mapStack", 1, engine_map_stack),
    JS_PROP_STRING_DEF("arch", BAUTA_ARCH, JS_PROP_ENUMERABLE),
};

void bauta_add_engine(JSContext *context) {
  JSValue global = JS_GetGlobalObject(context), engine = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, engine, functions, sizeof functions / sizeof functions[0]);
  JS_SetPropertyStr(context, global, "bautaEngine", engine);
  JS_FreeValue(context, global);
}

void bauta_start_engine(JSContext *context, char **argv) {
  started = true;
  JSValue global = JS_GetGlobalObject(context), engine = JS_GetPropertyStr(context, global, "bautaEngine");
  JS_SetPropertyStr(context, engine, "args", list_value(context, argv));
  JS_FreeValue(context, engine);
  JS_FreeValue(context, global);
}
