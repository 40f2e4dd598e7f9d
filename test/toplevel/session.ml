(* Typed into a toplevel that has loaded rust.cma. *)

open Lwt.Infix;;

print_int (Lwt_main.run (Rust.ready 1));;
print_int (Lwt_main.run (Rust.after 5 2));;
print_int (Lwt_main.run (Rust.tokio 3));;
print_int (Lwt_main.run (Rust.call (fun n -> Lwt_unix.sleep 0.002 >|= fun () -> n) 4));;
print_int (Lwt_main.run (Rust.blocking_call succ 4));;
print_endline (Printf.sprintf " %d" (Lwt_main.run (Rust.sum 1 2 3 4 5 6)));;

match Lwt_main.run (Rust.panic "boom") with
| () -> ()
| exception Rust_async.Rust_panic { message; _ } -> print_endline ("panic: " ^ message)
;;

(* A phrase that fails leaves a session that works. *)
let failed = Lwt_main.run (Lwt.catch (fun () -> Rust.after 1 1 >>= fun _ -> failwith "a phrase") (fun _ -> Lwt.return 7));;

external declared_here : int -> int Lwt.t = "interop_tests__process_tokio";;

print_endline (Printf.sprintf "%d %d" failed (Lwt_main.run (declared_here 8)));;

let future = Rust.never "future";;

Lwt.on_failure future (fun exn -> print_endline (Printexc.to_string exn))
