(* Where caqti is not installed. *)

type pool = |

let connect _ =
  failwith "caqti-lwt and its drivers are not installed (bench.sh --setup)"

let impossible : pool -> 'a = function _ -> .
let run pool _ = impossible pool
let point pool _ = impossible pool
let insert pool _ = impossible pool
let bulk pool _ = impossible pool
let scan = impossible
