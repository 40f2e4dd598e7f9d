//! The plan of the house: a module imports only from modules that `lib.rs` lists before it, and inside a folder only from
//! those that its `mod.rs` lists before it. The file that lists modules stands above them, and they do not import from it.
//! The rooms of `home/` may know one another.
//!
//! [`House::read`] reads a crate file by file; [`House::upward`] gives the imports that look up. An import is a `use`, or a
//! path of two names and more, in code or in a macro's tokens. It is one of the file that defines what it names, and of each
//! file on the way that passes it on by a `use`. A method is not seen, nor what a name means that a macro has made. A module of
//! tests belongs to the file that lists it.

pub mod halves;
pub mod said;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// From the crate's root to a module, or to an item, by names.
type Path = Vec<String>;

/// What a module says, in a file of its own or in braces.
#[derive(Default)]
struct Module {
    /// The module whose file this stands in.
    file: Path,
    /// The modules that it lists, in order.
    modules: Vec<String>,
    /// What a `use` gives a name.
    names: BTreeMap<String, Path>,
    /// Every path that is written in it.
    paths: Vec<Path>,
}

/// A crate.
#[derive(Default)]
pub struct House {
    modules: BTreeMap<Path, Module>,
    /// The names of the files, by their modules.
    files: BTreeMap<Path, String>,
}

impl House {
    /// Reads a crate from its `lib.rs`. `source` gives the text of a file, if it is there.
    ///
    /// # Panics
    /// When a file is missing, or is no Rust.
    pub fn read(source: impl Fn(&str) -> Option<String>) -> House {
        let mut house = House::default();
        house.file(&source, &Path::new(), &Path::new(), ("lib.rs", ""));
        house
    }

    /// Reads the file of the module `at`, which counts as that of `owner`, and what it lists.
    fn file(
        &mut self,
        source: &dyn Fn(&str) -> Option<String>,
        at: &Path,
        owner: &Path,
        (name, folder): (&str, &str),
    ) {
        let text = source(name).unwrap_or_else(|| panic!("there is no {name}"));
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.files.insert(at.clone(), name.to_owned());
        let in_tests = at != owner;
        for (module, is_test) in self.module(at, owner, &file.items) {
            let inner = format!("{folder}{module}/");
            let names = [format!("{folder}{module}.rs"), format!("{inner}mod.rs")];
            let name = names.iter().find(|name| source(name).is_some());
            let name = name.unwrap_or_else(|| panic!("there is none of {names:?}"));
            let at = below(at, &module);
            let owner = if is_test || in_tests { owner } else { &at };
            self.file(source, &at, owner, (name, &inner));
        }
    }

    /// Notes what a module says. Gives the modules that have files of their own, and whether they are tests.
    fn module(&mut self, at: &Path, file: &Path, items: &[syn::Item]) -> Vec<(String, bool)> {
        // There may be two, of which `cfg` takes one.
        let mut module = self.modules.remove(at).unwrap_or_default();
        module.file = file.clone();
        let mut with_files = Vec::new();
        for item in items {
            let syn::Item::Mod(inner) = item else {
                module.visit_item(item);
                continue;
            };
            let name = inner.ident.to_string();
            match &inner.content {
                Some((_, items)) => {
                    let files = self.module(&below(at, &name), file, items);
                    assert!(files.is_empty(), "{name}, in braces, lists files");
                }
                None => with_files.push((name.clone(), is_test(&inner.attrs))),
            }
            module.modules.push(name);
        }
        self.modules.insert(at.clone(), module);
        with_files
    }

    /// Each import that looks up: the file that imports, and the one above.
    pub fn upward(&self) -> BTreeSet<(String, String)> {
        let mut upward = BTreeSet::new();
        for (at, module) in &self.modules {
            let mut files = BTreeSet::new();
            for path in &module.paths {
                self.resolve(&module.file, at, path, &mut files, 0);
            }
            for file in files.iter().filter(|to| self.looks_up(&module.file, to)) {
                upward.insert((self.files[&module.file].clone(), self.files[file].clone()));
            }
        }
        upward
    }

    /// Collects the files that a path leads to and through: it is written in the module `at`, for the file `from`.
    fn resolve(
        &self,
        from: &Path,
        at: &Path,
        path: &[String],
        files: &mut BTreeSet<Path>,
        depth: usize,
    ) {
        // A name that leads to itself.
        if depth > 16 {
            return;
        }
        let mut here = at.clone();
        let mut rest = path;
        while let Some((name, after)) = rest.split_first() {
            match name.as_str() {
                "crate" => here.clear(),
                "self" => {}
                "super" => drop(here.pop()),
                name if self.modules.contains_key(&below(&here, name)) => here.push(name.into()),
                _ => break,
            }
            rest = after;
        }
        let module = &self.modules[&here];
        // The first name of a path is the prelude's, or another crate's, if nobody here gave it.
        let is_known = rest.len() < path.len();
        let passed_on = rest.first().and_then(|name| module.names.get(name));
        match passed_on {
            Some(named) if named != path || is_known => {
                // What a file above passes on is no import from it.
                if is_known && !from.starts_with(&module.file) {
                    files.insert(module.file.clone());
                }
                let named = [named, &rest[1..]].concat();
                self.resolve(from, &here, &named, files, depth + 1);
            }
            _ if is_known && !(rest.is_empty() && from.starts_with(&module.file)) => {
                files.insert(module.file.clone());
            }
            _ => {}
        }
    }

    /// Whether a file must not import from another.
    fn looks_up(&self, from: &Path, to: &Path) -> bool {
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        if from.len() == common || to.len() == common {
            return to.len() < from.len();
        }
        let folder = &from[..common];
        let listed = &self.modules[folder].modules;
        let place = |path: &Path| listed.iter().position(|module| *module == path[common]);
        folder != ["home"] && place(to) > place(from)
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.imported(&item.tree, &Path::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.paths.push(names.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.written(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl Module {
    fn imported(&mut self, tree: &syn::UseTree, before: &Path) {
        let (path, name) = match tree {
            syn::UseTree::Path(path) => {
                return self.imported(&path.tree, &below(before, &path.ident.to_string()));
            }
            syn::UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.imported(tree, before));
            }
            syn::UseTree::Glob(_) => (below(before, "*"), None),
            syn::UseTree::Name(name) if name.ident == "self" => {
                (before.clone(), before.last().cloned())
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                (below(before, &name), Some(name))
            }
            syn::UseTree::Rename(rename) => (
                below(before, &rename.ident.to_string()),
                Some(rename.rename.to_string()),
            ),
        };
        self.names.extend(name.map(|name| (name, path.clone())));
        self.paths.push(path);
    }

    /// The paths among a macro's tokens.
    fn written(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Path::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.paths.push(std::mem::take(&mut path));
                    } else if path.is_empty() {
                        path.push("::".to_owned());
                    }
                    path.push(ident.to_string());
                }
                other => {
                    self.paths.push(std::mem::take(&mut path));
                    if let TokenTree::Group(group) = other {
                        self.written(group.stream());
                    }
                }
            }
            colons = 0;
        }
        self.paths.push(path);
    }
}

fn below(module: &[String], name: &str) -> Path {
    [module, &[name.to_owned()]].concat()
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        matches!(&attribute.meta, syn::Meta::List(list)
            if list.path.is_ident("cfg") && list.tokens.to_string().contains("test"))
    })
}

#[cfg(test)]
mod tests;
