/* What any call out of OCaml costs. */

#include <caml/mlvalues.h>

value bench_c_noop(value unit) { return unit; }
