let greet name =
  if name = "" then failwith "nobody to greet"
  else Lwt.bind (My_project.wait 10) (fun () -> Lwt.return ("hello " ^ name))

let () = My_project.Greeter.provide { greet }
