let () = Case.main []
