let () =
  Node.Protocol.provide
    {
      version = (fun () -> "alpha-1");
      genesis = Protocol.genesis;
      apply_block = Protocol.apply_block;
      account = Protocol.account;
    }
