// Modules on demand. The global object inherits from one without properties that is asked for every global variable not
// found before; it loads the module that defines it. What is loaded is found in the first place from then on.
#include "modules.h"

#include <stdlib.h>
#include <string.h>

// Which modules have been loaded, or are about to be: those that need each other meet as in any JavaScript.
static uint8_t *loaded;

int bauta_load_module(JSContext *context, unsigned module) {
  const struct bauta_module *wanted = &bauta_modules[module];
  loaded[module] = 1;
  JSValue program = JS_ReadObject(context, wanted->bytecode, *wanted->size, JS_READ_OBJ_BYTECODE);
  JSValue result = JS_IsException(program) ? program : JS_EvalFunction(context, program);
  if (JS_IsException(result)) {
    loaded[module] = 0;
    return -1;
  }
  JS_FreeValue(context, result);
  return 0;
}

static int compare(const void *text, const void *name) { return strcmp(text, ((const struct bauta_name *)name)->name); }

// The [[GetOwnProperty]] of the object behind the global one. Returns whether there is such a variable, or -1 with an
// exception pending.
static int find_global(JSContext *context, JSPropertyDescriptor *descriptor, JSValueConst object, JSAtom atom) {
  (void)object;
  const char *text = JS_AtomToCString(context, atom);
  if (text == NULL) return -1;
  const struct bauta_name *name = bsearch(text, bauta_names, bauta_name_count, sizeof bauta_names[0], compare);
  JS_FreeCString(context, text);
  if (name == NULL || loaded[name->module]) return 0;
  if (bauta_load_module(context, name->module) < 0) return -1;
  JSValue global = JS_GetGlobalObject(context);
  int found = JS_GetOwnProperty(context, descriptor, global, atom);
  JS_FreeValue(context, global);
  return found;
}

int bauta_add_modules(JSContext *context) {
  static JSClassExoticMethods methods = {.get_own_property = find_global};
  static const JSClassDef definition = {.class_name = "Modules", .exotic = &methods};
  JSClassID class = 0;
  loaded = js_mallocz(context, bauta_module_count + 1);
  JS_NewClassID(&class);
  if (loaded == NULL || JS_NewClass(JS_GetRuntime(context), class, &definition) < 0) return -1;
  JSValue global = JS_GetGlobalObject(context), object_prototype = JS_GetPrototype(context, global);
  JSValue modules = JS_NewObjectProtoClass(context, object_prototype, class);
  int set = JS_IsException(modules) ? -1 : JS_SetPrototype(context, global, modules);
  JS_FreeValue(context, modules);
  JS_FreeValue(context, object_prototype);
  JS_FreeValue(context, global);
  return set;
}
