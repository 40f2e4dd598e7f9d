(* From the text that a Rust library gives to declarations, and to refusals. *)

open Rust_async_tool

let read lines = Description.read (String.concat "\n" ("(rust-async-declarations 1)" :: lines))
let law name body = Alcotest.test_case name `Quick body

(* As Rust writes a string. *)
let quoted text =
  let escaped = function ('"' | '\\') as c -> Printf.sprintf "\\%c" c | c -> String.make 1 c in
  Printf.sprintf "\"%s\"" (String.concat "" (List.map escaped (List.of_seq (String.to_seq text))))

let func ?(docs = "") ?(symbol = "f") ?(arguments = "") ?(result = {|(named "int")|}) path =
  let module_, name = path in
  let strings = String.concat " " (List.map quoted [ symbol; name; module_; docs ]) in
  Printf.sprintf "(function %s value alone (%s) %s)" strings arguments result

let record ?(name = "R") ?(fields = {|("x" "" (named "int"))|}) key =
  Printf.sprintf {|(type %s %s 0 "" (record %s))|} (quoted key) (quoted name) fields

let refused lines expected =
  Alcotest.(check (list string)) "problems" expected (Problems.problems ~crate:"c" (read lines))

let refusals () =
  refused [ func ("c", "f"); func ~symbol:"g" ("c::m", "f") ] [];
  refused
    [ func ("c", "f"); func ~symbol:"g" ("c", "f") ]
    [ "c::f and c::f are both the function f in OCaml" ];
  refused
    [ func ("c", "f"); func ("c::m", "g") ]
    [ "c::f and c::m::g are both the symbol f in OCaml" ];
  refused
    [ record "c::a::R"; record "c::b::R" ]
    [ "c::a::R and c::b::R are both the type r in OCaml; `#[ocaml(name = \"…\")]` gives one another name" ];
  refused [ func ~result:{|(named "option" (refused "no"))|} ("c", "f") ] [ "c::f: no" ];
  refused
    [ func ~arguments:{|("p" optional "p" (named "int")) ("u" plain (named "unit"))|} ("c", "f") ]
    [ "c::f: p is optional, and is no Option in Rust" ];
  refused [ {|(exception "c::E" "E" "c" "" (unnamed (refused "no")))|} ] [ "c::E: no" ];
  refused
    [ {|(exception "c::E" "E" "c" "" (unnamed))|}; {|(exception "c::F" "E" "c" "" (unnamed))|} ]
    [ "c::E and c::F are both the exception E in OCaml" ];
  refused [ {|(type "c::R" "R" 0 "" (refused "they differ"))|} ] [ "c::R: they differ" ];
  refused
    [ {|(exception "c::E" "Ea" "c" "" (unnamed))|}; {|(exception "c::E" "Eb" "c" "" (unnamed))|} ]
    [ "Ea and Eb are both the exception c::E in OCaml, by their path: give one another name in Rust" ];
  let other = "; `#[ocaml(name = \"…\")]` gives one another name" in
  let fields = {|("fooBar" "" (named "int")) ("foo_bar" "" (named "int"))|} in
  let same_field = "fooBar of c::R and foo_bar of c::R are both the field foo_bar in OCaml" ^ other in
  refused [ record ~fields "c::R" ] [ same_field ];
  refused [ Printf.sprintf {|(type "c::R" "R" 0 "" (variant ("A" "" (named %s))))|} fields ] [ same_field ];
  refused [ Printf.sprintf {|(exception "c::R" "R" "c" "" (named %s))|} fields ] [ same_field ];
  refused
    [ {|(type "c::V" "V" 0 "" (variant ("a" "" (unnamed)) ("A" "" (unnamed))))|} ]
    [ "a of c::V and A of c::V are both the constructor A in OCaml" ^ other ];
  refused
    [ {|(type "c::V" "V" 0 "" (polymorphic ("A" "" (unnamed)) ("A" "" (unnamed))))|} ]
    [ "A of c::V and A of c::V are both the tag A in OCaml" ^ other ];
  refused
    [ {|(type "c::V" "V" 0 "" (polymorphic ("azdwbie" "" (unnamed)) ("c7diagq" "" (unnamed))))|} ]
    [ Printf.sprintf "azdwbie of c::V and c7diagq of c::V are both tags of the number %d in OCaml%s"
        (Obj.magic `azdwbie : int) other ];
  let impossible place name =
    Printf.sprintf "%s: OCaml's names are of ASCII letters, digits and _, a letter or _ first, and %s is not" place name
  in
  refused [ func ("c", "für") ] [ impossible "c::für" "für" ];
  refused [ {|(exception "c::E" "1x" "c" "" (named ("größe" "" (named "int"))))|} ]
    [ impossible "c::E" "1x"; impossible "c::E" "größe" ];
  refused [ {|(type "c::V" "V" 0 "" (variant ("B" "" (named ("x : int; y" "" (named "int"))))))|} ]
    [ impossible "c::V" "x : int; y" ]

let other_version () =
  List.iter
    (fun text ->
      match Description.read text with
      | exception Description.Unknown _ -> ()
      | _ -> Alcotest.failf "%S was read" text)
    [ ""; "(rust-async-declarations 2)"; "(rust-async-declarations 1"; "(rust-async-declarations 1) (new)"; {|("|} ]

let printed file lines = Print.file file ~crate:"c" (read lines)

let documentation () =
  let docs text = printed Interface [ func ~docs:text ("c", "f") ] in
  let holds name text expected =
    let printed = docs text in
    let length = String.length expected in
    let rec at i = i + length <= String.length printed && (String.sub printed i length = expected || at (i + 1)) in
    if not (at 0) then Alcotest.failf "%s: %S is not in %s" name expected printed
  in
  holds "code and what odoc reads" " {a} [x] `y[0]` @b" {|\{a\} \[x\] [y\[0\]] \@b|};
  holds "links" " [`Foo`](crate::Foo), [`Bar`] and [here](https://a.b)" "[Foo], [Bar] and {{:https://a.b} here}";
  holds "headings and code" " # Errors\n ```\n a[0]\n ```" "{b Errors}\n    {[\n    a[0]\n    ]}";
  (* What would end the comment, or never let it end. *)
  holds "end of a comment" " a *) b" "[@@ocaml.doc {doc| [f ()]\n\n    a *) b |doc}]";
  holds "quote" " one \" quote" "[@@ocaml.doc {doc|";
  holds "end of a quoted string" " ```\n \" |doc}\n ```" "[@@ocaml.doc {docx|"

let elsewhere () =
  let types =
    [
      record "other::m::R"; record ~name:"Own" ~fields:{|("r" "" (declared "other::m::R"))|} "c::Own";
      {|(type "other::E" "E" 0 "" (polymorphic ("A" "" (unnamed))))|};
    ]
  in
  let f = func ~arguments:{|("own" plain (declared "c::Own"))|} ~result:{|(declared "other::E")|} ("c", "f") in
  let library = Description.declared_elsewhere [ ("other", "Other") ] (read (f :: types)) in
  Alcotest.(check (list string)) "problems" [] (Problems.problems ~crate:"c" library);
  Alcotest.(check string) "what is declared"
    "(* Made from Rust by rust-async. *)\n\n\ntype own = {\n  r : Other.r;\n} [@@boxed]\n\n\
     external f : own -> [> Other.e ] = \"f\"\n"
    (Print.file Implementation ~crate:"c" library)

let names () =
  let check name expected = Alcotest.(check string) name expected (Names.type_ name) in
  check "SomeName" "some_name";
  check "HTTPServer" "http_server";
  check "already_one" "already_one";
  check "Point3D" "point3d";
  check "Type" "type_";
  check "List" "list_"

let () =
  Alcotest.run "printing"
    [
      ( "declarations",
        [
          law "what OCaml does not have is refused" refusals;
          law "text of another version is refused" other_version;
          law "documentation is odoc's" documentation;
          law "names are OCaml's" names;
          law "types that another module declares are named there" elsewhere;
        ] );
    ]
