(* How much memory a body takes, and who waits for whom. *)

open Lwt.Syntax
open Rust_http
open Law

let large = 200_000_000

(* In KiB, of this process. *)
let memory name =
  let channel = open_in "/proc/self/status" in
  let rec look () =
    let line = input_line channel in
    match Scanf.sscanf line "%s@: %d" (fun word kib -> (word, kib)) with
    | word, kib when word = name -> kib
    | _ | (exception (Scanf.Scan_failure _ | End_of_file)) -> look ()
  in
  Fun.protect look ~finally:(fun () -> close_in channel)

(* How much more memory it had at its peak than before. *)
let grown_by program =
  Gc.compact ();
  (* The peak is counted anew from here, where Linux lets a process say so. *)
  (try
     let channel = open_out "/proc/self/clear_refs" in
     Fun.protect (fun () -> output_string channel "5") ~finally:(fun () -> close_out channel)
   with Sys_error _ -> ());
  let before = memory "VmRSS" in
  let+ () = program () in
  memory "VmHWM" - before

let check_constant kib =
  Printf.printf "%d KiB more\n" kib;
  if kib > 64 * 1024 then Alcotest.failf "%d KiB more" kib

let download_is_written_in_constant_memory server =
  each (both server) (fun url ->
      let written = ref 0 in
      let* kib =
        grown_by (fun () ->
            call server.client (Printf.sprintf "%s/bytes/%d" url large) (fun response ->
                Lwt_io.with_file ~mode:Lwt_io.Output "/dev/null" (fun channel ->
                    write_to ~progress:(fun more -> written := !written + more) channel response)))
      in
      check_int "written" large !written;
      check_constant kib;
      Lwt.return_unit)

let upload_is_read_in_constant_memory server =
  each (both server) (fun url ->
      let chunk = bytes 50_000 in
      let left = ref (large / 50_000) in
      let make () =
        Lwt_stream.from (fun () ->
            decr left;
            if !left < 0 then Lwt.return_none else Lwt.return_some (chunk ^ ""))
      in
      let* kib =
        grown_by (fun () ->
            let+ count = call ~meth:Put ~body:(of_stream make) server.client (url ^ "/count") read in
            check_string "count" (string_of_int large) count)
      in
      check_constant kib;
      Lwt.return_unit)

(* What it says when it says the same for a while. One that does not wait goes on to the end, and says something else in the law. *)
let rec settled read =
  let* before = read () in
  let* () = Lwt_unix.sleep 0.2 in
  let* after = read () in
  if after = before then Lwt.return after else settled read

let slow_reader_makes_the_server_wait server =
  call server.client (Printf.sprintf "%s/bytes/%d" server.http large) (fun { body; _ } ->
      let* chunk = Lwt_stream.next body in
      let* sent = settled (fun () -> counted server "sent") in
      if sent > large / 4 then Alcotest.failf "%d bytes were sent, and nobody has read them" sent;
      let+ rest = Lwt_stream.fold (fun chunk sum -> sum + String.length chunk) body 0 in
      check_int "all of it" large (String.length chunk + rest))

let server_that_does_not_read_makes_the_stream_wait server =
  let given = ref 0 in
  let make () =
    Lwt_stream.from (fun () ->
        given := !given + 65536;
        Lwt.return_some (bytes 65536))
  in
  let promise = call ~meth:Put ~body:(of_stream make) server.client (server.http ^ "/stuck") read in
  let* () = eventually "under way" (fun () -> counted server "now") 1 in
  let* given = settled (fun () -> Lwt.return !given) in
  if given > large / 4 then Alcotest.failf "%d bytes were read, and nobody wants them" given;
  Lwt.cancel promise;
  let* () = go server in
  server_has_seen_it server

let laws =
  [
    ("download_is_written_in_constant_memory", download_is_written_in_constant_memory);
    ("upload_is_read_in_constant_memory", upload_is_read_in_constant_memory);
    ("slow_reader_makes_the_server_wait", slow_reader_makes_the_server_wait);
    ("server_that_does_not_read_makes_the_stream_wait", server_that_does_not_read_makes_the_stream_wait);
  ]
