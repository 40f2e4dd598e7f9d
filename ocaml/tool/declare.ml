(* The crate whose functions stand at the top: the only one that has any, if it is not said. *)
let crate said { Description.functions; exceptions; interfaces; _ } =
  let paths = List.map (fun f -> f.Description.path) functions in
  let paths = paths @ List.map (fun e -> e.Description.exception_path) exceptions in
  let paths = paths @ List.map (fun i -> i.Description.interface_path) interfaces in
  let crates = List.sort_uniq compare (List.map List.hd paths) in
  match (said, crates) with
  | _, [] -> Fail.with_ [ "no #[func] is in the library" ]
  | Some crate, crates when List.mem crate crates -> crate
  | Some crate, crates -> Fail.with_f "no #[func] is in the crate %s, but in: %s" crate (String.concat ", " crates)
  | None, [ crate ] -> crate
  | None, crates ->
      Fail.with_f "several crates have functions, %s: say with --crate NAME whose stand at the top"
        (String.concat ", " crates)

let write path text =
  let channel = open_out_bin path in
  Fun.protect ~finally:(fun () -> close_out_noerr channel) (fun () -> output_string channel text)

let description library =
  (* Without a slash, it would be looked for among the system's. *)
  let path = if Filename.is_implicit library then Filename.concat "." library else library in
  match Description.read (Load.declarations path) with
  | exception Failure why -> Fail.with_f "%s: %s" library why
  | exception Description.Unknown what ->
      Fail.with_f "%s: %s is unknown: the crate ocaml-lwt-interop and rust-async are not of one version" library what
  | description -> description

(* Of what has one symbol the linker takes one, without a word. *)
let refuse_shared_symbols description =
  match Problems.shared_symbols description with [] -> () | problems -> Fail.with_ problems

let check library = refuse_shared_symbols (description library)

let run ?crate:said ?(alone = false) ?(elsewhere = []) ~library module_ =
  let description = description library in
  refuse_shared_symbols description;
  let crate = crate said description in
  let description = if alone then Description.only ~crate description else description in
  let description = Description.declared_elsewhere elsewhere description in
  match Problems.problems ~crate description with
  | [] ->
      write (module_ ^ ".ml") (Print.file Implementation ~crate description);
      write (module_ ^ ".mli") (Print.file Interface ~crate description)
  | problems -> Fail.with_ problems
