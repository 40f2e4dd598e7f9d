external tick : bool -> unit = "ocaml_lwt_interop_tick"
external must_arm : bool -> bool = "ocaml_lwt_interop_must_arm" [@@noalloc]
external armed : unit -> unit = "ocaml_lwt_interop_armed" [@@noalloc]
external lost_pause : unit -> unit = "ocaml_lwt_interop_lost_pause" [@@noalloc]

(* The pause has it called by a callback on a promise. *)
let tick from_pause =
  Storage.refresh_in_callback ();
  tick from_pause

let on_pause () = tick true
let arm () = Lwt.on_success (Lwt.pause ()) on_pause

(* The descriptor stays readable until the tick that it asks for is certain. An exception would cross the engine's C code. *)
let on_readable (_ : Lwt_engine.event) =
  match if must_arm (Lwt.paused_count () = 0) then arm () with () -> armed () | exception exn -> Escaped.keep exn
