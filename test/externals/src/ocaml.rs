//! The `external`s of an OCaml source file.

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Where it stands: `file:line`.
    pub place: String,
    /// How many arrows its type has that are not inside of an argument.
    pub arguments: usize,
    /// The symbol that bytecode calls.
    pub bytecode: String,
    /// The symbol that native code calls.
    pub native: String,
    /// An argument or the result is `[@unboxed]` or `[@untagged]`.
    pub unboxed: bool,
}

/// All of them, but for the runtime's own (`%identity`, `caml_…`).
pub fn externals(file: &str, source: &str) -> Vec<External> {
    let text = without_comments(source);
    let mut externals = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find("external") {
        let at = from + found;
        from = at + "external".len();
        let before = text[..at].chars().next_back();
        if before.is_some_and(is_name)
            || text[from..].starts_with(is_name)
            || in_string(&text[..at])
        {
            continue;
        }
        let line = 1 + text[..at].matches('\n').count();
        externals.extend(declaration(&text[from..], format!("{file}:{line}")));
    }
    externals
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '\''
}

/// `NAME : TYPE = "SYMBOL" "SYMBOL"`, up to the first thing that is not of it.
fn declaration(text: &str, place: String) -> Option<External> {
    let (_, rest) = text.split_once(':')?;
    let (ty, rest) = rest.split_once('=')?;
    let mut symbols = Vec::new();
    let mut rest = rest.trim_start();
    while let Some(string) = rest.strip_prefix('"') {
        let (symbol, after) = string.split_once('"')?;
        symbols.push(symbol.to_owned());
        rest = after.trim_start();
    }
    let native = symbols.last()?.clone();
    let bytecode = symbols.first()?.clone();
    if native.starts_with('%') || native.starts_with("caml_") {
        return None;
    }
    Some(External {
        place,
        arguments: arrows(ty),
        bytecode,
        native,
        unboxed: ty.contains("[@unboxed]") || ty.contains("[@untagged]"),
    })
}

fn arrows(ty: &str) -> usize {
    let mut depth = 0;
    let mut arrows = 0;
    let mut previous = ' ';
    for c in ty.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if previous == '-' => arrows += usize::from(depth == 0),
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        previous = c;
    }
    arrows
}

/// An odd number of quotes before it, on its line. (No string here spans lines and has the word.)
fn in_string(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.matches('"').count() % 2 == 1
}

/// Comments become spaces; they nest, and strings inside of them are strings.
fn without_comments(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut characters = source.chars().peekable();
    let mut depth = 0;
    let mut string = false;
    while let Some(c) = characters.next() {
        let mut keep = |c: char| {
            text.push(if depth == 0 || c == '\n' { c } else { ' ' });
        };
        match (c, characters.peek()) {
            ('\\', Some(_)) if string => {
                keep(c);
                keep(characters.next().unwrap_or_default());
            }
            // A character literal: '"'.
            ('\'', Some('"')) if !string => {
                keep(c);
                characters.next();
                keep(' ');
            }
            ('"', _) => {
                string = !string;
                keep(c);
            }
            ('(', Some('*')) if !string => {
                characters.next();
                depth += 1;
                text.push_str("  ");
            }
            ('*', Some(')')) if !string && depth > 0 => {
                characters.next();
                depth -= 1;
                text.push_str("  ");
            }
            _ => keep(c),
        }
    }
    text
}
