//! Which return types are streams. A macro sees names, not what they mean, so it is `impl Stream`, by any path.

use syn::{
    GenericArgument, PathArguments, Type, TypeGroup, TypeImplTrait, TypeParamBound, TypeParen,
};

/// An `impl Stream` in a return type.
pub(crate) struct Found<'a> {
    pub(crate) stream: &'a TypeImplTrait,
    /// It is the first argument of a `Result`.
    pub(crate) in_result: bool,
    /// The other arguments of the `Result`.
    pub(crate) rest: Vec<&'a GenericArgument>,
}

/// `impl Stream<…>` or `Result<impl Stream<…>, …>`.
pub(crate) fn find(ty: &Type) -> Option<Found<'_>> {
    let path = match ty {
        Type::ImplTrait(stream) if is_stream(stream) => {
            return Some(Found {
                stream,
                in_result: false,
                rest: Vec::new(),
            });
        }
        Type::Path(path) => &path.path,
        _ => return None,
    };
    let result = path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &result.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    let Some(GenericArgument::Type(first)) = arguments.next() else {
        return None;
    };
    match without_parentheses(first) {
        Type::ImplTrait(stream) if is_stream(stream) => Some(Found {
            stream,
            in_result: true,
            rest: arguments.collect(),
        }),
        _ => None,
    }
}

pub(crate) fn without_parentheses(mut ty: &Type) -> &Type {
    while let Type::Paren(TypeParen { elem, .. }) | Type::Group(TypeGroup { elem, .. }) = ty {
        ty = elem;
    }
    ty
}

/// `use<>` is among the bounds: nothing that the function was given by reference is in the stream.
pub(crate) fn captures_nothing(ty: &TypeImplTrait) -> bool {
    ty.bounds.iter().any(|bound| match bound {
        TypeParamBound::PreciseCapture(captured) => captured.params.is_empty(),
        _ => false,
    })
}

fn is_stream(ty: &TypeImplTrait) -> bool {
    ty.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Stream"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn stream_is_an_impl_of_that_name_by_any_path() {
        for (ty, in_result) in [
            ("impl Stream<Item = u8>", false),
            ("impl futures::Stream<Item = u8> + Send", false),
            (
                "impl Unpin + ::futures_core::stream::Stream<Item = u8>",
                false,
            ),
            ("Result<impl Stream<Item = u8>, Error>", true),
            ("std::result::Result<(impl Stream<Item = u8>), Error>", true),
        ] {
            let ty = syn::parse_str(ty).unwrap();
            assert_eq!(find(&ty).unwrap().in_result, in_result);
        }
        for ty in [
            "impl Future",
            "Stream<u8>",
            "Vec<impl Stream>",
            "Result<u8, impl Stream>",
        ] {
            assert!(find(&syn::parse_str(ty).unwrap()).is_none(), "{ty}");
        }
    }
}
