(* The command line. *)

let default =
  {
    Server.address = "127.0.0.1";
    port = 8080;
    max_header = 16 lsl 10;
    max_body = 16 lsl 20;
    header_timeout = 30.;
    grace = 10.;
  }

let usage = "server [--address IP] [--port N] [--max-header BYTES] [--max-body BYTES] [--header-timeout S] [--grace S]"

let parse () =
  let config = ref default in
  let int f = Arg.Int (fun n -> config := f !config n) and float f = Arg.Float (fun x -> config := f !config x) in
  let { Server.address; port; max_header; max_body; header_timeout; grace } = default in
  let shown format value = Printf.sprintf (format ^^ " (default: %s)") value in
  Arg.parse
    [
      ("--address", String (fun address -> config := { !config with address }), shown "IP  where to listen" address);
      ("--port", int (fun c port -> { c with port }), shown "N  0 for any" (string_of_int port));
      ( "--max-header",
        int (fun c max_header -> { c with max_header }),
        shown "BYTES  of a request's line and headers" (string_of_int max_header) );
      ( "--max-body",
        int (fun c max_body -> { c with max_body }),
        shown "BYTES  of a request's body" (string_of_int max_body) );
      ( "--header-timeout",
        float (fun c header_timeout -> { c with header_timeout }),
        shown "S  for a request's headers to arrive" (string_of_float header_timeout) );
      ( "--grace",
        float (fun c grace -> { c with grace }),
        shown "S  for requests to end, at SIGTERM" (string_of_float grace) );
    ]
    (fun argument -> raise (Arg.Bad ("unexpected: " ^ argument)))
    usage;
  !config
