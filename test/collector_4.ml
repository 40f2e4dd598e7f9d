(* Allocates and collects beside the main thread, which gives way to it now and then. *)
let beside f =
  let stop = ref false in
  let collector =
    Thread.create
      (fun () ->
        while not !stop do
          ignore (Sys.opaque_identity (List.init 100 string_of_int));
          Gc.minor ();
          Thread.yield ()
        done)
      ()
  in
  Lwt.finalize f (fun () ->
      stop := true;
      Thread.join collector;
      Lwt.return_unit)
