//! Chapter 2: types and declarations.

// -- the types --
use ocaml_lwt_interop::{FromOCaml, OCamlList, ToOCaml, func};

/// How the other side is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Scheme {
    Http,
    Https,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, FromOCaml, ToOCaml)]
pub struct Address {
    pub scheme: Scheme,
    pub host: String,
    /// What the scheme says, if the link says nothing.
    pub port: Option<u16>,
    pub path: String,
}

/// Why a text is no address.
#[derive(Debug, PartialEq, ToOCaml)]
pub enum Problem {
    NoHost,
    UnknownScheme(String),
    BadPort { text: String, most: u16 },
}

// -- the functions --
/// The address that a text is.
#[func(sync)]
pub fn parse(text: String) -> Result<Address, Problem> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", &text));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => return Err(Problem::UnknownScheme(other.to_owned())),
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match place.split_once(':') {
        None => (place, None),
        Some((host, text)) => match text.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => {
                let text = text.to_owned();
                return Err(Problem::BadPort {
                    text,
                    most: u16::MAX,
                });
            }
        },
    };
    if host.is_empty() {
        return Err(Problem::NoHost);
    }
    let (host, path) = (host.to_owned(), format!("/{path}"));
    Ok(Address {
        scheme,
        host,
        port,
        path,
    })
}

/// An address as a text.
#[func(sync)]
pub fn show(address: Address) -> String {
    let Address {
        scheme,
        host,
        port,
        path,
    } = address;
    let scheme = if scheme == Scheme::Http {
        "http"
    } else {
        "https"
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}{path}")
}

// -- labels --
/// The addresses in a page of text, in their order.
#[func(sync)]
pub fn find(#[ocaml(optional)] at_most: Option<usize>, page: String) -> OCamlList<Address> {
    page.split_whitespace()
        .filter(|word| word.contains("://"))
        .filter_map(|word| parse(word.to_owned()).ok())
        .take(at_most.unwrap_or(usize::MAX))
        .collect()
}

// -- tests --
#[cfg(test)]
mod tests {
    use super::{Problem, parse, show};

    #[test]
    fn what_is_shown_is_parsed_again() {
        let address = parse("https://example.org:8080/a".to_owned()).unwrap();
        assert_eq!(parse(show(address.clone())), Ok(address));
    }

    #[test]
    fn an_address_has_a_host() {
        assert_eq!(parse("http:///a".to_owned()), Err(Problem::NoHost));
    }
}
