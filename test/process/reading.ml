(* Streams where OCaml raises at allocations: what a signal handler, a finaliser or Memprof raises in the bridge's own code loses
   no item and no ending, and leaves nobody waiting. Memprof is the one that can say where. *)

open Lwt.Syntax
open Case
open Functions

(* Where Rust reads: the numbers of [Probe.place]. *)
let at_home = Rust_half.Domain
let on_a_worker : Rust_half.place = Tokio

exception Injected

(* The functions that read streams, and their files. [begin_get] allocates nothing itself: what seems to be its own is of
   [Lwt_stream.get], which ends with a tail call. *)
let rust_streams = ("reader.ml", [ "next"; "begin_read"; "behind_read"; "deliver"; "look_at_read"; "close_unless_waited" ])
let lwt_streams = ("source.ml", [ "take"; "collect"; "read" ])

(* Of Lwt's, those that only allocate. *)
let plain = [ "return"; "return_some"; "fail"; "wait"; "state" ]

let is_one_of functions slot =
  let name = Option.value ~default:"" (Printexc.Slot.name slot) ^ " " in
  List.exists (fun f -> contains name ~part:("." ^ f ^ " ")) functions

(* Whether the innermost function that is known is one of these. *)
let is_in (file, functions) callstack =
  let in_file name slot =
    match Printexc.Slot.location slot with
    | Some { filename; _ } -> Filename.basename filename = name
    | None -> false
  in
  let rec look = function
    | slot :: slots when Printexc.Slot.location slot = None || (in_file "lwt.ml" slot && is_one_of plain slot) -> look slots
    | slot :: _ -> in_file file slot && is_one_of functions slot
    | [] -> false
  in
  match Printexc.backtrace_slots callstack with None -> false | Some slots -> look (Array.to_list slots)

let raised = ref 0

(* One of three allocations of theirs raises, in no order: else one might raise each time that all is tried again. *)
let raising functions f =
  let dice = Random.State.make [| 7 |] in
  let allocated { Gc.Memprof.callstack; _ } =
    if is_in functions callstack && Random.State.int dice 3 = 0 then begin
      incr raised;
      raise Injected
    end;
    None
  in
  let tracker = { Gc.Memprof.null_tracker with alloc_minor = allocated; alloc_major = allocated } in
  (* What leaves a tick may go there. *)
  (Lwt.async_exception_hook := function Injected -> () | exn -> raise exn);
  ignore (Gc.Memprof.start ~sampling_rate:1. ~callstack_size:10 tracker);
  Fun.protect f ~finally:Gc.Memprof.stop

let rec run promise = try Lwt_main.run promise with Injected -> run promise

(* As a program reads on that catches what its reads raise. *)
let rec read_all stream items =
  let* next = Lwt.try_bind (fun () -> Lwt_stream.get stream) Lwt.return_ok Lwt.return_error in
  match next with
  | Ok (Some item) -> read_all stream (item :: items)
  | Ok None -> Lwt.return (List.rev items, "end")
  | Error Injected -> read_all stream items
  | Error exn -> Lwt.return (List.rev items, Printexc.to_string exn)

let rust_stream name n make =
  case name
    ~out:[ Printf.sprintf "%d items, in order: true, end" n; "raised: true" ]
    (fun () ->
      let stream = Lwt_main.run (make n) in
      let items, ended = raising rust_streams (fun () -> run (read_all stream [])) in
      say "%d items, in order: %b, %s" (List.length items) (items = List.init n Fun.id) ended;
      say "raised: %b" (!raised > n / 50))

let lwt_stream name n wait place =
  case name
    ~out:[ Printf.sprintf "%d items, in order: true, end" n; "raised: true" ]
    (fun () ->
      let given = ref (-1) in
      let stream =
        Lwt_stream.from (fun () ->
            incr given;
            let item = if !given < n then Some !given else None in
            if wait && !given mod 5 = 0 then Lwt.map (fun () -> item) (Lwt.pause ()) else Lwt.return item)
      in
      let items, ended = raising lwt_streams (fun () -> run (read_in place stream 16)) in
      say "%d items, in order: %b, %s" (Array.length items) (items = Array.init n Fun.id) ended;
      say "raised: %b" (!raised > n / 50))

let () =
  main
    [
      rust_stream "ready_items_of_rust_all_come" 500 (fun n -> Lwt.return (numbers n));
      rust_stream "items_of_rust_that_come_one_by_one_all_come" 500 (fun n -> numbers_one_by_one n max_int max_int 1 true);
      rust_stream "items_of_rust_that_are_read_ahead_all_come" 500 (fun n -> numbers_one_by_one n max_int max_int 16 true);
      case "error_of_rust_comes_behind_its_items" ~out:[ "1 items, Rust_async.Rust_error: the stream failed"; "raised: true" ]
        ~err:[ "the stream does not drop" ]
        (fun () ->
          let stream = error_and_bomb () in
          let items, ended = raising rust_streams (fun () -> run (read_all stream [])) in
          say "%d items, %s" (List.length items) ended;
          say "raised: %b" (!raised > 0));
      lwt_stream "ready_items_of_ocaml_all_come" 500 false at_home;
      lwt_stream "items_of_ocaml_that_come_later_all_come" 500 true at_home;
      lwt_stream "items_of_ocaml_all_come_to_a_worker" 500 true on_a_worker;
    ]
