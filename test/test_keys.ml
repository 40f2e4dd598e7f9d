(* Lwt's keys follow a call: what was bound when a Rust function was called is bound in each OCaml function that its code
   calls, in every place and after every wait; and nothing else is. *)

open Lwt.Syntax
open Probe

type way = Rust_half.way = Promise | Value | Task | Closure | Stream

type whoami = Rust_half.whoami = {
  promise : unit -> string Lwt.t;
  value : unit -> string;
  stream : unit -> string Lwt_stream.t;
}
[@@warning "-69"]

let at_home = Rust_half.Keys.keys_at_home
let on_a_worker = Rust_half.Keys.keys_on_a_worker
let on_the_blocking_pool = Rust_half.Keys.keys_on_the_blocking_pool
let blocking_closure = Rust_half.Keys.keys_blocking_closure
let local_task = Rust_half.Keys.keys_local_task
let rust_stream = Rust_half.Keys.keys_stream
let spawn_lwt = Rust_half.Keys.keys_spawn_lwt
let spawn_with_runtime = Rust_half.Keys.keys_spawn_with_runtime
let keep = Rust_half.Keys.keys_keep
let let_go = Rust_half.Keys.keys_let_go
let of_kept = Rust_half.Keys.keys_of_kept
let of_kept_on_a_worker = Rust_half.Keys.keys_of_kept_on_a_worker
let when_dropped = Rust_half.Keys.keys_when_dropped
let after_exceptions = Rust_half.Keys.keys_after_exceptions
let many_times = Rust_half.Keys.keys_many_times

let user : string Lwt.key = Lwt.new_key ()
let name () = Option.value (Lwt.get user) ~default:"nobody"
let as_ name f = Lwt.with_value user (if name = "nobody" then None else Some name) f

let whoami =
  {
    promise = (fun () -> Lwt.return (name ()));
    value = name;
    stream =
      (fun () ->
        let asked = ref 0 in
        Lwt_stream.from (fun () ->
            incr asked;
            let* () = if !asked mod 8 = 0 then Lwt.pause () else Lwt.return_unit in
            Lwt.return_some (name ())));
  }

let everybody = [ "alice"; "bob"; "nobody"; "carol" ]

(* Requests of several users at a time, each of which sees itself, and nobody else, when it has asked and afterwards. *)
let each_is_itself ask =
  let request user =
    as_ user (fun () ->
        let asked = ask () in
        Law.check_string "who I am when it was called" user (name ());
        let* seen = asked in
        Law.check_string "who I am in OCaml's function" user seen;
        Law.check_string "who I am behind it" user (name ());
        Lwt.return_unit)
  in
  let all = Lwt.join (List.map request everybody) in
  Law.check_string "who I am outside" "nobody" (name ());
  all

let law name ask = Law.law name (fun () -> each_is_itself ask)
let ways = [ Promise; Value; Task; Closure; Stream ]

let by = function
  | Promise -> "a_function_that_returns_a_promise"
  | Value -> "a_function_that_returns_its_value"
  | Task -> "a_task_at_home"
  | Closure -> "a_closure_at_home"
  | Stream -> "the_function_of_a_stream"

let waits = [ At_once; Yield; Tokio_timer; Lwt_timer; Tokio_task; Plain_thread ]
let name_of parts = String.concat "/" ("each_is_itself" :: parts)

let from_home =
  Probe.(List.concat_map (fun way -> List.map (fun columns -> (way, columns))
      (List.concat_map (fun place -> List.map (fun wait -> (place, wait)) waits) places)) ways)
  |> List.map (fun (way, (place, wait)) ->
         law (name_of [ by way; in_place place; after wait ]) (fun () -> at_home way place wait nap whoami))

let from_elsewhere =
  List.concat_map
    (fun way ->
      law (name_of [ by way; "of_a_blocking_function" ]) (fun () -> on_the_blocking_pool way whoami)
      :: List.map
           (fun wait ->
             law
               (name_of [ by way; "of_a_function_on_a_worker"; after wait ])
               (fun () -> on_a_worker way wait nap whoami))
           waits)
    ways

let item stream =
  let* items = Lwt_stream.nget 40 stream in
  Law.check_int "items" 40 (List.length items);
  Lwt.return (String.concat " " (List.sort_uniq compare items))

let others =
  [
    law "closure_of_a_blocking_function" (fun () -> blocking_closure whoami);
    law "local_task" (fun () -> local_task whoami);
    law "rust_stream" (fun () -> item (rust_stream whoami false));
    law "rust_stream_that_waits" (fun () -> item (rust_stream whoami true));
    law "future_that_becomes_a_promise" (fun () -> spawn_lwt whoami false);
    law "future_that_becomes_a_promise_later" (fun () -> spawn_lwt whoami true);
    law "task_of_a_plain_function" (fun () ->
        let told, tell = Lwt.wait () in
        spawn_with_runtime whoami (fun seen -> Lwt.wakeup tell seen);
        told);
    law "destructor_at_the_end" (fun () ->
        let told = ref "" in
        let* () = when_dropped whoami (fun seen -> told := seen) false in
        Lwt.return !told);
    law "functions_that_raise" (fun () -> after_exceptions (fun () -> as_ "eve" (fun () -> raise Exit)) whoami);
    Law.law "stream_is_its_makers_whoever_reads" (fun () ->
        let check waits =
          let stream = as_ "alice" (fun () -> rust_stream whoami waits) in
          let* seen = as_ "bob" (fun () -> item stream) in
          Law.check_string "the items" "alice" seen;
          let stream = rust_stream whoami waits in
          let* seen = as_ "bob" (fun () -> item stream) in
          Law.check_string "the items" "nobody" seen;
          Lwt.return_unit
        in
        let* () = check false in
        check true);
    Law.law "destructor_of_a_cancelled_future" (fun () ->
        let check mine others =
          let told = ref "" in
          let future = as_ mine (fun () -> when_dropped whoami (fun seen -> told := seen) true) in
          let* () = Lwt_unix.sleep 0.001 in
          as_ others (fun () ->
              Lwt.cancel future;
              Law.check_string "who cancels" others (name ()));
          let* () = Law.eventually "who was told" (fun () -> !told) mine in
          Lwt.return_unit
        in
        let* () = check "alice" "bob" in
        let* () = check "nobody" "bob" in
        check "alice" "nobody");
  ]

(* Functions that another call was given. *)
let kept =
  let with_kept user f =
    Law.now (as_ user (fun () -> keep whoami));
    Lwt.finalize f (fun () -> let_go ())
  in
  List.concat_map
    (fun way ->
      [
        Law.law ("running_call_has_precedence/" ^ by way) (fun () ->
            with_kept "eve" (fun () ->
                let* () = each_is_itself (fun () -> of_kept way Domain false) in
                let* () = each_is_itself (fun () -> of_kept way Domain true) in
                each_is_itself (fun () -> of_kept_on_a_worker way)));
      ])
    ways
  @ List.concat_map
      (fun way ->
        List.map
          (fun place ->
            Law.law
              (String.concat "/" [ "function_remembers_its_call"; by way; in_place place ])
              (fun () ->
                let check user =
                  with_kept user (fun () ->
                      let ask () =
                        let* seen = as_ "bob" (fun () -> of_kept way place true) in
                        Law.check_string "who I am" user seen;
                        Lwt.return_unit
                      in
                      Lwt.join (List.init 5 (fun _ -> ask ())))
                in
                let* () = check "alice" in
                check "nobody"))
          elsewhere)
      ways

(* The storage of the OCaml code around. *)
let around =
  [
    Alcotest.test_case "loop_that_is_run_with_a_key" `Quick (fun () ->
        as_ "the loop" (fun () ->
            let hook_saw = ref [] in
            let see () = hook_saw := name () :: !hook_saw in
            let hooks = [ Lwt_main.Enter_iter_hooks.add_last see; Lwt_main.Enter_iter_hooks.add_first see ] in
            Lwt_main.run
              (let* () = as_ "nobody" (fun () -> each_is_itself (fun () -> at_home Promise Domain Yield nap whoami)) in
               let* seen = at_home Value Tokio Tokio_timer nap whoami in
               Law.check_string "in it" "the loop" seen;
               Lwt.return_unit);
            List.iter Lwt_main.Enter_iter_hooks.remove hooks;
            Law.check_string "in hooks" "the loop" (String.concat " " (List.sort_uniq compare !hook_saw));
            Law.check_string "behind it" "the loop" (name ())));
    Law.law "many_users_at_a_time" (fun () ->
        Lwt.join
          (List.init 500 (fun i ->
               let user = if i mod 5 = 0 then "nobody" else Printf.sprintf "user %d" i in
               as_ user (fun () ->
                   let* seen = many_times 20 whoami in
                   Law.check_string "the user" user seen;
                   Lwt.return_unit))));
  ]

let () =
  Alcotest.run "keys"
    [
      ("functions at home", from_home);
      ("functions elsewhere", from_elsewhere);
      ("others", others);
      ("functions of other calls", kept);
      ("around", around);
    ]
