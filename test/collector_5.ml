(* A second domain that allocates and collects: every minor collection is one of the domain thread's, too. *)
let beside f =
  let stop = Atomic.make false in
  let collector =
    Domain.spawn (fun () ->
        while not (Atomic.get stop) do
          ignore (Sys.opaque_identity (List.init 100 string_of_int));
          Gc.minor ()
        done)
  in
  Lwt.finalize f (fun () ->
      Atomic.set stop true;
      Domain.join collector;
      Lwt.return_unit)
