(* Chapter 7: objects. *)

(* -- a rate limiter -- *)
open Lwt.Syntax
open Links.Objects

let a_rate_limiter () =
  let limiter = Limiter.create ~milliseconds:10 in
  let began = Unix.gettimeofday () in
  let+ () = Lwt.join (List.init 4 (fun _ -> Limiter.pass limiter)) in
  Printf.printf "four have passed, in 30 ms or more: %b\n" (Unix.gettimeofday () -. began >= 0.03)

(* -- a cache -- *)
let fetch link =
  Printf.printf "fetch %s\n" link;
  let+ () = Lwt.pause () in
  "the page " ^ link

let a_cache () =
  let cache = Cache.create () in
  let* first = Cache.get cache "http://a.example" fetch in
  let* again = Cache.get cache "http://a.example" fetch in
  Printf.printf "%s: %b\n" first (first = again);
  let* _ = Cache.get cache "http://b.example" fetch in
  let+ links = Lwt_stream.to_list (Cache.links cache) in
  Printf.printf "%d: %s\n" (Cache.length cache) (String.concat ", " links)

(* -- an object as an argument -- *)
let an_object_as_an_argument () =
  let cache = Cache.create () and limiter = Limiter.create ~milliseconds:1 in
  let+ () = warm cache limiter [| "http://a.example"; "http://b.example"; "http://a.example" |] fetch in
  Printf.printf "%d pages\n" (Cache.length cache)

(* -- the end of an object -- *)
let the_end_of_an_object () =
  let cache = Cache.create () in
  Cache.close cache;
  (match Cache.length cache with
  | length -> Printf.printf "%d pages\n" length
  | exception Rust_async.Misuse why -> print_endline why);
  Lwt.return_unit

(* -- -- *)
let () =
  Chapter.run
    [
      ("a rate limiter", a_rate_limiter);
      ("a cache", a_cache);
      ("an object as an argument", an_object_as_an_argument);
      ("the end of an object", the_end_of_an_object);
    ]
