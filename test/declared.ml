(* Records and variants that cross, in the order of Rust's fields and constructors. *)

type person = { name : string; age : int; nick : string option }
type name = { text : string } [@@unboxed]
type point = { x : float; y : float }

type shape =
  | Empty
  | Circle of float
  | Rectangle of { width : float; height : float }
  | Unknown
  | Named of string * point

type tree = Leaf | Node of tree * int * tree
type ('a, 'b) pair = { first : 'a; second : 'b }

let rec build depth = if depth = 0 then Leaf else Node (build (depth - 1), depth, build (depth - 1))
