(* What a crate and a module cannot be called: Rust's keywords and its own crates, and modules that the project uses. OCaml's
   keywords are no modules, so they may be: they begin with a capital letter there. *)
let taken =
  String.split_on_char ' '
    "abstract alloc as async await become box break const continue core crate do dyn else enum extern false final fn for gen if \
     impl in let loop macro match mod move mut ocaml override priv proc-macro pub ref return self static std stdlib struct \
     super test tokio trait true try type typeof unsafe unsized use virtual where while yield alcotest condition event main mutex \
     ocaml-lwt-interop rust-async semaphore thread threads unix"

let check_name name =
  let letter = function 'a' .. 'z' -> true | _ -> false in
  let fine = function 'a' .. 'z' | '0' .. '9' | '-' | '_' -> true | _ -> false in
  if name = "" || (not (letter name.[0])) || not (String.for_all fine name) then
    Fail.with_f "%S is no name for a crate and a module: small letters of ASCII, digits, - and _, a letter first" name;
  let is_lwt = String.length name >= 3 && String.sub name 0 3 = "lwt" in
  if is_lwt || List.mem (String.map (function '_' -> '-' | c -> c) name) taken then
    Fail.with_f "%S is taken: by Rust, OCaml or a library that the project uses" name

let replace ~each ~by text =
  let length = String.length each in
  let buffer = Buffer.create (String.length text) in
  let rec go at =
    if at + length > String.length text then Buffer.add_substring buffer text at (String.length text - at)
    else if String.sub text at length = each then (
      Buffer.add_string buffer by;
      go (at + length))
    else (
      Buffer.add_char buffer text.[at];
      go (at + 1))
  in
  go 0;
  Buffer.contents buffer

let rec make_folder path =
  if not (Sys.file_exists path) then (
    make_folder (Filename.dirname path);
    Sys.mkdir path 0o755)

let write path text =
  make_folder (Filename.dirname path);
  let channel = open_out_bin path in
  Fun.protect ~finally:(fun () -> close_out channel) (fun () -> output_string channel text)

let has_crate folder = Sys.file_exists (Filename.concat folder "rust/ocaml-lwt-interop/Cargo.toml")

(* Where the crate is: the clone that this program was built in, or what was installed with it. *)
type home = Clone of string | Installed of string

let home () =
  let is_source folder = not (List.mem "_build" (String.split_on_char '/' folder)) in
  let rec above folder =
    if is_source folder && has_crate folder then Some (Clone folder)
    else
      let parent = Filename.dirname folder in
      if parent = folder then None else above parent
  in
  let bin = Filename.dirname Sys.executable_name in
  let share = Filename.concat (Filename.dirname bin) "share/rust-async" in
  if has_crate share then Installed share
  else
    (* In a project, dune builds this command too, of the sources of the clone. *)
    match above (Workspace.source bin) with
    | Some clone -> clone
    | None -> Fail.with_f "the crate ocaml-lwt-interop is neither in %s nor above %s" share bin

let bridge () =
  let folder = match home () with Clone folder | Installed folder -> folder in
  Filename.concat folder "rust/ocaml-lwt-interop"

type kind = Program | Library | Host

(* [file] inside [folder], if it is there. *)
let inside folder file =
  let length = String.length folder in
  if String.length file > length && String.sub file 0 length = folder then
    Some (String.sub file length (String.length file - length))
  else None

(* Where a file of the template goes, of the kind that is made. The crate of a library has a folder of its own; a host's has other
   sources and tests. *)
let place kind file =
  let own, crate = match kind with Program -> ("program/", "") | Library -> ("library/", "rust/") | Host -> ("host/", "") in
  match (inside "both/" file, inside own file) with
  | Some "gitignore", _ -> Some ".gitignore"
  | Some _, _ when kind = Host -> None
  | Some "src/lib.rs", _ -> Some (crate ^ "src/lib.rs")
  | _, Some "cargo/config.toml" -> Some ".cargo/config.toml"
  | Some file, _ | None, Some file -> Some file
  | None, None -> None

let next = function
  | Program -> [ "dune exec ./bin/main.exe"; "dune test" ]
  | Library -> [ "dune build"; "dune test" ]
  | Host -> [ "cargo run"; "cargo test" ]

let make kind folder =
  let name = Filename.basename folder in
  check_name name;
  if Sys.file_exists folder then Fail.with_f "%s is there already" folder;
  let module_ = Manifest.library_name name in
  let home = home () in
  let crate = match home with Clone _ -> "rust-async" | Installed share -> share in
  let filled text =
    text
    |> replace ~each:"my-project" ~by:name
    |> replace ~each:"my_project" ~by:module_
    |> replace ~each:"My_project" ~by:(String.capitalize_ascii module_)
    |> replace ~each:"RUST_ASYNC" ~by:crate
  in
  let path file = Filename.concat folder (replace ~each:"my_project" ~by:module_ file) in
  List.iter
    (fun (file, text) -> Option.iter (fun file -> write (path file) (filled text)) (place kind file))
    Template.files;
  (match home with
  | Installed _ -> ()
  | Clone clone -> Program.run "ln" [ "-s"; clone; Filename.concat folder "rust-async" ]);
  Printf.printf "%s is made. Next:\n\n    cd %s\n" folder folder;
  List.iter (Printf.printf "    %s\n") (next kind)
