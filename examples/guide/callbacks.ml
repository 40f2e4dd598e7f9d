(* Chapter 5: callbacks. *)

(* -- at most so many -- *)
open Lwt.Syntax
open Links.Callbacks

let at_most_so_many () =
  let running = ref 0 and most = ref 0 in
  let check link =
    incr running;
    most := max !most !running;
    let+ () = Lwt_unix.sleep 0.001 in
    decr running;
    if link = "http://c.example" then 404 else 200
  in
  let+ checked =
    check_all ~at_most:2 [| "http://a.example"; "http://b.example"; "http://c.example"; "http://d.example" |] check
  in
  Array.iter (fun (link, status) -> Printf.printf "%s %d\n" link status) checked;
  Printf.printf "%d at a time\n" !most

(* -- a plain function -- *)
let a_plain_function () =
  let kept = wanted [| "https://a.example"; "http://b.example" |] (fun link -> String.length link > 16) in
  Array.iter print_endline kept;
  count 3 (fun number -> Printf.printf "%d\n" number)

(* -- again and again -- *)
let again_and_again () =
  let+ answer =
    retry ~times:3 (fun attempt ->
        Printf.printf "attempt %d\n" attempt;
        if attempt < 3 then Lwt.fail_with "no route" else Lwt.return "here")
  in
  print_endline answer

(* -- keys -- *)
let user = Lwt.new_key ()

let keys () =
  Lwt.with_value user (Some "ada") (fun () ->
      count 1 (fun _ -> print_endline (Option.value (Lwt.get user) ~default:"nobody")))

(* -- -- *)
let () =
  Chapter.run
    [
      ("at most so many", at_most_so_many);
      ("a plain function", a_plain_function);
      ("again and again", again_and_again);
      ("keys", keys);
    ]
