(* Which files there are, in a fixed order: that of the command line, and of the names within a folder. *)

open Lwt.Syntax

type item =
  | File of { path : string; size : int }  (** To be hashed; it may turn out to be unreadable. *)
  | Failure of Checksum.failure  (** A folder that cannot be read. *)

let names folder =
  let* handle = Lwt_unix.opendir folder in
  let rec more names =
    let* batch = Lwt_unix.readdir_n handle 1024 in
    if batch = [||] then Lwt.return names else more (List.rev_append (Array.to_list batch) names)
  in
  let+ names = Lwt.finalize (fun () -> more []) (fun () -> Lwt_unix.closedir handle) in
  List.sort String.compare (List.filter (fun name -> name <> "." && name <> "..") names)

let kind_and_size stat path =
  Lwt.catch
    (fun () ->
      let+ stats = stat path in
      Some (stats.Unix.st_kind, stats.Unix.st_size))
    (function Unix.Unix_error _ -> Lwt.return_none | exn -> Lwt.fail exn)

(* [iter f paths] calls [f] on one item after the other, and goes on when its promise is fulfilled.

   What is named is followed when it is a link to a file. What is found in a folder is taken only if it is a regular
   file or a folder: links could lead round in circles, and reading a FIFO or a device may never end. *)
let iter f paths =
  let rec named path =
    let* found = kind_and_size Lwt_unix.lstat path in
    match found with
    | Some (S_DIR, _) -> folder path
    | _ ->
        let* found = kind_and_size Lwt_unix.stat path in
        f (File { path; size = Option.fold ~none:0 ~some:snd found })
  and folder path =
    let* names =
      Lwt.catch
        (fun () -> Lwt.map Result.ok (names path))
        (function
          | Unix.Unix_error (error, _, _) -> Lwt.return_error (Unix.error_message error)
          | exn -> Lwt.fail exn)
    in
    match names with
    | Ok names -> Lwt_list.iter_s (fun name -> entry (Filename.concat path name)) names
    | Error reason -> f (Failure { path; reason })
  and entry path =
    let* found = kind_and_size Lwt_unix.lstat path in
    match found with
    | Some (S_DIR, _) -> folder path
    | Some (S_REG, size) -> f (File { path; size })
    | Some _ -> Lwt.return_unit
    | None -> f (File { path; size = 0 })
  in
  Lwt_list.iter_s named paths
