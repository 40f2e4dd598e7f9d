let () = Work.serve (module With_caqti)
