let run program arguments =
  match Sys.command (Filename.quote_command program arguments) with
  | 0 -> ()
  | 127 -> Fail.with_f "there is no %s: is it on your PATH?" program
  | code -> Fail.with_f "%s ended with exit code %d" program code
