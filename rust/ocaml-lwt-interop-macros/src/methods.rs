//! `#[func]` on an `impl` block: each of its functions that is `pub`, or has a `#[func]` of its own with options.
//!
//! A function is read as if it stood alone, with `Self` written out and without `self`, which becomes the first argument: an object
//! that the call borrows.

use crate::check::{self, Argument, Exported, Owner};
use crate::messages::{self, Errors};
use crate::parse::{self, Options};
use crate::{expand, stream};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ItemFn, ItemImpl, Meta, Receiver, ReturnType, Type,
    Visibility,
};

/// The block, and a symbol for each of its functions; or the errors, and the block.
pub(crate) fn expand(options: TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut errors = Errors::default();
    let of_block = parse::options(options, &mut errors);
    if let Some(other) = of_block.first_but_crate() {
        errors.push(messages::IMPL_OPTION.at(other));
    }
    let mut owner = owner(&block, &mut errors);
    let mut symbols = TokenStream::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let attribute = take_attribute(&mut method.attrs);
        if attribute.is_none() && !matches!(method.vis, Visibility::Public(_)) {
            continue;
        }
        let Some(owner) = &mut owner else { continue };
        owner.index += 1;
        let options = options_of(attribute.as_ref(), &of_block, &mut errors);
        let (function, exported) = read(method, options, owner, &mut errors);
        symbols.extend(expand::symbol(&function, &exported, &block.attrs));
        expand::stays(&mut method.attrs, &mut method.sig, &exported);
    }
    match errors.report() {
        None => quote!(#block #symbols),
        Some(report) => quote!(#report #block),
    }
}

fn owner(block: &ItemImpl, errors: &mut Errors) -> Option<Owner> {
    if let Some((_, of, _)) = &block.trait_ {
        errors.push(messages::IMPL_TRAIT.at(of));
        return None;
    }
    let last = match &*block.self_ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let last = last.filter(|last| block.generics.params.is_empty() && last.arguments.is_none());
    let Some(last) = last else {
        errors.push(messages::IMPL_GENERIC.at(&block.self_ty));
        return None;
    };
    Some(Owner {
        ty: Type::clone(&block.self_ty),
        name: last.ident.to_string(),
        index: 0,
    })
}

/// Takes the `#[func]` of a function, which is for this macro.
fn take_attribute(attributes: &mut Vec<Attribute>) -> Option<Attribute> {
    let is_ours = |attribute: &Attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "func")
    };
    let at = attributes.iter().position(is_ours)?;
    Some(attributes.remove(at))
}

fn options_of(attribute: Option<&Attribute>, of_block: &Options, errors: &mut Errors) -> Options {
    let tokens = match attribute.map(|attribute| &attribute.meta) {
        Some(Meta::List(list)) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let mut options = parse::options(tokens, errors);
    options.interop.clone_from(&of_block.interop);
    options
}

/// The function as if it stood alone.
fn read(
    method: &ImplItemFn,
    options: Options,
    owner: &Owner,
    errors: &mut Errors,
) -> (ItemFn, Exported) {
    let mut sig = method.sig.clone();
    let receiver = match sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => Some(receiver.clone()),
        _ => None,
    };
    if let Some(receiver) = &receiver {
        self_is_borrowed(receiver, errors);
        sig.inputs = sig.inputs.into_iter().skip(1).collect();
    }
    let ImplItemFn {
        attrs, vis, block, ..
    } = method;
    let sig = written_out(sig.to_token_stream(), &owner.ty);
    let function = quote!(#(#attrs)* #vis #sig #block);
    let function: ItemFn = match syn::parse2::<ItemFn>(function) {
        Ok(function) => function,
        Err(_) => unreachable!("what was a function is one with its type written out"),
    };
    let mut exported = check::function(&function, options, Some(owner.clone()), errors);
    if receiver.is_some() {
        let this = Argument::object("self", &owner.ty, &exported.interop);
        exported.arguments.insert(0, this);
    }
    if exported.borrows() {
        stream_borrows_nothing(&function, errors);
    }
    (function, exported)
}

fn self_is_borrowed(receiver: &Receiver, errors: &mut Errors) {
    if receiver.colon_token.is_some() || receiver.reference.is_none() {
        errors.push(messages::SELF_BY_VALUE.at(receiver));
    } else if receiver.mutability.is_some() {
        errors.push(messages::MUT_SELF.at(receiver));
    } else if let Some((_, Some(lifetime))) = &receiver.reference {
        errors.push(messages::LIFETIME_PARAMETER.about(lifetime, receiver));
    }
}

/// A stream lives longer than the call whose objects it could borrow.
fn stream_borrows_nothing(function: &ItemFn, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return;
    };
    let Some(found) = stream::find(stream::without_parentheses(ty)) else {
        return;
    };
    if function.sig.asyncness.is_some() {
        errors.push(messages::STREAM_IN_METHOD.at(found.stream));
    } else if !stream::captures_nothing(found.stream) {
        errors.push(messages::STREAM_BORROWS.at(found.stream));
    }
}

/// `Self`, which has no meaning outside of the block, written out.
fn written_out(tokens: TokenStream, ty: &Type) -> TokenStream {
    let mut written = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => ty.to_tokens(&mut written),
            TokenTree::Group(group) => {
                let inside = written_out(group.stream(), ty);
                let mut group_written = Group::new(group.delimiter(), inside);
                group_written.set_span(group.span());
                written.extend([TokenTree::Group(group_written)]);
            }
            token => written.extend([token]),
        }
    }
    written
}

/// The block that an attribute stands on, if it is one.
pub(crate) fn block(item: &TokenStream) -> Option<ItemImpl> {
    let parse = <ItemImpl as syn::parse::Parse>::parse;
    parse.parse2(item.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::{block, expand};
    use quote::quote;

    #[test]
    fn functions_of_a_block_have_the_name_of_their_type_and_their_options() {
        let written = quote! {
            /// Of a pool.
            #[cfg(unix)]
            impl db::Pool {
                /// Connects.
                pub async fn connect(url: String) -> Result<Self, Error> {}
                #[func(sync, name = "pool_is_idle")]
                fn idle(&self, other: Option<Object<Self>>) -> bool { true }
                pub fn rows(&self) -> impl Stream<Item = Row> + use<> {}
                fn helper(self: Box<Self>) {}
                pub const N: usize = 1;
            }
        };
        let block = block(&written).unwrap();
        let expanded = expand(quote!(crate = "::interop"), block).to_string();
        for part in [
            r#"export_name = "pool_connect""#,
            "Ok (< db :: Pool > :: connect (b0))",
            "Returned :: < Result < db :: Pool , Error > >",
            r#"export_name = "pool_is_idle""#,
            r#"arguments : & ["self" , "other"]"#,
            "let b1 : Option < Object < db :: Pool > > =",
            "Ok (< db :: Pool > :: idle (& b0 , b1))",
            "let stream = < db :: Pool > :: rows (& b0)",
            "fn helper (self : Box < Self >) { }",
            "pub const N : usize = 1",
            r#"concat ! (:: core :: module_path ! () , "::" , "Pool")"#,
        ] {
            assert!(expanded.contains(part), "{part}\n{expanded}");
        }
        for absent in ["pool_helper", "# [func"] {
            assert!(!expanded.contains(absent), "{absent}\n{expanded}");
        }
        // On the block and on each of three functions.
        assert_eq!(expanded.matches("# [cfg (unix)]").count(), 4, "{expanded}");
    }
}
