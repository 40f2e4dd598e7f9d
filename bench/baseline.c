/* What any call out of OCaml costs. */

#include <caml/mlvalues.h>

value bench_c_noop(value unit) { return unit; }

/* And one that converts. */
value bench_c_int(value n) { return Val_long(Long_val(n) + 1); }
