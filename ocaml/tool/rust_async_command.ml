(* The command [rust-async]. *)

open Rust_async_tool

let usage =
  [
    "usage: rust-async new FOLDER [--library]     makes a project: a crate, an OCaml program or library that uses it, tests";
    "       rust-async new FOLDER --host          makes a project: a program of Rust's with OCaml inside, tests";
    "       rust-async build CRATE [OPTION]…      for a dune rule: has cargo build the crate, and declares its functions";
    "       rust-async link NAME Cargo.toml…       for a dune rule: has cargo build the crates of several OCaml libraries together";
    "       rust-async declare LIBRARY.so MODULE  writes MODULE.ml and MODULE.mli, the declarations of a library";
    "       rust-async check LIBRARY.so FILE.ml…  compares externals that are written by hand with a library's functions";
    "rust-async COMMAND --help tells the options.";
  ]

let refuse lines =
  List.iter (fun line -> prerr_endline ("rust-async: " ^ line)) lines;
  exit 1

let misused () =
  List.iter prerr_endline usage;
  exit 2

(* The arguments that are no options, in their order. *)
let arguments usage options =
  let found = ref [] in
  let current = ref 1 in
  (try Arg.parse_argv ~current Sys.argv options (fun argument -> found := argument :: !found) usage with
  | Arg.Help text ->
      print_string text;
      exit 0
  | Arg.Bad text ->
      prerr_string text;
      exit 2);
  List.rev !found

let optional cell name text = (name, Arg.String (fun value -> cell := Some value), text)

let build () =
  let profile = ref "dev" and manifest = ref None and module_ = ref None and wanted = ref Build.Declarations in
  let others = ref [] and elsewhere = ref [] and host = ref false in
  let types text =
    match String.split_on_char '=' text with
    | [ crate; module_ ] when crate <> "" && module_ <> "" -> elsewhere := (Manifest.library_name crate, module_) :: !elsewhere
    | _ -> raise (Arg.Bad "--types CRATE=MODULE")
  in
  let found =
    arguments "usage: rust-async build CRATE [OPTION]…"
      [
        ("--profile", Arg.Set_string profile, "PROFILE dune's: %{profile}");
        optional manifest "--manifest-path" "PATH where Cargo.toml is, from the folder of the dune file";
        ( "--no-declarations",
          Arg.Unit (fun () -> wanted := Build.Libraries),
          " only the libraries: externals are written by hand" );
        ("--static", Arg.Unit (fun () -> wanted := Build.Static_library), " only the static library, for native code");
        ( "--declarations-only",
          Arg.Unit (fun () -> wanted := Build.Only_declarations),
          " only the declarations: for an OCaml library, which programs link" );
        ( "--host",
          Arg.Unit
            (fun () ->
              wanted := Build.Only_declarations;
              host := true),
          " only the declarations: for the OCaml half of a program of Rust's" );
        ( "--with",
          Arg.String (fun path -> others := path :: !others),
          "PATH the Cargo.toml of another OCaml library's crate, which is linked as well: %{lib:LIBRARY:rust/Cargo.toml}" );
        ( "--types",
          Arg.String types,
          "CRATE=MODULE the types of another OCaml library's crate are those that MODULE declares" );
        optional module_ "--module" "NAME the module of the declarations, if it is not called as the crate";
      ]
  in
  match found with
  | [ crate ] ->
      Build.run ~profile:!profile ~wanted:!wanted ~host:!host ?manifest:!manifest ?module_:!module_ ~others:(List.rev !others)
        ~elsewhere:!elsewhere crate
  | _ -> misused ()

let link () =
  let profile = ref "dev" in
  match
    arguments "usage: rust-async link NAME Cargo.toml… [OPTION]…"
      [ ("--profile", Arg.Set_string profile, "PROFILE dune's: %{profile}") ]
  with
  | name :: (_ :: _ as manifests) -> Build.link ~profile:!profile name manifests
  | _ -> misused ()

let declare () =
  let crate = ref None in
  match
    arguments "usage: rust-async declare LIBRARY.so MODULE [OPTION]…"
      [ optional crate "--crate" "NAME whose functions stand at the top, where several crates have functions" ]
  with
  | [ library; module_ ] -> Declare.run ?crate:!crate ~library module_
  | _ -> misused ()

let check () =
  match arguments "usage: rust-async check LIBRARY.so FILE.ml…" [] with
  | library :: (_ :: _ as files) -> Check.run ~library files
  | _ -> misused ()

let new_project () =
  let kind = ref Project.Program in
  match
    arguments "usage: rust-async new FOLDER [OPTION]"
      [
        ("--library", Arg.Unit (fun () -> kind := Library), " an OCaml library for others, and no program");
        ("--host", Arg.Unit (fun () -> kind := Host), " a program of Rust's, with OCaml inside");
      ]
  with
  | [ folder ] -> Project.make !kind folder
  | _ -> misused ()

let () =
  let command =
    match if Array.length Sys.argv > 1 then Sys.argv.(1) else "" with
    | "build" -> build
    | "link" -> link
    | "declare" -> declare
    | "check" -> check
    | "new" -> new_project
    | "--help" | "help" -> fun () -> List.iter print_endline usage
    | _ -> misused
  in
  try command () with
  | Fail.Refused lines -> refuse lines
  | Sys_error why -> refuse [ why ]
