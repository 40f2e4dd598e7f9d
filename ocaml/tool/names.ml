let keywords =
  String.split_on_char ' '
    "and as assert asr begin class constraint do done downto effect else end exception external false for fun function \
     functor if in include inherit initializer land lazy let lor lsl lsr lxor match method mod module mutable new nonrec \
     object of open or private rec sig struct then to true try type val virtual when while with"

(* The first is one of ours. *)
let types =
  String.split_on_char ' '
    "returned array bool bytes char exn extension_constructor float floatarray format format4 format6 fpclass in_channel int int32 int64 \
     lazy_t list nativeint option out_channel ref result string unit"

let unless_in names name = if List.mem name names then name ^ "_" else name

(* [SomeName] is [some_name], and [HTTPServer] is [http_server]. *)
let snake name =
  let buffer = Buffer.create (String.length name + 4) in
  let is_upper at = at < String.length name && name.[at] = Char.uppercase_ascii name.[at] && name.[at] <> '_' in
  let is_letter c = c <> Char.uppercase_ascii c || c <> Char.lowercase_ascii c in
  String.iteri
    (fun at c ->
      let begins =
        at > 0 && is_letter c && is_upper at
        && name.[at - 1] <> '_'
        && ((not (is_upper (at - 1))) || (at + 1 < String.length name && not (is_upper (at + 1)) && name.[at + 1] <> '_'))
      in
      if begins then Buffer.add_char buffer '_';
      Buffer.add_char buffer (Char.lowercase_ascii c))
    name;
  Buffer.contents buffer

let value name = unless_in keywords (snake name)
let type_ ?(taken = []) name = unless_in (taken @ types) (value name)
let constructor = String.capitalize_ascii
let module_ ~taken name = unless_in taken (String.capitalize_ascii name)

(* As `caml_hash_variant` does. *)
let tag_number name =
  let number = Seq.fold_left (fun number c -> ((223 * number) + Char.code c) land 0x7fffffff) 0 (String.to_seq name) in
  if number > 0x3fffffff then number - 0x80000000 else number

let is_possible name =
  name <> ""
  && (match name.[0] with 'a' .. 'z' | 'A' .. 'Z' | '_' -> true | _ -> false)
  && String.for_all (function 'a' .. 'z' | 'A' .. 'Z' | '0' .. '9' | '_' -> true | _ -> false) name
