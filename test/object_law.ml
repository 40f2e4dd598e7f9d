(* What the laws of objects share. *)

open Law
open Lwt.Syntax

type thing = Rust_half.Objects.Thing.t
type end_ = Rust_half.end_ = Value | Error | Panic | Never

(* What a destructor does. *)
type last = Rust_half.last =
  | Nothing
  | Panics
  | Blocks
  | CallsOCaml of (string -> unit)
  | Spawns
  | LetsGo of thing
  | Closes of thing

external close_any : 'a -> unit = "ocaml_lwt_interop_close"
let log = Rust_half.Objects.objects_log
let make = Rust_half.Objects.Thing.make
let at_home = Rust_half.Objects.Thing.at_home
let same = Rust_half.Objects.Thing.same
let close = Rust_half.Objects.Thing.close
let make_here = Rust_half.Destructors.AtHome.make
let make_local = Rust_half.Destructors.Local.make
let make_small = Rust_half.Destructors.Small.make

(* Of all destructors since it was last asked, once there are so many. *)
let logged count =
  let seen = ref [] in
  let look () =
    Gc.full_major ();
    seen := !seen @ Array.to_list (log ());
    string_of_int (List.length !seen)
  in
  let* () = eventually "destructors" look (string_of_int count) in
  Lwt.return (String.concat "; " (List.sort compare !seen))

let check_logged what expected =
  let* seen = logged (List.length expected) in
  check_string what (String.concat "; " (List.sort compare expected)) seen;
  Lwt.return_unit

let describe = function
  | Ok value -> "value " ^ value
  | Error (Rust_async.Rust_panic { message; _ }) -> "panic " ^ message
  | Error (Rust_async.Rust_error { message; _ }) -> "error " ^ message
  | Error exn -> Printexc.to_string exn

let refused kind call =
  let* ended = ending (Lwt.bind (Lwt.wrap call) Fun.id) in
  match ended with
  | Error (Rust_async.Misuse text) ->
      check_bool (kind ^ ": " ^ text) true
        (contains ~part:"argument" text && contains ~part:"this Thing was closed" text);
      Lwt.return_unit
  | ended -> Alcotest.failf "%s: not refused: %s" kind (describe (Result.map (fun _ -> "") ended))
