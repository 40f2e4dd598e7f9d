/* What only the runtime's own structures tell of this thread. In C, since their layout is in the headers of the OCaml that the
   program is built with. */

#define CAML_NAME_SPACE
#define CAML_INTERNALS

#include <stdbool.h>
#include <caml/version.h>
#include <caml/mlvalues.h>
#include <caml/misc.h>
#include <caml/domain_state.h>
#include <caml/minor_gc.h>

/* How many slices of a major collection are on this thread's stack: they sweep, and finalise. */
static _Thread_local int slices = 0;

static caml_timing_hook before_begin = NULL, before_end = NULL;

static void slice_begins(void) {
  slices++;
  if (before_begin != NULL) before_begin();
}

/* A slice that had begun when the hook was set ends all the same. */
static void slice_ends(void) {
  if (slices > 0) slices--;
  if (before_end != NULL) before_end();
}

#if OCAML_VERSION >= 50000

#include <stdatomic.h>
#include <caml/fail.h>
#include <caml/fiber.h>
#include <caml/gc_ctrl.h>

/* Those of native code, and of bytecode. */
extern __attribute__((weak)) char caml_exn_Stack_overflow[];
extern __attribute__((weak)) value caml_global_data;

/* OCaml's own stack has to have room for what the runtime pushes before it calls OCaml (`caml_start_program`) and for functions
   that do not look (`Stack_threshold`). Else `caml_callback*_exn` raise, over the frames of their callers
   (`caml_maybe_expand_stack`: callback.c, fiber.c, 5.0 to 5.4). So room is made before. 0, or the exception that says that there
   is none. */
value ocaml_lwt_interop_room_for_callback(void) {
  struct stack_info *stack = Caml_state->current_stack;
  const asize_t needed = Stack_threshold / sizeof(value) + 64;
  if ((value *)stack->sp - Stack_base(stack) >= (intnat)needed || caml_try_realloc_stack(needed)) return 0;
  return caml_exn_Stack_overflow != NULL ? (value)caml_exn_Stack_overflow : Field(caml_global_data, STACK_OVERFLOW_EXN);
}

/* Whether OCaml code runs on a fiber, that of an effect handler: the stacks of threads have none (fiber.c,
   `caml_alloc_main_stack`). */
bool ocaml_lwt_interop_on_fiber(void) {
  return Caml_state_opt != NULL && Stack_handle_value(Caml_state->current_stack) != Val_unit;
}

/* Whether so much is left of OCaml's own stack, or a quarter of a small one, before the limit to which it grows. */
bool ocaml_lwt_interop_ocaml_stack_left(uintnat bytes) {
  struct stack_info *stack = Caml_state->current_stack;
  const uintnat most = caml_max_stack_wsize, used = Stack_high(stack) - (value *)stack->sp;
  const uintnat reserve = bytes / sizeof(value) < most / 4 ? bytes / sizeof(value) : most / 4;
  return used + reserve <= most;
}

static void replace(_Atomic caml_timing_hook *hook, caml_timing_hook *before, caml_timing_hook ours) {
  /* Other domains may be calling it: they find what was there before. */
  *before = atomic_load(hook);
  while (!atomic_compare_exchange_weak(hook, before, ours));
}

static inline bool holds_lock(void) { return Caml_state_opt != NULL; }

/* The runtime calls finalisers of young blocks behind its hook for the end of a minor collection, when the minor heap is empty
   and the table of such blocks is not yet (5.0 to 5.4, minor_gc.c, `custom_finalize_minor`). At no other time is that so: each
   block in the table was allocated in the minor heap. */
static bool finalises_young(void) {
  struct caml_custom_table *custom = &Caml_state->minor_tables->custom;
  return custom->ptr != custom->base && Caml_state->young_ptr == Caml_state->young_end;
}

#else

/* ocaml_hooks.c of boxroot 0.4 */
extern _Thread_local bool bxr_thread_has_lock;

static void replace(caml_timing_hook *hook, caml_timing_hook *before, caml_timing_hook ours) {
  *before = *hook;
  *hook = ours;
}

static inline bool holds_lock(void) { return bxr_thread_has_lock; }

/* Bytecode has a stack of its own (stacks.c); native code has none of these, and runs on the thread's: then this is null. */
extern __attribute__((weak)) uintnat caml_max_stack_size;
uintnat *const ocaml_lwt_interop_ocaml_stack = &caml_max_stack_size;

bool ocaml_lwt_interop_ocaml_stack_left(uintnat bytes) {
  if (Caml_state->extern_sp == NULL) return true;
  const uintnat most = caml_max_stack_size, used = Caml_state->stack_high - Caml_state->extern_sp;
  const uintnat reserve = bytes / sizeof(value) < most / 4 ? bytes / sizeof(value) : most / 4;
  return used + reserve <= most;
}

static bool finalises_young(void) { return Caml_state->in_minor_collection; }

#endif

/* Once, with the lock held. */
void ocaml_lwt_interop_watch_collector(void) {
  replace(&caml_major_slice_begin_hook, &before_begin, slice_begins);
  replace(&caml_major_slice_end_hook, &before_end, slice_ends);
}

bool ocaml_lwt_interop_holds_lock(void) { return holds_lock(); }

/* The domain whose lock this thread holds, or 0. */
uintnat ocaml_lwt_interop_domain(void) { return holds_lock() ? (uintnat)Caml_state : 0; }

/* 0: this thread holds the runtime lock and is not inside the collector; 1: it does not hold the lock; 2: it collects. */
int ocaml_lwt_interop_lock_state(void) {
  if (!holds_lock()) return 1;
  return slices > 0 || finalises_young() ? 2 : 0;
}

/* Whether this exception is the one that was raised last on this thread, whose backtrace the runtime keeps. */
bool ocaml_lwt_interop_was_raised_last(value exception) { return Caml_state->backtrace_last_exn == exception; }
