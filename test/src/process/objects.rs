//! Objects whose destructors say where they run; see `../../process/objects.ml`.

use std::sync::mpsc;

use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::{func, object};

macro_rules! noisy {
    ($($(#[$attribute:meta])* $name:ident;)*) => {$(
        $(#[$attribute])*
        pub struct $name {
            name: String,
            hangs: bool,
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let here = match DomainExecutor::current() {
                    Some(_) => "at home",
                    None => "elsewhere",
                };
                println!("{} goes {here}", self.name);
                if self.hangs {
                    let (_sender, receiver) = mpsc::channel::<()>();
                    let _ = receiver.recv();
                }
            }
        }

        #[func]
        impl $name {
            #[func(sync)]
            pub fn make(name: String, hangs: bool) -> Self {
                $name { name, hangs }
            }

            #[func(sync)]
            pub fn name(&self) -> String {
                self.name.clone()
            }
        }
    )*};
}

noisy! {
    #[object] ProcessAnywhere;
    #[object(drop = "home")] ProcessHome;
}
