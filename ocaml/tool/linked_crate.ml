let profiles manifests =
  let of_first = match manifests with first :: _ -> Manifest.profiles first | [] -> "" in
  if of_first <> "" then of_first
  else
    String.concat "\n"
      [ "[profile.dev]"; "debug = \"line-tables-only\""; "[profile.release]"; "lto = \"thin\""; "codegen-units = 1" ]

(* A name of its own for each, since the user's may be `core`, or two may be called the same. *)
let dependency i { Manifest.path; name; _ } =
  Printf.sprintf "crate_%d = { package = %S, path = %S }" i name (Filename.dirname path)

let cargo_toml ~name manifests =
  String.concat "\n"
    ([
       "# Made by rust-async.";
       "[package]";
       Printf.sprintf "name = %S" name;
       "version = \"0.0.0\"";
       "edition = \"2021\"";
       "publish = false";
       "[workspace]";
       "[lib]";
       Printf.sprintf "name = %S" name;
       "path = \"lib.rs\"";
       "test = false";
       "doctest = false";
       "[dependencies]";
     ]
    @ List.mapi dependency manifests
    @ [ profiles manifests; "" ])

(* Without a mention, a crate would not be linked. *)
let lib_rs manifests =
  String.concat "" (List.mapi (fun i { Manifest.name; _ } -> Printf.sprintf "use crate_%d as _; // %s\n" i name) manifests)

let read path = if Sys.file_exists path then Some (Manifest.read_file path) else None

(* cargo builds anew what is written anew. *)
let write_if_changed path text = if read path <> Some text then Project.write path text

let rec lock_above folder =
  let lock = Filename.concat folder "Cargo.lock" in
  let parent = Filename.dirname folder in
  if Sys.file_exists lock then Some lock else if parent = folder then None else lock_above parent

let make ~target ~name manifests =
  let paths = List.map (fun { Manifest.path; _ } -> path) manifests in
  let folder = String.concat "-" [ name; String.sub (Digest.to_hex (Digest.string (String.concat ":" paths))) 0 8 ] in
  let folder = Filename.concat target (Filename.concat "rust-async" folder) in
  let path file = Filename.concat folder file in
  write_if_changed (path "lib.rs") (lib_rs manifests);
  write_if_changed (path "Cargo.toml") (cargo_toml ~name manifests);
  (match manifests with
  | { Manifest.path = first; _ } :: _ when not (Sys.file_exists (path "Cargo.lock")) ->
      Option.iter
        (fun lock -> Project.write (path "Cargo.lock") (Manifest.read_file lock))
        (lock_above (Filename.dirname first))
  | _ -> ());
  path "Cargo.toml"
