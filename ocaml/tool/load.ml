external declarations : string -> string = "rust_async_declare_load"
