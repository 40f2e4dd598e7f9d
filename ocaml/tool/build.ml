let source_folder () =
  match (Sys.getenv_opt "DUNE_SOURCEROOT", Sys.getenv_opt "INSIDE_DUNE") with
  | Some source, Some inside_dune -> (
      match Workspace.build_context ~inside_dune ~here:(Sys.getcwd ()) with
      | Some inside -> (source, Filename.concat source inside)
      | None -> Fail.with_f "this folder, %s, is not one that dune builds in" (Sys.getcwd ()))
  | _ ->
      Fail.with_
        [
          "`rust-async build` is for the rule of a dune file:";
          "  (run rust-async build CRATE --profile %{profile})";
        ]

(* cargo's folder for dune's profile: `--profile release` is for speed, every other for a short wait. *)
let cargo_profile = function "release" -> ("release", [ "--release" ]) | _ -> ("debug", [])

type wanted = Static_library | Libraries | Declarations | Only_declarations

let said_target ~project =
  match Sys.getenv_opt "CARGO_TARGET_DIR" with
  | Some target when not (Filename.is_relative target) -> target
  | said -> Filename.concat project (Option.value ~default:"target" said)

(* A program of Rust's has its own build wait for this one, so cargo has another folder for it. *)
let target ~host ~project =
  let target = said_target ~project in
  if host then Filename.concat target "rust-async-host" else target

(* Then the crate's build script has nothing to do: OCaml's half is made after its declarations. The declarations are those of the
   features that the program is built with. *)
let cargo ~host arguments =
  if not host then Program.run "cargo" arguments
  else
    let features =
      match Sys.getenv_opt "RUST_ASYNC_FEATURES" with
      | Some features -> [ "--no-default-features"; "--features"; features ]
      | None -> []
    in
    Program.run "env" (("RUST_ASYNC_DECLARES=1" :: "cargo" :: arguments) @ features)

(* A crate that is to be used by others says no path of the bridge's crate: it gets that of this command's version. Nor does it say
   one of a crate of another OCaml library's: it gets that of the library that is installed, which the program links. *)
let patches manifests =
  let patch name path = [ "--config"; Printf.sprintf "patch.crates-io.%s.path=%S" name path ] in
  let is_needed name = List.exists (Manifest.needs name) manifests in
  let of_library { Manifest.name; path; _ } = if is_needed name then patch name (Filename.dirname path) else [] in
  (if is_needed "ocaml-lwt-interop" then patch "ocaml-lwt-interop" (Project.bridge ()) else [])
  @ List.concat_map of_library manifests

type kind = Static | Shared

let crate_type = function Static -> "staticlib" | Shared -> "cdylib"
let extension = function Static -> ".a" | Shared -> ".so"
let for_ocaml name = function Static -> "lib" ^ name ^ "_stubs.a" | Shared -> "dll" ^ name ^ "_stubs.so"

(* Has cargo build [manifest], whose library is called [name], in these ways; gives where each is. *)
let cargo_build ~host ~target ~profile ~manifest ~manifests name kinds =
  let profile_folder, profile = cargo_profile profile in
  let built kind = Filename.concat target (Filename.concat profile_folder ("lib" ^ name ^ extension kind)) in
  let files = List.map built kinds in
  (* What is left of another build must not be taken for this one's; cargo puts them there again. *)
  List.iter (fun file -> if Sys.file_exists file then Sys.remove file) files;
  let crate_types = String.concat "," (List.map crate_type kinds) in
  cargo ~host
    ([ "rustc"; "--lib"; "--crate-type"; crate_types; "--quiet"; "--manifest-path"; manifest; "--target-dir"; target ]
    @ profile @ patches manifests);
  let made file =
    if not (Sys.file_exists file) then
      Fail.with_f
        "cargo has made no %s: the name of the crate is that of `[lib]`, or of `[package]`, in %s; and a target that is set, \
         with CARGO_BUILD_TARGET or build.target, has folders of its own, which this command does not look into"
        file manifest
  in
  List.iter made files;
  built

let kinds = function
  | Static_library -> [ Static ]
  | Libraries | Declarations -> [ Static; Shared ]
  | Only_declarations -> [ Shared ]

(* Gives where the library for bytecode is. *)
let build_all ?(host = false) ~project ~profile ~wanted ~name ~is_one manifests =
  let target = target ~host ~project and kinds = kinds wanted in
  let manifest, built_as =
    match manifests with
    | [ { Manifest.path; _ } ] when is_one -> (path, name)
    | manifests ->
        let linked = name ^ "_linked" in
        (Linked_crate.make ~target ~name:linked manifests, linked)
  in
  let built = cargo_build ~host ~target ~profile ~manifest ~manifests built_as kinds in
  let put kind = Program.run "cp" [ built kind; for_ocaml name kind ] in
  if wanted <> Only_declarations then List.iter put kinds;
  built Shared

let run ~profile ~wanted ?(host = false) ?manifest ?module_ ?(others = []) ?elsewhere crate =
  let project, folder = source_folder () in
  let name = Manifest.library_name crate in
  let own = Manifest.read (Filename.concat folder (Option.value ~default:"Cargo.toml" manifest)) in
  let manifests = own :: List.map (fun path -> Manifest.read (Workspace.source path)) others in
  (* What is declared is the same, and cargo is faster so. *)
  let profile = if host then "dev" else profile in
  if host then Link_flags.write "link_flags.sexp";
  let library = build_all ~host ~project ~profile ~wanted ~name ~is_one:true manifests in
  match wanted with
  | Declarations | Only_declarations ->
      Declare.run ~crate:name ~alone:(others <> []) ?elsewhere ~library (Option.value ~default:name module_)
  | Libraries when others <> [] -> Declare.check library
  | Libraries | Static_library -> ()

let link ~profile name paths =
  let project, _ = source_folder () in
  let manifests = List.map (fun path -> Manifest.read (Workspace.source path)) paths in
  Declare.check (build_all ~project ~profile ~wanted:Libraries ~name ~is_one:false manifests)
