(* Cases that failed once: laws, which `fuzz.exe --kept` runs. *)

let all : (string * Rules.case) list ref = ref []
let add name case = all := (name, case) :: !all
