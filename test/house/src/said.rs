//! What the sources say to users: their texts, as `doc/messages.md` has them.
//!
//! A text is a string literal of prose, wherever it stands: nobody has to mark a message as one, so none can be forgotten. What a
//! format puts into it is `…`, and white space is one space. What is no message, [`tests`] names with the reason.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The texts of a Rust file, but those of its tests and of its documentation.
///
/// # Panics
/// When it is no Rust.
pub fn of_rust(source: &str) -> Vec<String> {
    let mut texts = Texts::default();
    texts.visit_file(&syn::parse_file(source).expect("a source of Rust's"));
    prose(texts.0, in_rust)
}

#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !crate::is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    /// Of the attributes, only what the compiler says where a type does not fit.
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let first = attribute.path().segments.first();
        if let (true, syn::Meta::List(list)) = (
            first.is_some_and(|name| name.ident == "diagnostic"),
            &attribute.meta,
        ) {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_lit(&mut self, literal: &'ast syn::Lit) {
        self.literal(literal);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

impl Texts {
    fn literal(&mut self, literal: &syn::Lit) {
        let text = match literal {
            syn::Lit::Str(text) => text.value(),
            syn::Lit::ByteStr(text) => String::from_utf8_lossy(&text.value()).into_owned(),
            syn::Lit::CStr(text) => text.value().to_string_lossy().into_owned(),
            _ => return,
        };
        self.0.push(text);
    }

    /// Those of a macro's tokens, but of attributes in them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut is_attribute = false;
        for token in tokens {
            match &token {
                TokenTree::Literal(literal) => self.literal(&syn::Lit::new(literal.clone())),
                TokenTree::Group(group) => {
                    if !(is_attribute && group.delimiter() == Delimiter::Bracket) {
                        self.tokens(group.stream());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
            is_attribute = matches!(&token, TokenTree::Punct(sign) if sign.as_char() == '#');
        }
    }
}

/// The texts of an OCaml file, but those of its comments.
pub fn of_ocaml(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let (mut rest, mut depth) = (source, 0_usize);
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("(*") && !rest.starts_with("(*)") {
            depth += 1;
            rest = &rest[2..];
        } else if depth > 0 && rest.starts_with("*)") {
            depth -= 1;
            rest = &rest[2..];
        } else if next == '"' {
            let (text, behind) = string(&rest[1..]);
            if depth == 0 {
                texts.push(text);
            }
            rest = behind;
        } else if let Some(behind) = character(rest) {
            rest = behind;
        } else {
            rest = &rest[next.len_utf8()..];
        }
    }
    prose(texts, in_ocaml)
}

/// The texts of a C file, but those of its comments and of the files that it includes.
pub fn of_c(source: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut goes_on = false;
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = [("//", "\n"), ("#include", "\n"), ("/*", "*/")]
            .iter()
            .find(|(begin, _)| rest.starts_with(begin));
        if let Some((_, end)) = skipped {
            rest = rest.split_once(end).map_or("", |(_, behind)| behind);
        } else if next == '"' {
            let (text, behind) = string(&rest[1..]);
            match texts.last_mut() {
                Some(before) if goes_on => before.push_str(&text),
                _ => texts.push(text),
            }
            (rest, goes_on) = (behind, true);
        } else {
            goes_on &= next.is_whitespace();
            rest = character(rest).unwrap_or(&rest[next.len_utf8()..]);
        }
    }
    prose(texts, in_ocaml)
}

/// What a string says that began before `rest`, and what stands behind it.
fn string(rest: &str) -> (String, &str) {
    let mut text = String::new();
    let mut signs = rest.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (text, &rest[at + 1..]),
            '\\' => match signs.next().map(|(_, escaped)| escaped) {
                Some('n' | 't' | '\n') => text.push(' '),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            other => text.push(other),
        }
    }
    panic!("a string without an end: {text}")
}

/// What stands behind a character, `'"'` say. (There are `'`s in names and types as well.)
fn character(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('\'')?;
    match inner.strip_prefix('\\') {
        Some(escaped) => escaped.get(1..)?.split_once('\'').map(|(_, behind)| behind),
        None => inner[inner.chars().next()?.len_utf8()..].strip_prefix('\''),
    }
}

/// The literals that are prose: two words and more, or one beside what a format puts in.
fn prose(literals: Vec<String>, shown: fn(&str) -> String) -> Vec<String> {
    let is_word = |word: &&str| word.chars().filter(|c| c.is_ascii_alphabetic()).count() > 1;
    literals
        .into_iter()
        .map(|text| shown(&text))
        .filter(|text| {
            let words = text.split(' ').filter(is_word).count();
            words > 1 || (words == 1 && text.contains(' ') && text.contains('…'))
        })
        .collect()
}

/// With `…` for `{…}`, as `format!` has it.
fn in_rust(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        shown.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            shown.push_str(brace);
            rest = &rest[at + 2..];
        } else {
            shown.push('…');
            let end = rest[at..].find('}').map_or(rest.len(), |end| at + end + 1);
            rest = &rest[end..];
        }
    }
    one_space(&(shown + rest))
}

/// With `…` for `%s`, as `Printf` has it.
fn in_ocaml(text: &str) -> String {
    let mut shown = String::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match (sign, signs.peek()) {
            ('%', Some('%' | '!')) => shown.extend(signs.next().filter(|&c| c == '%')),
            ('%', Some('s' | 'S' | 'd' | 'i')) => {
                signs.next();
                shown.push('…');
            }
            _ => shown.push(sign),
        }
    }
    one_space(&shown)
}

fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
