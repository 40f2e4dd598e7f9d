let on_done name = Lwt_io.printlf "greeted %s" name
let () = Lwt_main.run (Lwt.bind (My_project.greet "world" on_done) Lwt_io.printl)
