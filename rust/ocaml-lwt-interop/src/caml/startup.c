/* How a program of Rust's starts OCaml that is linked into it. */

#define CAML_NAME_SPACE

#include <stdbool.h>
#include <stddef.h>
#include <caml/mlvalues.h>
#include <caml/memory.h>
#include <caml/printexc.h>

/* Not there where no OCaml half is linked: in unit tests of a crate, in a program of bytecode. */
extern __attribute__((weak)) value caml_startup_exn(char **argv);

bool ocaml_lwt_interop_can_start(void) { return caml_startup_exn != NULL; }

/* Runs the initialisation of all modules. True: the last one raised nothing. `exception` is what one raised, not rooted. */
bool ocaml_lwt_interop_startup(char **argv, value *exception) {
  value result = caml_startup_exn(argv);
  if (!Is_exception_result(result)) return true;
  *exception = Extract_exception(result);
  return false;
}

/* What the runtime itself prints of an exception. */
char *ocaml_lwt_interop_format_exception(value exception) { return caml_format_exception(exception); }
void ocaml_lwt_interop_free(char *text) { caml_stat_free(text); }
