(* Externals that are written by hand, and what is found in them. *)

open Rust_async_tool

let library =
  Description.read
    {|(rust-async-declarations 1)
(type "c::Person" "Person" 0 "" (record ("name" "" (named "string")) ("age" "" (named "int")) ("friends" "" (named "list" (declared "c::Person")))))
(type "c::Pair" "Pair" 2 "" (record ("first" "" (var 0)) ("second" "" (var 1))))
(type "c::Shape" "Shape" 0 "" (variant ("Empty" "" (unnamed)) ("Circle" "" (unnamed (named "float") (named "int"))) ("Square" "" (named ("side" "" (named "float"))))))
(type "c::Meters" "Meters" 0 "" (unboxed-variant ("Meters" "" (unnamed (named "float")))))
(type "c::Couple" "Couple" 0 "" (variant ("Couple" "" (unnamed (named "int") (named "string")))))
(type "c::NetError" "NetError" 0 "" (polymorphic ("Timeout" "" (unnamed)) ("Io" "" (unnamed (named "string")))))
(function "greet" "greet" "c" "" promise alone (("name" plain (named "string")) ("done" plain (arrow ((named "string")) (named "Lwt.t" (named "unit"))))) (named "string"))
(function "person" "person" "c" "" value alone (("p" plain (declared "c::Person"))) (declared "c::Pair" (named "int") (declared "c::Person")))
(function "shape" "shape" "c" "" value alone (("s" plain (declared "c::Shape"))) (declared "c::Meters"))
(function "byte" "byte" "c" "" value alone (("b" plain (byte)) ("any" plain (named "Obj.t"))) (named "int64"))
(function "nothing" "nothing" "c" "" value alone () (named "unit"))
(function "couple" "couple" "c" "" value alone (("c" plain (declared "c::Couple"))) (named "result" (named "int") (declared "c::NetError")))
(function "open" "open" "c" "" value alone (("path" labelled "path" (named "string")) ("port" optional "port" (named "option" (named "int"))) ("u" plain (named "unit"))) (named "unit"))
(function "adder" "adder" "c" "" value alone (("f" plain (arrow ((named "int")) (named "int")))) (arrow ((named "int")) (named "int")))
(function "two" "two" "c" "" value alone () (tuple (declared "c::Pair" (named "int") (named "int")) (declared "c::Pair" (named "string") (named "int"))))
(function "net" "net" "c" "" value alone (("f" plain (arrow ((declared "c::NetError")) (named "unit")))) (declared "c::NetError"))
(function "int" "int" "c" "" value alone (("n" plain (named "int"))) (named "int"))
(function "six" "six" "c" "" value twin (("a" plain (named "int")) ("b" plain (named "int")) ("c" plain (named "int")) ("d" plain (named "int")) ("e" plain (named "int")) ("f" plain (named "int"))) (named "int"))
(type "c::Pool" "Pool" 0 "" (object))
(type "c::File" "File" 0 "" (object))
(function "pool_open" "open" "c::Pool" "" promise alone (("url" plain (named "string"))) (declared "c::Pool"))
(function "pool_file" "file" "c::Pool" "" value alone (("self" plain (declared "c::Pool"))) (declared "c::File"))
(crate "c" "00")|}

let checked text = Check.externals library (Source.read [ ("dir/hand.ml", text) ])

let agrees what text =
  match checked text with
  | { problems = []; externals = 1 } -> ()
  | { problems = []; externals } -> Alcotest.failf "%s: %d externals were seen" what externals
  | { problems; _ } -> Alcotest.failf "%s: %s" what (String.concat "\n" problems)

(* [expected] is what the first problem has in it. *)
let lies what expected text =
  let has text =
    let length = String.length expected in
    let rec from i = i + length <= String.length text && (String.sub text i length = expected || from (i + 1)) in
    from 0
  in
  match checked text with
  | { problems = first :: _; _ } when has first -> ()
  | { problems; _ } -> Alcotest.failf "%s: not %S, but %s" what expected (String.concat "\n" problems)

let agreeing () =
  agrees "as it is" {|external greet : string -> (string -> unit Lwt.t) -> string Lwt.t = "greet"|};
  agrees "by another name, with comments"
    {x|(* external "(* *)" *) external g : string (* {|"|} *) -> (bytes -> unit Lwt.t) -> string Lwt.t = "greet"|x};
  agrees "alias" {|type name = string type 'a then_ = 'a -> unit Lwt.t
    external greet : name -> name then_ -> name Lwt.t = "greet"|};
  agrees "records" {|type person = { name : string; mutable age : int; friends : person list }
    and ('a, 'b) pair = { first : 'a; second : 'b }
    external person : person -> (int, person) pair = "person"|};
  agrees "types of a module" {|module Types = struct
      type name = string
      type t = { name : name; age : int; friends : t list }
      type ('b, 'a) pair = { first : 'b; second : 'a }
    end
    type name = int
    external person : Types.t -> (int, Types.t) Types.pair = "person"|};
  agrees "variants" {|type shape = Empty | Circle of float * int | Square of { side : float }
    type meters = Meters of float [@@unboxed]
    let c = 'a' let d = '"' let e = '\''
    external shape : shape -> meters = "shape"|};
  agrees "characters, any value" {|external byte : char -> 'a list -> int64 = "byte"|};
  agrees "unit" {|external nothing : unit -> unit = "nothing"|};
  agrees "tuple and tags" {|type error = [ `Io of string | `Timeout ]
    external couple : int * string -> (int, [> error ]) result = "couple"|};
  agrees "labels" {|external open_ : path:string -> ?port:int -> unit -> unit = "open"|};
  agrees "labels of their own, and none" {|external open_ : string -> int option -> unit -> unit = "open"|};
  agrees "function that is returned, by an alias" {|type f = int -> int external adder : (int -> int) -> f = "adder"|};
  agrees "arguments of a type, each time"
    {|type ('a, 'b) pair = { first : 'a; second : 'b } external two : unit -> (int, int) pair * (string, int) pair = "two"|};
  agrees "tags, more and fewer" {|external net : ([> `Timeout | `Io of string ] -> unit) -> [> `Timeout | `Io of string ] = "net"|};
  agrees "what is in a signature, a functor or an expression is there only"
    {|module type S = sig type t = string end module F (X : sig type t = string end) = struct type t = string end
      let f () = let open struct type t = string end in ()
      type t = int external int : t -> t = "int"|};
  agrees "a quote in a comment" {|(* the character '"' *) external int : int -> int = "int"|};
  agrees "a module that is called as what it stands for"
    {|module Types = Types.V1 external int : int -> int = "int"|};
  agrees "an object, an abstract type" {|type pool external open_ : string -> pool Lwt.t = "pool_open"|};
  agrees "objects, of modules" {|module Pool = struct type t end module File = struct type t end
    external file : Pool.t -> File.t = "pool_file"|};
  agrees "six" {|external six : int -> int -> int -> int -> int -> int -> int = "six_bytecode" "six"|}

let lying () =
  lies "another argument" "dir/hand.ml:2: greet: c::greet: OCaml says int where Rust has string"
    "\nexternal greet : int -> (string -> unit Lwt.t) -> string Lwt.t = \"greet\"";
  lies "another result" "OCaml says int where Rust has string"
    {|external greet : string -> (string -> unit Lwt.t) -> int Lwt.t = "greet"|};
  lies "no promise" "OCaml says string where Rust has string Lwt.t"
    {|external greet : string -> (string -> unit Lwt.t) -> string = "greet"|};
  lies "an argument too many" "where Rust has string Lwt.t"
    {|external greet : string -> (string -> unit Lwt.t) -> int -> string Lwt.t = "greet"|};
  lies "an argument missing" "where Rust has one argument more" {|external greet : string -> string = "greet"|};
  lies "int for int64" "OCaml says int where Rust has int64" {|external byte : int -> int -> int = "byte"|};
  lies "char for an int" "OCaml says char where Rust has int"
    {|external six : char -> int -> int -> int -> int -> int -> int = "six_bytecode" "six"|};
  lies "fields swapped" "fields age, name, friends"
    {|type person = { age : int; name : string; friends : person list }
      type ('a, 'b) pair = { first : 'a; second : 'b }
      external person : person -> (int, person) pair = "person"|};
  lies "a field of another type" "field age of Hand.person : string"
    {|type person = { name : string; age : string; friends : person list }
      type ('a, 'b) pair = { first : 'a; second : 'b }
      external person : person -> (int, person) pair = "person"|};
  lies "arguments of a type swapped" "field first of Hand.pair : string"
    {|type person = { name : string; age : int; friends : person list }
      type ('a, 'b) pair = { first : 'a; second : 'b }
      external person : person -> (string, person) pair = "person"|};
  lies "a constructor more" "constructors Empty, Other"
    {|type shape = Empty | Other | Circle of float * int | Square of { side : float }
      type meters = Meters of float [@@unboxed]
      external shape : shape -> meters = "shape"|};
  lies "a constructor of a tuple" "constructor Circle"
    {|type shape = Empty | Circle of (float * int) | Square of { side : float }
      type meters = Meters of float [@@unboxed]
      external shape : shape -> meters = "shape"|};
  lies "not unboxed" "c::Meters, unboxed"
    {|type shape = Empty | Circle of float * int | Square of { side : float }
      type meters = Meters of float
      external shape : shape -> meters = "shape"|};
  lies "a tag more" "where Rust has net_error"
    {|external couple : int * string -> (int, [ `Io of string | `Timeout | `Other ]) result = "couple"|};
  lies "a tag of another value" "OCaml says int where Rust has string"
    {|external couple : int * string -> (int, [ `Io of int | `Timeout ]) result = "couple"|};
  lies "optional, and no option in Rust" "?path" {|external open_ : ?path:string -> ?port:int -> unit -> unit = "open"|};
  lies "not optional" "OCaml says int where Rust has int option"
    {|external open_ : path:string -> port:int -> unit -> unit = "open"|};
  lies "an object that is no abstract type" "OCaml says Hand.pool, another kind of type where Rust has c::Pool"
    {|type pool = { url : string } external open_ : string -> pool Lwt.t = "pool_open"|};
  lies "an object that is an int" "OCaml says int where Rust has pool" {|external open_ : string -> int Lwt.t = "pool_open"|};
  lies "one abstract type for two objects" "OCaml says Hand.pool, which stands for c::Pool where Rust has c::File"
    {|type pool external open_ : string -> pool Lwt.t = "pool_open" external file : pool -> pool = "pool_file"|};
  lies "unknown type" "OCaml says Unknown.t where Rust has string"
    {|external greet : Unknown.t -> (string -> unit Lwt.t) -> string Lwt.t = "greet"|};
  lies "no symbol for bytecode" {|the symbols are "six_bytecode" "six"|}
    {|external six : int -> int -> int -> int -> int -> int -> int = "six"|};
  lies "noalloc" "noalloc" {|external nothing : unit -> unit = "nothing" [@@noalloc]|};
  lies "unboxed" "no OCaml value" {|external byte : (int [@untagged]) -> int -> int64 = "byte" |};
  lies "arrows that are counted" "an alias of" {|external adder : (int -> int) -> int -> int = "adder"|};
  lies "one type for two" "field first of Hand.pair : int"
    {|type ('a, 'b) pair = { first : 'a; second : 'b } external two : unit -> (int, int) pair * (int, int) pair = "two"|};
  lies "a result of fewer tags" "where Rust has net_error"
    {|external net : ([ `Timeout | `Io of string ] -> unit) -> [< `Timeout | `Io of string ] = "net"|};
  lies "a callback of fewer tags" "where Rust has net_error"
    {|external net : ([< `Timeout | `Io of string ] -> unit) -> [ `Timeout | `Io of string ] = "net"|};
  List.iter
    (fun before -> lies before "where Rust has int" (before ^ {| type t = string external int : t -> t = "int"|}))
    [
      "module type S = sig type t = int end";
      "module F (X : sig type t = int end) = struct type t = int end";
      "module M : sig type t val x : t end = struct type t = int let x = 3 end";
      "let f () = let open struct type t = int end in ()";
      "type t = int";
    ];
  lies "a module that is opened" "where Rust has int"
    {|type t = int module M = struct type t = string end open M external int : t -> t = "int"|};
  lies "a module with a type of OCaml's name" "where Rust has int"
    {|module M = struct type int = string end open M external int : int -> int = "int"|};
  lies "behind a quote in a comment" "OCaml says string where Rust has int"
    {|(* '"' *) external int : string -> string = "int"|};
  lies "another symbol" "no function of the library" {|external int : int -> int = "int" "other"|};
  lies "a symbol with an escape" "no function of the library" {|external int : string -> string = "\105nt"|};
  lies "what cannot be read" "this command can read" {|external nothing : < m : int > -> unit = "nothing"|}

let person = "{ name : string; age : int; friends : person list }"

(* What names mean where they stand, as OCaml has it. *)
let scopes () =
  agrees "a type of the name outside" {|type t = int module M = struct type nonrec t = t external int : t -> t = "int" end|};
  agrees "a module that is opened"
    {|type t = string module M = struct type t = int end open M external int : t -> t = "int"|};
  agrees "what is declared behind an external" {|type t = int external int : t -> t = "int" type t = string|};
  lies "what is declared before it, twice" "OCaml says string where Rust has int"
    {|type t = int type t = string external int : t -> t = "int"|};
  agrees "a module that includes another"
    {|module M = struct type t = int end module N = struct include M type u = t end
      type t = string external int : N.t -> N.u = "int"|};
  agrees "included, and a structure" {|include struct type t = int end external int : t -> t = "int"|};
  lies "included" "OCaml says string where Rust has int"
    {|type t = int module M = struct type t = string end include M external int : t -> t = "int"|};
  agrees "a signature that includes another"
    {|module type S = sig type t = int end module type T = sig include S end module M : T = struct type t = int end
      external int : M.t -> M.t = "int"|};
  lies "a signature that hides a type" "OCaml says Hand.M.t where Rust has int"
    {|module M : sig type t end = struct type t = int end external int : M.t -> M.t = "int"|};
  agrees "opened in an expression only"
    {|module M = struct type t = string end type t = int let f () = let open M in () external int : t -> t = "int"|};
  agrees "a module in an expression"
    {|type t = int let f () = let module M = struct type t = string end in () external int : t -> t = "int"|};
  agrees "a module by another name"
    {|module M = struct module N = struct type t = int end end module A = M.N external int : A.t -> A.t = "int"|};
  agrees "a type variable of a function"
    {|let f : type a. a -> a = fun x -> x let g (type t) (x : t) = x type t = int external int : t -> t = "int"|};
  agrees "a type that is extended" {|type exn += Mine of int type t = .. type t += Other external int : int -> int = "int"|};
  agrees "in a functor" {|module F (X : sig type t end) = struct type u = int external int : u -> u = "int" end|};
  agrees "what OCaml and Lwt call otherwise" {|external byte : Char.t -> 'a -> Int64.t = "byte"|};
  lies "what OCaml calls otherwise, and a file does not" "OCaml says string where Rust has int"
    {|module Int = struct type t = string end external int : Int.t -> Int.t = "int"|};
  agrees "constructors with a result"
    {|type _ pair_ = A : 'a -> 'a pair_ type shape = Empty : shape | Circle : float * int -> shape | Square : { side : float } -> shape
      type meters = Meters : float -> meters [@@unboxed] external shape : shape -> meters = "shape"|};
  lies "constructors with a result, swapped" "field first of Hand.pair : string"
    {|type ('a, 'b) pair = Pair of { first : 'a; second : 'b }
      type nonrec ('a, 'b) pair = { first : 'b; second : 'a }
      type person = { name : string; age : int; friends : person list }
      external person : person -> (int, string) pair = "person"|}

(* What is not looked into is said, with the reason. *)
let skipped () =
  let says what reason text = lies what ("(which is not compared: " ^ reason ^ ")") text in
  says "made by a functor" "a functor makes it"
    {|module M = Map.Make (String) external int : M.t -> int = "int"|};
  says "of a functor" "is a functor" {|module F (X : S) = struct type t = int end external int : F.t -> int = "int"|};
  says "of its argument" "it is of the argument of a functor"
    {|type t = int module X = struct type t = int end
      module F (X : sig type t = string end) = struct external int : X.t -> int = "int" end|};
  says "behind what a functor makes" "a functor makes it"
    {|type t = int include Make (String) external int : t -> int = "int"|};
  agrees "declared behind what a functor makes"
    {|include Make (String) type t = int external int : t -> int = "int"|};
  says "signature of another file" "its signature, Other.S, is not among the files"
    {|module M : Other.S = struct type t = int end external int : M.t -> int = "int"|};
  says "with" "its signature has a `with`"
    {|module type S = sig type t end module M : S with type t = int = struct type t = int end
      external int : M.t -> int = "int"|};
  says "recursive module, in itself" "its module is recursive"
    {|module rec M : sig type t = int end = struct type t = int external int : M.t -> int = "int" end|};
  says "type with a result of its own" "one of its constructors has a type of its own"
    {|type _ t = Int : int t | String : string t external int : int t -> int = "int"|};
  says "hidden type" "one of its constructors hides a type" {|type t = Any : 'a -> t external int : t -> int = "int"|};
  says "constraint" "it has a constraint" {|type 'a t = 'a list constraint 'a = int external int : int t -> int = "int"|};
  says "object type" "its declaration is none that this command can read"
    {|type t = int type t = < m : int > external int : t -> int = "int"|};
  says "module as a value" "the expression of its module is none that this command can read"
    {|module M = (val m : S) external int : M.t -> int = "int"|};
  says "several included" "its module includes several that are not among the files"
    {|module M = struct include A include B end external int : M.t -> int = "int"|}

let several () =
  let read files = Check.externals library (Source.read files) in
  let says what expected files =
    match read files with
    | { problems; _ } when List.length problems = expected -> ()
    | { problems; _ } -> Alcotest.failf "%s: %s" what (String.concat "\n" problems)
  in
  let types = ("types.ml", "type person = " ^ person ^ " type ('a, 'b) pair = { first : 'a; second : 'b }") in
  let external_ = {| external person : person -> (int, person) pair = "person"|} in
  says "another file, opened" 0 [ ("hand.ml", "open Types" ^ external_); types ];
  says "another file, included" 0 [ ("hand.ml", "open All" ^ external_); ("all.ml", "include Types"); types ];
  says "another file, by its name" 0
    [ types; ("hand.ml", {|external person : Types.person -> (int, Types.person) Types.pair = "person"|}) ];
  says "its interface is what is seen" 1
    [ ("hand.ml", "open Types" ^ external_); types; ("types.mli", "type person type ('a, 'b) pair = { first : 'a; second : 'b }") ];
  says "files that need one another" 1
    [ ("hand.ml", "open Types" ^ external_); ("types.ml", "include Hand") ];
  match read [ types; ("other/types.ml", "") ] with
  | exception Fail.Refused [ why ] ->
      Alcotest.(check string) "two of one module" "types.ml and other/types.ml are both the module Types: compare them one by one" why
  | _ -> Alcotest.fail "two files of one module"

let () =
  Alcotest.run "check"
    [
      ( "externals by hand",
        [
          Alcotest.test_case "what agrees is left alone" `Quick agreeing;
          Alcotest.test_case "what lies is found" `Quick lying;
          Alcotest.test_case "names mean what they mean in OCaml" `Quick scopes;
          Alcotest.test_case "what is not compared is said" `Quick skipped;
          Alcotest.test_case "several files" `Quick several;
        ] );
    ]
