open Lwt.Syntax

type kind = Driver.kind = Connect | Timeout | Status of int | Tls | Body | Request

exception Failed = Driver.Failure.Failed

type client = Driver.client

let client ?(connect_timeout = 10.) ?(certificates = []) () =
  Driver.Client.create connect_timeout (Array.of_list certificates)

type meth = Driver.meth = Get | Head | Put | Delete | Post

type response = {
  status : int;
  headers : (string * string) list;
  length : int option;
  body : string Lwt_stream.t;
}

(* {1 Bodies of requests} *)

(* A new stream, and how it is closed. *)
type body = unit -> (string Lwt_stream.t * (unit -> unit Lwt.t)) Lwt.t

let of_stream ?(close = Lwt.return) make () = Lwt.return (make (), close)
let of_string string = of_stream (fun () -> Lwt_stream.of_list [ string ])

let of_channel channel =
  Lwt_stream.from (fun () ->
      let+ chunk = Lwt_io.read ~count:65536 channel in
      if chunk = "" then None else Some chunk)

let of_file path () =
  let+ channel = Lwt_io.open_file ~mode:Lwt_io.Input path in
  (of_channel channel, fun () -> Lwt_io.close channel)

let with_body body f =
  match body with
  | None -> f None
  | Some body ->
      let* stream, close = body () in
      Lwt.finalize (fun () -> f (Some stream)) close

(* {1 Tries} *)

type retry = { tries : int; pause : float }

let retry = { tries = 5; pause = 0.2 }
let once = { tries = 1; pause = 0. }
let is_idempotent = function Get | Head | Put | Delete -> true | Post -> false

let may_pass = function
  | Failed ((Connect | Timeout | Body), _) -> true
  | Failed (Status (408 | 425 | 429 | 500 | 502 | 503 | 504), _) -> true
  | _ -> false

let pause_after { pause; _ } tried = pause *. (2. ** float_of_int (tried - 1)) *. (0.5 +. Random.float 0.5)

let try_once client meth headers body timeout url f =
  with_body body (fun body ->
      let* response = Driver.Client.send client { meth; url; headers; body; timeout } in
      let { Driver.status; headers; length; body } = response in
      Rust_async.Stream.with_stream body (fun body ->
          if status / 100 = 2 then f { status; headers; length; body }
          else Lwt.fail (Failed (Status status, Printf.sprintf "status %d" status))))

let call ?(meth = Get) ?(headers = []) ?body ?timeout ?(retry = retry) client url f =
  let rec next tried =
    Lwt.catch
      (fun () -> try_once client meth headers body timeout url f)
      (fun exn ->
        if tried < retry.tries && is_idempotent meth && may_pass exn then
          let* () = Lwt_unix.sleep (pause_after retry tried) in
          next (tried + 1)
        else Lwt.fail exn)
  in
  next 1

(* {1 Bodies of responses} *)

let write_to ?(progress = ignore) channel response =
  Lwt_stream.iter_s
    (fun chunk ->
      (* A write to a file cannot be cancelled: `Lwt.cancel` would pass without a trace. *)
      let+ () = Lwt.protected (Lwt_io.write channel chunk) in
      progress (String.length chunk))
    response.body

let read response =
  let all = Buffer.create 4096 in
  let+ () = Lwt_stream.iter (Buffer.add_string all) response.body in
  Buffer.contents all

let save ?(progress = fun ~got:_ ~length:_ -> ()) ?timeout ?retry client url path =
  let part = path ^ ".part" in
  let write response channel =
    let got = ref 0 in
    let progress more =
      got := !got + more;
      progress ~got:!got ~length:response.length
    in
    progress 0;
    write_to ~progress channel response
  in
  Lwt.catch
    (fun () ->
      let* () =
        call ?timeout ?retry client url (fun response ->
            (* Opened anew, and empty, for each try. *)
            Lwt_io.with_file ~mode:Lwt_io.Output part (write response))
      in
      Lwt_unix.rename part path)
    (fun exn ->
      (try Sys.remove part with Sys_error _ -> ());
      Lwt.fail exn)
