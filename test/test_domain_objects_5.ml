(* OCaml 5: objects on worker domains. *)

open Lwt.Syntax
open Law
open Domain_law
open Object_law

let name_of_thing = Rust_half.Objects.objects_name
let calls_with_thing = Rust_half.Objects.Thing.calls
let use_small = Rust_half.Destructors.Small.use_it
let small_gone = Rust_half.Destructors.destructors_small_gone
let append = Rust_half.Destructors.Local.append

let objects =
  let elsewhere what call =
    match call () with
    | (_ : string) -> Alcotest.failf "%s was not refused" what
    | exception Rust_async.Misuse text -> check_bool text true (contains text ~part:"belongs to the thread that made it")
  in
  [
    law_of_pool "object_is_used_and_closed_on_every_domain" (fun pool ->
        let here = make "here" in
        let* there = Pool.detach pool (fun () -> check_string "there" "here" (name_of_thing here); make "there") () in
        check_string "here" "there" (name_of_thing there);
        let* () = Pool.detach pool close here in
        (match name_of_thing here with
        | _ -> Alcotest.fail "it was closed"
        | exception Rust_async.Misuse _ -> ());
        close there;
        check_logged "destructors" [ "here elsewhere"; "there elsewhere" ]);
    law_of_pool "object_that_another_domain_closes_stays_for_the_call" (fun pool ->
        let thing = make "it" in
        let closing = ref Lwt.return_unit in
        let closed = Atomic.make false in
        let value =
          calls_with_thing thing (fun () ->
              closing := Pool.detach pool (fun () -> close thing; Gc.full_major (); Atomic.set closed true) ();
              while not (Atomic.get closed) do Domain.cpu_relax () done;
              Gc.full_major ();
              check_int "nothing went" 0 (Array.length (log ())))
        in
        check_string "the value" "it" value;
        let* () = !closing in
        check_logged "destructors" [ "it elsewhere" ]);
    law_of_pool "object_that_two_domains_close_goes_once" (fun pool ->
        let count = 2_000 in
        let before = small_gone () in
        let smalls = Array.init count (fun _ -> make_small ()) in
        let* (_ : unit list) = of_each pool (fun () -> Array.iter close_any smalls) in
        eventually "gone" (fun () -> string_of_int (small_gone () - before)) (string_of_int count));
    law_of_pool "calls_race_with_another_domain_that_closes" (fun pool ->
        let count = 20_000 in
        let before = small_gone () in
        let smalls = Array.init count (fun _ -> make_small ()) in
        let reached = Atomic.make 0 in
        let closer () =
          Array.iteri
            (fun i small ->
              while Atomic.get reached < i do Domain.cpu_relax () done;
              close_any small)
            smalls
        in
        let job = Pool.detach pool closer () in
        Array.iteri
          (fun i small ->
            Atomic.set reached i;
            for _ = 1 to 3 do
              match use_small small with
              | (_ : int) -> ()
              | exception Rust_async.Misuse _ -> ()
            done)
          smalls;
        let* () = job in
        eventually "gone" (fun () -> string_of_int (small_gone () - before)) (string_of_int count));
    law_of_pool "objects_of_a_worker_domain_are_collected" (fun pool ->
        let count = 10_000 in
        let before = small_gone () in
        let* (_ : unit list) =
          of_each pool (fun () ->
              for i = 1 to count do
                let small = make_small () in
                ignore (use_small small : int);
                if i land 1 = 0 then close_any small
              done;
              Gc.full_major ())
        in
        let left () =
          Gc.full_major ();
          string_of_int (small_gone () - before)
        in
        let rec collect times =
          if left () = string_of_int (2 * count) then Lwt.return_unit
          else if times = 0 then Alcotest.failf "%s of %d are gone" (left ()) (2 * count)
          else
            let* (_ : unit list) = of_each pool Gc.full_major in
            let* () = Lwt_unix.sleep 0.002 in
            collect (times - 1)
        in
        collect 1_000);
    law_of_pool ~domains:1 "object_that_is_not_Send_is_refused_on_another_domain" (fun pool ->
        let local = make_local "mine" in
        let append_there local () = elsewhere "mine, there" (fun () -> Pool.await (append local "!")) in
        let* () = Pool.detach pool (append_there local) () in
        let* theirs = Pool.detach pool (fun () -> let local = make_local "theirs" in ignore (Pool.await (append local "?")); local) () in
        let* () =
          Lwt.catch
            (fun () -> Lwt.map (fun _ -> Alcotest.fail "theirs was not refused") (append theirs "!"))
            (function Rust_async.Misuse _ -> Lwt.return_unit | exn -> Lwt.fail exn)
        in
        let* text = append local "." in
        check_string "it is as it was" "mine." text;
        (* Each goes on its own thread, whoever closes it. *)
        let* () = Pool.detach pool close_any local in
        close_any theirs;
        let* () = Pool.detach pool ignore () in
        check_logged "destructors" [ "mine. at home"; "theirs? at home" ]);
    law "object_that_goes_at_home_goes_where_lwt_runs_when_its_domain_has_ended" (fun () ->
        let pool = Pool.create ~domains:1 in
        let* it, other = Pool.detach pool (fun () -> (make_here "it" Nothing, make_here "other" Nothing)) () in
        let* () = Pool.shutdown pool in
        close_any it;
        let* () = check_logged "destructors" [ "it at home" ] in
        ignore (Sys.opaque_identity other);
        check_logged "destructors" [ "other at home" ]);
    law "methods_are_called_and_objects_go_on_domains_that_have_no_executor" (fun () ->
        let sync = Rust_half.Objects.Thing.sync in
        let call n () =
          for _ = 1 to 100 do
            let thing = make (string_of_int n) in
            (* Alcotest's own checks are for one domain. *)
            if sync thing Value <> string_of_int n then failwith "its value";
            (match sync thing Error with _ -> failwith "no error" | exception Rust_async.Rust_error _ -> ());
            (match sync thing Panic with _ -> failwith "no panic" | exception Rust_async.Rust_panic _ -> ());
            if n mod 2 = 0 then close thing
          done
        in
        List.iter Domain.join (List.init 4 (fun n -> Domain.spawn (call n)));
        check_logged "all" (List.concat_map (fun n -> List.init 100 (fun _ -> string_of_int n ^ " elsewhere")) [ 0; 1; 2; 3 ]));
  ]
[@@ocamlformat "disable"]

let () = Alcotest.run "objects on domains" [ ("objects", objects) ]
