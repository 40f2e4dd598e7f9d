//! The functions that a Rust source file exports for OCaml.

use syn::visit::Visit;
use syn::{
    Attribute, Expr, ExprLit, File, FnArg, Item, ItemFn, ItemMacro, ItemMod, Lit, Meta, Type,
};

/// A function with a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it stands: `file:line`.
    pub place: String,
    /// The symbol.
    pub symbol: String,
    /// How many arguments it has; none stands for `unit`.
    pub arguments: usize,
}

/// All that the file declares with `#[func]`, `#[ocaml::func]`, `#[no_mangle]`, `#[export_name]`, or in `exports!`, in the crate of
/// this name.
///
/// # Errors
/// The file is no Rust.
pub fn functions(crate_name: &str, file: &str, source: &str) -> Result<Vec<Function>, String> {
    let parsed = syn::parse_file(source).map_err(|error| format!("{file}: {error}"))?;
    let mut found = Found {
        crate_name,
        file,
        functions: Vec::new(),
        not_parsed: false,
    };
    found.visit_file(&parsed);
    if found.not_parsed {
        return Err(format!("{file}: something in exports! is no function"));
    }
    Ok(found.functions)
}

struct Found<'a> {
    crate_name: &'a str,
    file: &'a str,
    functions: Vec<Function>,
    not_parsed: bool,
}

impl Visit<'_> for Found<'_> {
    fn visit_item_fn(&mut self, function: &ItemFn) {
        let name = function.sig.ident.to_string();
        if let Some(symbol) = function
            .attrs
            .iter()
            .find_map(|a| symbol(a, self.crate_name, &name))
        {
            let line = function.sig.ident.span().start().line;
            self.functions.push(Function {
                place: format!("{}:{line}", self.file),
                symbol,
                arguments: function.sig.inputs.len(),
            });
        }
        syn::visit::visit_item_fn(self, function);
    }

    /// The functions of `exports!`, whose first argument may be a proof, which OCaml does not pass.
    fn visit_item_macro(&mut self, item: &ItemMacro) {
        if !item.mac.path.is_ident("exports") {
            return;
        }
        let functions = item.mac.parse_body::<File>();
        self.not_parsed |= functions.is_err();
        for item in functions.iter().flat_map(|file| &file.items) {
            let Item::Fn(ItemFn { sig, .. }) = item else {
                self.not_parsed = true;
                continue;
            };
            let is_proof = |argument: &FnArg| matches!(argument, FnArg::Typed(a) if matches!(&*a.ty, Type::Path(ty) if ty.path.is_ident("Access")));
            self.functions.push(Function {
                place: format!("{}:{}", self.file, sig.ident.span().start().line),
                symbol: sig.ident.to_string(),
                arguments: sig
                    .inputs
                    .iter()
                    .filter(|argument| !is_proof(argument))
                    .count(),
            });
        }
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        let test = |a: &Attribute| matches!(&a.meta, Meta::List(l) if l.path.is_ident("cfg") && l.tokens.to_string() == "test");
        if !module.attrs.iter().any(test) {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

/// The symbol that an attribute gives to the function `name`. Ours has the crate's name before the function's, ocaml-rs's has not.
fn symbol(attribute: &Attribute, crate_name: &str, name: &str) -> Option<String> {
    let segments = &attribute.path().segments;
    let is_ours = segments.first()?.ident != "ocaml";
    let last = segments.last()?.ident.to_string();
    match (last.as_str(), &attribute.meta) {
        ("func", meta) if is_ours => {
            Some(option(meta, "name").unwrap_or_else(|| format!("{crate_name}__{name}")))
        }
        ("func", _) => Some(name.to_owned()),
        ("no_mangle", _) => Some(name.to_owned()),
        ("export_name", Meta::NameValue(value)) => text(&value.value),
        ("unsafe", Meta::List(list)) => match syn::parse2::<Meta>(list.tokens.clone()).ok()? {
            Meta::Path(path) if path.is_ident("no_mangle") => Some(name.to_owned()),
            Meta::NameValue(value) if value.path.is_ident("export_name") => text(&value.value),
            _ => None,
        },
        _ => None,
    }
}

/// `wanted = "…"` among the options of an attribute.
fn option(meta: &Meta, wanted: &str) -> Option<String> {
    let Meta::List(list) = meta else { return None };
    let mut found = None;
    // An option that is no text is skipped, as far as it goes: `#[ocaml::func(gc)]` has a bare name.
    let _ = list.parse_nested_meta(|option| {
        if let Ok(value) = option.value() {
            let value: Expr = value.parse()?;
            if option.path.is_ident(wanted) {
                found = text(&value);
            }
        }
        Ok(())
    });
    found
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}
