/* Loads a Rust library and asks it for its declarations. */

#include <dlfcn.h>

#include <caml/alloc.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

/* Native code has it, and bytecode has not. ocaml-rs's own functions refer to it, which a library that is only for native code may
   have: so that it can be loaded here, where none of them is called. Weak, for tests in native code. */
__attribute__((weak)) void caml_startup(void *argv)
{
  (void)argv;
}

/* load : string -> string

   With the runtime lock; allocates; raises Failure. The library's function touches nothing of OCaml's, and what it returns
   is never freed. The library stays loaded. */
value rust_async_declare_load(value path)
{
  CAMLparam1(path);
  const unsigned char *(*declarations)(size_t *);
  void *library = dlopen(String_val(path), RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) caml_failwith(dlerror());
  declarations = (const unsigned char *(*)(size_t *))dlsym(library, "ocaml_lwt_interop_declarations");
  if (declarations == NULL) caml_failwith("no declarations are in it: was it built with the crate ocaml-lwt-interop?");
  size_t length;
  const unsigned char *text = declarations(&length);
  CAMLreturn(caml_alloc_initialized_string(length, (const char *)text));
}
