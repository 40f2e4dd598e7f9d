//! The chain of an error and its sources, and what of ours is at its end, however often libraries have wrapped it.
//!
//! Some wrappers leave out the error that they hold: their `source()` is that error's own source. `std::io::Error` does so, and
//! `Box<E>`, `Arc<E>`, anyhow's boxed errors, thiserror's `transparent`. So what is looked for is the source of what is wrapped:
//! an [`Opaque`] holds an [`Origin`], and whatever passes `source()` on still leads to that.

use std::error::Error as StdError;
use std::fmt;

type Link = dyn StdError + 'static;

/// How many links of a chain are looked at. One that leads back to itself ends here.
const LONGEST: usize = 1024;

/// A `T` as a `std::error::Error`.
pub(crate) struct Opaque<T>(Origin<T>);

/// The source of an [`Opaque`].
struct Origin<T>(T);

impl<T> Opaque<T> {
    pub(crate) fn new(value: T) -> Self {
        Opaque(Origin(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.0
    }
}

impl<T: fmt::Display> fmt::Display for Opaque<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Opaque<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
    }
}

impl<T: fmt::Debug + fmt::Display + 'static> StdError for Opaque<T> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// What who prints a chain has behind the message: it does not say the same once more.
impl<T> fmt::Display for Origin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it came through ocaml-lwt-interop")
    }
}

impl<T: fmt::Debug> fmt::Debug for Origin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Debug> StdError for Origin<T> {}

/// The error and its sources, outermost first.
fn links(error: &Link) -> impl Iterator<Item = &Link> {
    std::iter::successors(Some(error), |&error| error.source()).take(LONGEST)
}

/// The `T` that an [`Opaque`] holds which the error is, or has wrapped. Calls `source`, which is anybody's code.
pub(crate) fn origin<T: fmt::Debug + 'static>(error: &Link) -> Option<&T> {
    links(error).find_map(|link| Some(&link.downcast_ref::<Origin<T>>()?.0))
}

/// The messages of the error and of its sources, outermost first; never empty. Calls `source` and `Display`, which are anybody's
/// code.
pub(crate) fn messages<T: fmt::Debug + 'static>(error: &Link) -> Vec<String> {
    links(error)
        .filter(|link| !link.is::<Origin<T>>())
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Boxed = Box<dyn StdError + Send + Sync>;

    /// What is looked for.
    type Ours = String;

    fn ours() -> Opaque<Ours> {
        Opaque::new("ours".to_owned())
    }

    /// Wraps an error as most libraries do.
    #[derive(Debug)]
    struct Wrapper(Boxed);

    impl fmt::Display for Wrapper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapper")
        }
    }

    impl StdError for Wrapper {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    /// Wraps it as thiserror's `transparent` does, and anyhow's boxed errors.
    #[derive(Debug)]
    struct Transparent(Boxed);

    impl fmt::Display for Transparent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    impl StdError for Transparent {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.0.source()
        }
    }

    /// Its source is itself.
    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }

    impl StdError for Circle {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(self)
        }
    }

    fn check(error: impl StdError + 'static, expected: &[&str]) {
        assert_eq!(origin(&error), Some(&"ours".to_owned()), "{error:?}");
        assert_eq!(messages::<Ours>(&error), expected, "{error:?}");
    }

    #[test]
    fn what_is_ours_is_found_by_itself_and_in_a_wrapper() {
        check(ours(), &["ours"]);
        check(Wrapper(ours().into()), &["wrapper", "ours"]);
        let twice = Wrapper(Wrapper(ours().into()).into());
        check(twice, &["wrapper", "wrapper", "ours"]);
    }

    #[test]
    fn what_is_ours_is_found_in_wrappers_that_leave_it_out() {
        use std::io::Error as Io;
        check(Transparent(ours().into()), &["ours"]);
        check(Box::new(ours()), &["ours"]);
        check(Arc::new(Io::other(ours())), &["ours"]);
        check(Io::other(ours()), &["ours"]);
        check(Io::other(Boxed::from(ours())), &["ours"]);
        let nested = Io::other(Transparent(Io::other(Transparent(ours().into())).into()));
        check(nested, &["ours"]);
        let mixed = Transparent(Wrapper(Io::other(ours()).into()).into());
        check(mixed, &["wrapper", "ours"]);
    }

    #[test]
    fn what_is_somebody_elses_is_not_found() {
        for error in [
            Boxed::from("a text"),
            Wrapper("ours".into()).into(),
            Opaque::new(7).into(),
            std::io::Error::other("ours").into(),
        ] {
            assert_eq!(origin::<Ours>(&*error), None, "{error:?}");
        }
        assert_eq!(
            messages::<Ours>(&Wrapper("inside".into())),
            ["wrapper", "inside"]
        );
    }

    #[test]
    fn chain_that_leads_back_to_itself_ends() {
        assert_eq!(origin::<Ours>(&Circle), None);
        assert_eq!(messages::<Ours>(&Circle).len(), LONGEST);
        assert_eq!(origin::<Ours>(&Wrapper(Circle.into())), None);
    }

    #[test]
    fn long_chain_is_looked_through_up_to_its_limit() {
        let wrapped = |times| {
            let wrap = |error: Boxed, _| Wrapper(error).into();
            (0..times).fold(Boxed::from(ours()), wrap)
        };
        // `Opaque` and `Origin` are links, too.
        assert!(origin::<Ours>(&*wrapped(LONGEST - 2)).is_some());
        assert!(origin::<Ours>(&*wrapped(LONGEST - 1)).is_none());
    }

    #[test]
    fn who_prints_all_sources_has_no_message_twice() {
        let texts: Vec<_> = links(&ours()).map(ToString::to_string).collect();
        assert_eq!(texts, ["ours", "it came through ocaml-lwt-interop"]);
        assert_eq!(format!("{:?}", ours()), "\"ours\"");
    }
}
