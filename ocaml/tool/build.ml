(* Where dune builds: the folder that stands for the project's. Actions run in a folder below it, or below a copy of it. *)
let build_context ~inside_dune ~here =
  let below folder =
    let folder = folder ^ "/" in
    let length = String.length folder in
    if here ^ "/" = folder then Some ""
    else if String.length here > length && String.sub here 0 length = folder then
      Some (String.sub here length (String.length here - length))
    else None
  in
  let drop_first path =
    match String.index_opt path '/' with
    | Some slash -> String.sub path (slash + 1) (String.length path - slash - 1)
    | None -> ""
  in
  match below inside_dune with
  | Some inside -> Some inside
  | None ->
      (* [.sandbox/HASH/CONTEXT] *)
      let sandbox = Filename.concat (Filename.dirname inside_dune) ".sandbox" in
      Option.map (fun inside -> drop_first (drop_first inside)) (below sandbox)

let source_folder () =
  match (Sys.getenv_opt "DUNE_SOURCEROOT", Sys.getenv_opt "INSIDE_DUNE") with
  | Some source, Some inside_dune -> (
      match build_context ~inside_dune ~here:(Sys.getcwd ()) with
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

let library_name crate = String.map (function '-' -> '_' | c -> c) crate

type wanted = Static_library | Libraries | Declarations

let run ~profile ~wanted ?manifest ?module_ crate =
  let project, folder = source_folder () in
  let manifest = Filename.concat folder (Option.value ~default:"Cargo.toml" manifest) in
  if not (Sys.file_exists manifest) then Fail.with_f "%s is not there: say with --manifest-path where the crate is" manifest;
  let name = library_name crate in
  let target =
    match Sys.getenv_opt "CARGO_TARGET_DIR" with
    | Some target when not (Filename.is_relative target) -> target
    | said -> Filename.concat project (Option.value ~default:"target" said)
  in
  let profile_folder, profile = cargo_profile profile in
  let built extension = Filename.concat target (Filename.concat profile_folder ("lib" ^ name ^ extension)) in
  let archive = built ".a" and library = "dll" ^ name ^ "_stubs.so" in
  (* What is left of another build must not be taken for this one's; cargo puts them there again. *)
  List.iter (fun file -> if Sys.file_exists file then Sys.remove file) [ archive; built ".so" ];
  let crate_types = if wanted = Static_library then "staticlib" else "staticlib,cdylib" in
  Program.run "cargo"
    ([ "rustc"; "--lib"; "--crate-type"; crate_types; "--quiet"; "--manifest-path"; manifest; "--target-dir"; target ]
    @ profile);
  if not (Sys.file_exists archive) then
    Fail.with_f
      "cargo has made no %s: the name of the crate is that of `[lib]`, or of `[package]`, in %s; and a target that is set, with \
       CARGO_BUILD_TARGET or build.target, has folders of its own, which this command does not look into"
      archive manifest;
  Program.run "cp" [ archive; "lib" ^ name ^ "_stubs.a" ];
  if wanted <> Static_library then Program.run "cp" [ built ".so"; library ];
  if wanted = Declarations then Declare.run ~crate:name ~library (Option.value ~default:name module_)
