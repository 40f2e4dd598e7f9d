exception Refused of string list

let with_ lines = raise (Refused lines)
let with_f format = Printf.ksprintf (fun line -> with_ [ line ]) format
