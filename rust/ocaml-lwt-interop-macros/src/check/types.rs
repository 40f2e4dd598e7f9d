//! What a type of the signature must not be, and which are objects.

use crate::messages::{self, Errors};
use crate::stream::without_parentheses;
use syn::visit::{self, Visit};
use syn::{GenericArgument, Path, PathArguments, Type, TypeReference};

/// The `T` of a `&T` that may be an object: the compiler knows whether it is. None is a type of the language, or has parameters.
pub(super) fn borrowed_object(ty: &Type) -> Option<&Type> {
    let Type::Reference(TypeReference {
        lifetime: None,
        mutability: None,
        elem,
        ..
    }) = without_parentheses(ty)
    else {
        return None;
    };
    let Type::Path(path) = &**elem else {
        return None;
    };
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let may_be = last.arguments.is_none()
        && name.starts_with(char::is_uppercase)
        && !["String", "Self"].contains(&name.as_str());
    may_be.then_some(elem)
}

/// Where a type stands. A reference in a result is `&'static`, or the compiler says so itself.
#[derive(PartialEq)]
pub(super) enum Place {
    Argument,
    Result,
}

/// Looks through a type, and through the types inside it.
pub(super) struct Types<'a> {
    pub(super) place: Place,
    /// Inside of another type.
    pub(super) inside: bool,
    pub(super) errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Types<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        // Parentheses are no type.
        if matches!(ty, Type::Paren(_) | Type::Group(_)) {
            return visit::visit_type(self, ty);
        }
        match ty {
            Type::Path(path) => self.visit_type_path(path),
            _ => self.inside(|types| visit::visit_type(types, ty)),
        }
    }

    fn visit_path_arguments(&mut self, arguments: &'ast syn::PathArguments) {
        self.inside(|types| visit::visit_path_arguments(types, arguments));
    }

    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        if self.place == Place::Result {
            return visit::visit_type_reference(self, reference);
        }
        let message = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => messages::STR,
            Type::Slice(slice) if matches!(&*slice.elem, Type::Path(path) if path.path.is_ident("u8")) => {
                messages::BYTES
            }
            _ => messages::REFERENCE,
        };
        self.errors.push(message.at(reference));
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if self.place == Place::Argument && lifetime.ident == "_" {
            self.errors.push(messages::REFERENCE.at(lifetime));
        }
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        if is_raw(&path.path) {
            self.errors.push(messages::RAW.at(path));
        } else if path
            .path
            .segments
            .first()
            .is_some_and(|first| first.ident == "Self")
        {
            self.errors.push(messages::METHOD.at(path));
        } else if self.place == Place::Result && self.inside && is_result_of_ocaml_error(&path.path)
        {
            self.errors.push(messages::OCAML_ERROR_INSIDE.at(path));
        } else {
            visit::visit_type_path(self, path);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        let message = match self.place {
            Place::Argument => messages::IMPL_ARGUMENT,
            Place::Result => messages::IMPL_RETURN,
        };
        self.errors.push(message.at(ty));
    }
}

impl Types<'_> {
    fn inside(&mut self, visit: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.inside, true);
        visit(self);
        self.inside = outside;
    }
}

/// `Result<T, ocaml::Error>`, whatever the paths that lead to both.
pub(crate) fn is_result_of_ocaml_error(path: &Path) -> bool {
    let Some(result) = path.segments.last().filter(|last| last.ident == "Result") else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &result.arguments else {
        return false;
    };
    let Some(GenericArgument::Type(error)) = arguments.args.get(1) else {
        return false;
    };
    let Type::Path(error) = without_parentheses(error) else {
        return false;
    };
    let segments = &error.path.segments;
    segments.len() == 2 && segments[0].ident == "ocaml" && segments[1].ident == "Error"
}

/// `Raw` alone, or by a path that begins with `ocaml`: a macro sees names, not what they mean.
pub(crate) fn is_raw(path: &Path) -> bool {
    let (Some(first), Some(last)) = (path.segments.first(), path.segments.last()) else {
        return false;
    };
    last.ident == "Raw" && (path.segments.len() == 1 || first.ident == "ocaml")
}
