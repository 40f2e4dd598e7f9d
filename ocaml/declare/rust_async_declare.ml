(* [rust-async-declare LIBRARY.so MODULE]: writes MODULE.ml and MODULE.mli, the declarations of what LIBRARY.so has. *)

open Rust_async_declarations

let usage = "usage: rust-async-declare [-crate NAME] LIBRARY.so MODULE\nwrites MODULE.ml and MODULE.mli"

let fail lines =
  List.iter (fun line -> prerr_endline ("rust-async-declare: " ^ line)) lines;
  exit 1

(* The crate whose functions stand at the top: the only one that has any, if it is not said. *)
let crate said functions =
  let crates = List.sort_uniq compare (List.map (fun f -> List.hd f.Description.path) functions) in
  match (said, crates) with
  | Some crate, crates when List.mem crate crates -> crate
  | Some crate, crates -> fail [ "no #[func] is in the crate " ^ crate ^ ", but in: " ^ String.concat ", " crates ]
  | None, [ crate ] -> crate
  | None, [] -> fail [ "no #[func] is in the library" ]
  | None, crates ->
      let names = String.concat ", " crates in
      fail [ "several crates have functions, " ^ names ^ ": say with -crate NAME whose stand at the top" ]

let write path text =
  let channel = open_out_bin path in
  output_string channel text;
  close_out channel

let () =
  let said = ref None and arguments = ref [] in
  Arg.parse
    [ ("-crate", Arg.String (fun name -> said := Some name), "NAME the crate whose functions stand at the top") ]
    (fun argument -> arguments := !arguments @ [ argument ])
    usage;
  match !arguments with
  | [ library; name ] -> (
      (* Without a slash, it would be looked for among the system's. *)
      let path = if Filename.is_implicit library then Filename.concat "." library else library in
      match Description.read (Load.declarations path) with
      | exception Failure why -> fail [ library ^ ": " ^ why ]
      | exception Description.Unknown what ->
          fail [ library ^ ": " ^ what ^ " is unknown: the crate ocaml-lwt-interop and rust-async are not of one version" ]
      | (_, functions) as described -> (
          let crate = crate !said functions in
          match Print.problems ~crate described with
          | [] ->
              write (name ^ ".ml") (Print.file Implementation ~crate described);
              write (name ^ ".mli") (Print.file Interface ~crate described)
          | problems -> fail problems))
  | _ -> fail [ usage ]
