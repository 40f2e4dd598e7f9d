(** What kills the process or the loop, each case in a process of its own.

    A test executable lists its cases and hands them to {!main}. Without arguments it runs itself once for each case,
    with that case's name as the argument, and compares how the process ended with what the case expects. *)

type ending =
  | Exit of int
  | Signal of int  (** OCaml's number. *)

type t

val case :
  ?ending:ending ->
  ?out:string list ->
  ?err:string list ->
  ?env:(string * string) list ->
  ?at_least:float ->
  ?at_most:float ->
  string ->
  (unit -> unit) ->
  t
(** [case law f] is the case in whose process [f ()] runs, and which holds when the process ends by itself, as [ending]
    (default: [Exit 0]), after [at_least] and [at_most] seconds (default: 0 and 20), when its standard output is exactly
    the lines [out], and when its standard error has the texts [err] in this order; without [err], it must be empty.
    [env] is added to the environment. *)

val main : t list -> unit
(** [main cases] is the whole program: [EXE], [EXE LAW…], [EXE --repeat N LAW…]; [EXE --run LAW] runs one case in this
    very process, for a debugger. *)

val say : ('a, unit, string, unit) format4 -> 'a
(** A line on standard output, at once. *)

val check : string -> bool -> unit
(** [check what holds] ends the process with status 99 and says [what], unless it [holds]. *)

val contains : string -> part:string -> bool
(** [contains text ~part] is whether [part] stands somewhere in [text]. *)
