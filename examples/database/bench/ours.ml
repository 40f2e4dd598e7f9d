let () = Work.serve (module With_rust_db)
