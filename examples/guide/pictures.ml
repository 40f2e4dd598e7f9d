(* Chapter 8: bytes without copies. *)

open Lwt.Syntax

(* A server on a free port, which says so to whom connects. *)
let saying text f =
  let answer _ (_, output) =
    let* () = Lwt_io.write output text in
    Lwt_io.flush output
  in
  let socket = Lwt_unix.socket PF_INET SOCK_STREAM 0 in
  let* () = Lwt_unix.bind socket (ADDR_INET (Unix.inet_addr_loopback, 0)) in
  let port = match Lwt_unix.getsockname socket with ADDR_INET (_, port) -> port | ADDR_UNIX _ -> assert false in
  let* () = Lwt_unix.close socket in
  let* server = Lwt_io.establish_server_with_client_address (ADDR_INET (Unix.inet_addr_loopback, port)) answer in
  Lwt.finalize (fun () -> f port) (fun () -> Lwt_io.shutdown_server server)

(* -- OCaml's memory in Rust -- *)
open Links.Pictures

let ocaml's_memory_in_rust () =
  saying "a small picture" (fun port ->
      let buffer = Lwt_bytes.create 100 in
      let received = receive port buffer in
      Printf.printf "meanwhile OCaml sees %d bytes\n" (Lwt_bytes.length buffer);
      let+ length = received in
      Printf.printf "%d of %d: %s\n" length (Lwt_bytes.length buffer)
        (Lwt_bytes.to_string (Lwt_bytes.extract buffer 0 length)))

(* -- Rust's memory in OCaml -- *)
let rust's_memory_in_ocaml () =
  let picture = Lwt_bytes.of_string "abracadabra" in
  let+ counts = histogram picture in
  Printf.printf "%Ld times a, of %d counts\n" counts.{Char.code 'a'} (Bigarray.Array1.dim counts)

(* -- -- *)
let () =
  Chapter.run
    [ ("OCaml's memory in Rust", ocaml's_memory_in_rust); ("Rust's memory in OCaml", rust's_memory_in_ocaml) ]
