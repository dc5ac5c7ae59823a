// The engine functions as a Node-API addon: the twin of quickjs.c under which the tests run the TypeScript on Node.
// src/sys/engine.ts says what each function does. The file that loads the addon adds `args`.
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "host.h"
#include "sha512.h"

extern char **environ;

#define MOST_ARGUMENTS (1 + BAUTA_SYSCALL_ARGUMENTS)

// The arguments of a call, in `values`; those that were not passed are undefined.
static size_t arguments(napi_env env, napi_callback_info info, napi_value values[MOST_ARGUMENTS]) {
  size_t count = MOST_ARGUMENTS;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  return count;
}

static napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

static napi_value text(napi_env env, const char *bytes, size_t length) {
  napi_value result = NULL;
  if (napi_create_string_utf8(env, bytes, length, &result) != napi_ok) napi_throw_error(env, NULL, "string too long");
  return result;
}

// The bytes of a Uint8Array or Int32Array. Throws TypeError and returns 0 for anything else.
static int view_of(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  bool is_view = false;
  napi_typedarray_type type;
  void *data;
  napi_is_typedarray(env, value, &is_view);
  if (is_view) {
    napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL);
    if (type == napi_int32_array) *length *= 4;
    if (type == napi_int32_array || type == napi_uint8_array) {
      *bytes = data;
      return 1;
    }
  }
  napi_throw_type_error(env, NULL, "expected a Uint8Array or Int32Array");
  return 0;
}

// An integer. Throws TypeError and returns 0 for anything else.
static int integer_of(napi_env env, napi_value value, long *integer) {
  double exact;
  int64_t rounded;
  if (napi_get_value_double(env, value, &exact) == napi_ok && napi_get_value_int64(env, value, &rounded) == napi_ok &&
      (double)rounded == exact) {
    *integer = (long)rounded;
    return 1;
  }
  napi_throw_type_error(env, NULL, "expected an integer");
  return 0;
}

// The text as UTF-8 with a NUL after it, to be freed. Throws and returns NULL for another value.
static char *utf8_of(napi_env env, napi_value value, size_t *length) {
  if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok) {
    napi_throw_type_error(env, NULL, "expected a string");
    return NULL;
  }
  char *bytes = malloc(*length + 1);
  if (bytes != NULL) napi_get_value_string_utf8(env, value, bytes, *length + 1, length);
  else napi_throw_error(env, NULL, "out of memory");
  return bytes;
}

// The same for text that C reads up to its NUL: a NUL inside the text is a RangeError.
static char *c_string_of(napi_env env, napi_value value) {
  size_t length;
  char *bytes = utf8_of(env, value, &length);
  if (bytes == NULL || strlen(bytes) == length) return bytes;
  free(bytes);
  napi_throw_range_error(env, NULL, "the text contains a NUL character");
  return NULL;
}

static void free_strings(char **strings) {
  if (strings == NULL) return;
  for (char **at = strings; *at != NULL; at++) free(*at);
  free(strings);
}

// A NULL-terminated list of C strings, to be freed. Throws and returns NULL for a value that is no array of text.
static char **strings_of(napi_env env, napi_value array) {
  uint32_t length = 0;
  if (napi_get_array_length(env, array, &length) != napi_ok) {
    napi_throw_type_error(env, NULL, "expected an array of strings");
    return NULL;
  }
  char **strings = calloc((size_t)length + 1, sizeof *strings);
  if (strings == NULL) napi_throw_error(env, NULL, "out of memory");
  for (uint32_t i = 0; strings != NULL && i < length; i++) {
    napi_value item;
    napi_get_element(env, array, i, &item);
    strings[i] = c_string_of(env, item);
    if (strings[i] == NULL) {
      free_strings(strings);
      return NULL;
    }
  }
  return strings;
}

// A Uint8Array with a copy of the bytes.
static napi_value bytes_value(napi_env env, const void *bytes, size_t length) {
  void *data;
  napi_value buffer, array = NULL;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok) return NULL;
  if (length > 0) memcpy(data, bytes, length);
  napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array);
  return array;
}

// An argument of a system call. `text` is to be freed; it stays NULL where the argument is no text. Throws and returns false for
// a value that cannot be an argument.
static bool argument_of(napi_env env, napi_value value, long *argument, char **text) {
  napi_valuetype type;
  uint8_t *bytes = NULL;
  size_t length;
  bool is_view = false;
  napi_typeof(env, value, &type);
  if (type == napi_undefined) return true;
  if (type == napi_string) {
    *argument = (long)(*text = c_string_of(env, value));
    return *text != NULL;
  }
  napi_is_typedarray(env, value, &is_view);
  if (!is_view) return integer_of(env, value, argument);
  if (!view_of(env, value, &bytes, &length)) return false;
  *argument = (long)bytes;
  return true;
}

static napi_value engine_syscall(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  long syscall_number, a[BAUTA_SYSCALL_ARGUMENTS] = {0};
  char *texts[BAUTA_SYSCALL_ARGUMENTS] = {NULL};
  size_t count = arguments(env, info, values);
  if (count < 1 || count > MOST_ARGUMENTS) {
    napi_throw_type_error(env, NULL, "syscall takes a number and up to 6 arguments");
    return NULL;
  }
  if (!integer_of(env, values[0], &syscall_number)) return NULL;
  size_t read = 0;
  while (read < count - 1 && argument_of(env, values[read + 1], &a[read], &texts[read])) read++;
  napi_value result = read == count - 1 ? number(env, (double)bauta_syscall(syscall_number, a)) : NULL;
  for (size_t i = 0; i < count - 1; i++) free(texts[i]);
  return result;
}

static napi_value spawn_result(napi_env env, const struct bauta_child *child) {
  napi_value result;
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "status", number(env, child->status));
  napi_set_named_property(env, result, "signal", number(env, child->signal));
  napi_set_named_property(env, result, "stdout", bytes_value(env, child->output, child->output_length));
  napi_set_named_property(env, result, "stderr", bytes_value(env, child->error, child->error_length));
  return result;
}

// The limits of spawn: output, standard error and time, of which the last two may be left out.
static bool limits_of(napi_env env, napi_value *values, struct bauta_child *child) {
  long limit;
  napi_valuetype type;
  if (!integer_of(env, values[0], &limit)) return false;
  child->output_limit = limit < 0 ? 0 : (size_t)limit;
  child->error_limit = -1;
  child->timeout = 0;
  napi_typeof(env, values[1], &type);
  if (type != napi_undefined && !integer_of(env, values[1], &child->error_limit)) return false;
  napi_typeof(env, values[2], &type);
  return type == napi_undefined || integer_of(env, values[2], &child->timeout);
}

static napi_value engine_spawn(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS], result = NULL;
  struct bauta_child child = {0};
  uint8_t *input;
  arguments(env, info, values);
  char *path = c_string_of(env, values[0]);
  char **argv = path == NULL ? NULL : strings_of(env, values[1]);
  char **environment = argv == NULL ? NULL : strings_of(env, values[2]);
  if (environment != NULL && view_of(env, values[3], &input, &child.input_length) &&
      limits_of(env, values + 4, &child)) {
    child.path = path;
    child.argv = argv;
    child.environment = environment;
    child.input = input;
    int failed = bauta_spawn(&child);
    result = failed < 0 ? number(env, failed) : spawn_result(env, &child);
    free(child.output);
    free(child.error);
  }
  free(path);
  free_strings(argv);
  free_strings(environment);
  return result;
}

static napi_value engine_encode(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  size_t length;
  arguments(env, info, values);
  char *bytes = utf8_of(env, values[0], &length);
  if (bytes == NULL) return NULL;
  napi_value result = bytes_value(env, bytes, length);
  free(bytes);
  return result;
}

static napi_value engine_decode(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  uint8_t *bytes;
  size_t length;
  arguments(env, info, values);
  if (!view_of(env, values[0], &bytes, &length)) return NULL;
  return text(env, bytes == NULL ? "" : (const char *)bytes, length);
}

static napi_value engine_sha512(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  uint8_t *bytes, digest[BAUTA_SHA512_SIZE];
  size_t length;
  arguments(env, info, values);
  if (!view_of(env, values[0], &bytes, &length)) return NULL;
  bauta_sha512(bytes == NULL ? digest : bytes, length, digest);
  return bytes_value(env, (const char *)digest, sizeof digest);
}

static napi_value engine_attributes(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS], list;
  uint8_t *bytes;
  size_t length;
  long from, to;
  arguments(env, info, values);
  if (!view_of(env, values[0], &bytes, &length)) return NULL;
  if (!integer_of(env, values[1], &from) || !integer_of(env, values[2], &to)) return NULL;
  if (from < 0 || to < 0 || (size_t)to > length || to > INT32_MAX) {
    napi_throw_range_error(env, NULL, "not within the bytes");
    return NULL;
  }
  napi_create_array(env, &list);
  struct bauta_attribute one;
  size_t at = (size_t)from;
  uint32_t filled = 0;
  int found;
  while ((found = bauta_next_attribute(bytes, (size_t)to, &at, &one)) > 0) {
    napi_set_element(env, list, filled++, number(env, one.type));
    napi_set_element(env, list, filled++, number(env, one.start));
    napi_set_element(env, list, filled++, number(env, one.end));
  }
  if (found < 0) napi_set_element(env, list, filled, number(env, (double)at));
  return list;
}

static napi_value engine_address(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  uint8_t *bytes;
  size_t length;
  arguments(env, info, values);
  return view_of(env, values[0], &bytes, &length) ? number(env, (double)(uintptr_t)bytes) : NULL;
}

static napi_value engine_getenv(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS], result;
  arguments(env, info, values);
  char *name = c_string_of(env, values[0]);
  if (name == NULL) return NULL;
  const char *value = getenv(name);
  free(name);
  napi_get_undefined(env, &result);
  return value == NULL ? result : text(env, value, strlen(value));
}

static napi_value engine_environ(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_array(env, &result);
  for (uint32_t i = 0; environ[i] != NULL; i++) {
    napi_set_element(env, result, i, text(env, environ[i], strlen(environ[i])));
  }
  return result;
}

// Node runs the TypeScript itself: its positions are right already.
static napi_value engine_map_stack(napi_env env, napi_callback_info info) {
  napi_value values[MOST_ARGUMENTS];
  arguments(env, info, values);
  return values[0];
}

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"syscall", engine_syscall}, {"spawn", engine_spawn},   {"encode", engine_encode},   {"decode", engine_decode},
      {"sha512", engine_sha512},   {"getenv", engine_getenv}, {"environ", engine_environ}, {"mapStack", engine_map_stack},
      {"attributes", engine_attributes}, {"address", engine_address},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  napi_set_named_property(env, exports, "arch", text(env, BAUTA_ARCH, strlen(BAUTA_ARCH)));
  return exports;
}
