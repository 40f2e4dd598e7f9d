//! Which symbols a `#[func]` may have.
//!
//! A symbol of the executable comes before the same symbol of a shared library. A function that is exported as
//! `sleep` would be called by everything in the process that means the C library's, and would be handed its
//! arguments as OCaml values.

/// The symbol of a function, unless `#[func(name = "…")]` says another: the crate's name stands before it, so that those of two
/// crates, which know nothing of each other, never meet in a program. Cargo tells the compiler the crate's name; without Cargo it
/// is left out.
pub(crate) fn of_function(name: &str) -> String {
    match std::env::var("CARGO_CRATE_NAME") {
        Ok(crate_name) if is_c_identifier(&crate_name) => format!("{crate_name}__{name}"),
        _ => name.to_owned(),
    }
}

/// The symbols of the C library that a user might well give to an async function. Not complete, and need not be:
/// it is there for the likely accident.
const C_LIBRARY: &str = "\
    abort abs accept access alarm atoi bind calloc chdir chmod chown clock clone close connect \
    copy_file_range creat daemon dup environ execve exit exp fclose fflush flock floor fopen fork \
    free fsync getaddrinfo getenv gethostbyname getpid group_member index ioctl kill link listen log lseek main \
    malloc memcpy memset mkdir mmap mount nanosleep nice open openat pause perror pipe poll popen \
    pow printf puts raise rand random read readdir readlink realloc realpath recv remove rename \
    rmdir round scanf select send sendfile setenv shutdown sigaction signal sleep socket splice stat \
    strlen symlink sync syscall sysinfo system tee time times truncate umask uname unlink usleep \
    wait waitpid write";

/// How the symbols of the OCaml runtime and of Lwt begin.
const OCAML: &[&str] = &["caml_", "lwt_unix_"];

/// The symbol of a function in the `impl` of a type: `pool_fetch`. The one place that says what it looks like.
pub(crate) fn of_method(ty: &str, method: &str) -> String {
    format!("{}_{method}", snake(ty))
}

/// `SomeName` is `some_name`, and `HTTPServer` is `http_server`, as in OCaml's names.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let is_upper = |at: usize| letters.get(at).is_some_and(|c| c.is_uppercase());
    let is_lower = |at: usize| letters.get(at).is_some_and(|c| c.is_lowercase());
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let begins = at > 0
            && is_upper(at)
            && letters[at - 1] != '_'
            && (!is_upper(at - 1) || is_lower(at + 1));
        if begins {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Whether OCaml's `external`, and the C compilers and linkers behind it, take this name.
pub(crate) fn is_c_identifier(name: &str) -> bool {
    let word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    name.bytes().all(word)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

/// Whether somebody else's code already calls a function by this name.
pub(crate) fn is_taken(name: &str) -> bool {
    C_LIBRARY.split(' ').any(|taken| taken == name)
        || OCAML.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{is_c_identifier, is_taken, of_method};

    #[test]
    fn method_has_its_type_before_its_name() {
        for (ty, symbol) in [
            ("Pool", "pool_fetch"),
            ("ConnectionPool", "connection_pool_fetch"),
            ("HTTPServer", "http_server_fetch"),
            ("Utf8", "utf8_fetch"),
            ("Old_Name", "old_name_fetch"),
        ] {
            assert_eq!(of_method(ty, "fetch"), symbol);
        }
    }

    #[test]
    fn c_identifier_is_ascii_and_begins_with_no_digit() {
        for name in ["greet", "_greet", "Greet2", "a"] {
            assert!(is_c_identifier(name), "{name}");
        }
        for name in ["", "2greet", "grüße", "my.greet", "my-greet", "greet "] {
            assert!(!is_c_identifier(name), "{name}");
        }
    }

    #[test]
    fn symbol_of_the_process_is_taken() {
        for name in ["sleep", "read", "caml_alloc", "lwt_unix_read", "main"] {
            assert!(is_taken(name), "{name}");
        }
        for name in ["greet", "mylib_sleep", "sleep_ms", "camel"] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
