(* The command line. *)

type t = { jobs : int; timeout : float option; paths : string list }

let usage = "usage: checksum [--jobs N] [--timeout SECONDS] [--] PATH..."

let help jobs =
  Printf.sprintf
    {|%s

Prints the SHA-256 of each file, and of every file in each folder, in lines that
sha256sum -c reads. Folders are walked in the order of their names.

  --jobs N           hash at most N files at a time (default here: %d)
  --timeout SECONDS  stop after so long
  --help             print this
  --                 what follows are paths

Exit status: 0, or 1 when a file could not be read, 2 when the command line is
wrong, 124 after the timeout, 130 after Ctrl-C.
|}
    usage jobs

(* [parse ~default_jobs argv] is what was asked for. Exits when that is nothing to go on with. *)
let parse ~default_jobs argv =
  let jobs = ref default_jobs and timeout = ref None and paths = ref [] in
  let bad format = Printf.ksprintf (fun message -> raise (Arg.Bad message)) format in
  let set_jobs n = if n < 1 then bad "--jobs: at least 1, not %d" n else jobs := n in
  let set_timeout seconds =
    (* Beyond it the event loop's own arithmetic may fail. *)
    if seconds > 0. && seconds < 1e9 then timeout := Some seconds
    else bad "--timeout: a number of seconds above 0, not %g" seconds
  in
  let add_path path = paths := path :: !paths in
  let show_help () = raise (Arg.Help "") in
  let options =
    [
      ("--jobs", Arg.Int set_jobs, "");
      ("--timeout", Arg.Float set_timeout, "");
      ("--help", Arg.Unit show_help, "");
      ("-help", Arg.Unit show_help, "");
      ("-h", Arg.Unit show_help, "");
      ("-", Arg.Unit (fun () -> bad "standard input is not read; a file of that name is ./-"), "");
      ("--", Arg.Rest add_path, "");
    ]
  in
  (* It begins Arg's messages. *)
  let argv = Array.copy argv in
  argv.(0) <- "checksum";
  match
    Arg.parse_argv ~current:(ref 0) argv options add_path usage;
    if !paths = [] then raise (Arg.Bad "checksum: no PATH given")
  with
  | () -> { jobs = !jobs; timeout = !timeout; paths = List.rev !paths }
  | exception Arg.Help _ ->
      print_string (help default_jobs);
      exit 0
  | exception Arg.Bad message ->
      (* Behind the first line Arg repeats all options. *)
      let message = List.hd (String.split_on_char '\n' message) in
      Printf.eprintf "%s\n%s\n" message usage;
      exit 2
