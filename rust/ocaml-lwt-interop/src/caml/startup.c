/* How a program of Rust's starts OCaml that is linked into it. */

#define CAML_NAME_SPACE

#include <stdbool.h>
#include <stddef.h>
#include <caml/mlvalues.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/printexc.h>

/* Not there where no OCaml half is linked: in unit tests of a crate, in a program of bytecode. */
extern __attribute__((weak)) value caml_startup_exn(char **argv);

bool ocaml_lwt_interop_can_start(void) { return caml_startup_exn != NULL; }

/* `Thread.exit` is an exception from OCaml 4.14 on. In 4.13 it jumps to the beginning of the thread, or is `pthread_exit`, over what
   Rust has on the stack (`caml_thread_exit` in st_stubs.c). So there the build script puts the function below in its place, and gives
   the runtime's own the other name. */
extern __attribute__((weak)) value ocaml_lwt_interop_host_thread_exit_of_runtime(value unit);
static __thread bool is_of_rust = false;

value ocaml_lwt_interop_host_thread_exit(value unit) {
  if (is_of_rust || ocaml_lwt_interop_host_thread_exit_of_runtime == NULL)
    caml_failwith("Thread.exit was called on the thread on which Rust has started OCaml, and Rust waits for what is below: return, or "
                  "raise an exception");
  return ocaml_lwt_interop_host_thread_exit_of_runtime(unit);
}

/* Runs the initialisation of all modules. True: the last one raised nothing. `exception` is what one raised, not rooted. */
bool ocaml_lwt_interop_startup(char **argv, value *exception) {
  is_of_rust = true;
  value result = caml_startup_exn(argv);
  if (!Is_exception_result(result)) return true;
  *exception = Extract_exception(result);
  return false;
}

/* What the runtime itself prints of an exception. */
char *ocaml_lwt_interop_format_exception(value exception) { return caml_format_exception(exception); }
void ocaml_lwt_interop_free(char *text) { caml_stat_free(text); }
