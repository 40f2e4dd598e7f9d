(* The request and the answer of the realistic case; the other half is [message.rs]. *)

type header = {
  level : int32;
  proto : int;
  predecessor : string;
  timestamp : int64;
  validation_pass : int;
  operations_hash : string;
  fitness : string list;
  context : string;
  protocol_data : string;
}

type operation = { branch : string; data : string; signature : string option }

type block = {
  chain : string;
  header : header;
  predecessor : header;
  max_operations_ttl : int;
  predecessor_metadata_hash : string option;
  predecessor_operations_metadata_hash : string option;
  testing : bool;
  operations : operation list list;
}

type receipt = { hash : string; metadata : string; gas : int64; error : string option }

type applied = {
  message : string;
  level : int32;
  context : string;
  protocol : int;
  timestamp : int64;
  max_operations_ttl : int;
  last_allowed_fork_level : int32;
  forking : bool;
  fitness : string list;
  block_metadata : string;
  metadata_hash : string option;
  operations_metadata_hash : string option;
  receipts : receipt list list;
}

let receipt { branch; data; signature } =
  {
    hash = branch;
    metadata = data;
    gas = 1_000_000L;
    error = (match signature with None -> Some "unsigned" | Some _ -> None);
  }

let apply ({ header; max_operations_ttl; testing; operations; _ } as block) =
  {
    message = "applied";
    level = header.level;
    context = header.context;
    protocol = header.proto;
    timestamp = header.timestamp;
    max_operations_ttl;
    last_allowed_fork_level = header.level;
    forking = testing;
    fitness = header.fitness;
    block_metadata = header.protocol_data;
    metadata_hash = block.predecessor_metadata_hash;
    operations_metadata_hash = block.predecessor_operations_metadata_hash;
    receipts = List.map (List.map receipt) operations;
  }
