//! Descriptions as text, which `ocaml/tool` reads.

use super::description::{Constructor, Definition, Field, Form, Label, Method, Parts, Type, Types};

impl Types {
    /// Writes all of them, in the order of their keys.
    pub(crate) fn write(&self, out: &mut String) {
        for (key, described) in &self.declared {
            out.push_str("(type ");
            write_string(out, key);
            write_string(out, described.name);
            out.push_str(&described.parameters.to_string());
            write_docs(out, described.docs);
            match &described.definition {
                _ if described.differs => {
                    out.push_str("(refused \"its descriptions are not the same in both directions, or for each number that is a parameter; or two types have this path\")");
                }
                Some(definition) => definition.write(out),
                None => unreachable!("a description ends before it is written"),
            }
            out.push_str(")\n");
        }
    }
}

impl Type {
    pub(crate) fn write(&self, out: &mut String) {
        match &self.0 {
            Form::Byte => out.push_str("(byte)"),
            Form::Var(number) => out.push_str(&format!("(var {number})")),
            Form::Named(path, arguments) => {
                write_group(out, "named", Some(path), arguments, Type::write)
            }
            Form::Declared(key, arguments) => {
                write_group(out, "declared", Some(key), arguments, Type::write);
            }
            Form::Tuple(parts) => write_group(out, "tuple", None, parts, Type::write),
            Form::Arrow(arguments, result) => {
                out.push_str("(arrow");
                write_group(out, "", None, arguments, Type::write);
                result.write(out);
                out.push(')');
            }
            Form::Refused(why) => write_group(out, "refused", Some(why), &[], Type::write),
        }
    }
}

impl Label {
    pub(crate) fn write(self, text: &mut String) {
        match self {
            Label::None => text.push_str("plain "),
            Label::Labelled(label) => {
                text.push_str("labelled ");
                write_string(text, label);
            }
            Label::Optional(label) => {
                text.push_str("optional ");
                write_string(text, label);
            }
        }
    }
}

impl Definition {
    fn write(&self, out: &mut String) {
        match self {
            Definition::Record { unboxed, fields } => {
                write_group(out, boxed("record", *unboxed), None, fields, Field::write);
            }
            Definition::Variant {
                unboxed,
                constructors,
            } => write_group(
                out,
                boxed("variant", *unboxed),
                None,
                constructors,
                Constructor::write,
            ),
            Definition::Object => out.push_str("(object)"),
            Definition::Polymorphic { constructors } => {
                write_group(out, "polymorphic", None, constructors, Constructor::write);
            }
            Definition::Interface { methods } => {
                write_group(out, "interface", None, methods, Method::write);
            }
        }
    }
}

fn boxed(form: &str, unboxed: bool) -> &str {
    match (form, unboxed) {
        ("record", true) => "unboxed-record",
        ("variant", true) => "unboxed-variant",
        _ => form,
    }
}

impl Field {
    fn write(&self, out: &mut String) {
        out.push('(');
        write_string(out, self.name);
        write_docs(out, self.docs);
        self.ty.write(out);
        out.push(')');
    }
}

impl Method {
    fn write(&self, out: &mut String) {
        out.push('(');
        write_string(out, self.name);
        write_docs(out, self.docs);
        out.push_str(if self.promise { "promise (" } else { "value (" });
        for (name, label, ty) in &self.arguments {
            out.push('(');
            write_string(out, name);
            label.write(out);
            ty.write(out);
            out.push(')');
        }
        out.push(')');
        self.result.write(out);
        out.push(')');
    }
}

impl Constructor {
    fn write(&self, out: &mut String) {
        out.push('(');
        write_string(out, self.name);
        write_docs(out, self.docs);
        self.parts.write(out);
        out.push(')');
    }
}

impl Parts {
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Parts::Unnamed(types) => write_group(out, "unnamed", None, types, Type::write),
            Parts::Named(fields) => write_group(out, "named", None, fields, Field::write),
        }
    }
}

fn write_group<T>(
    out: &mut String,
    head: &str,
    name: Option<&str>,
    parts: &[T],
    write: fn(&T, &mut String),
) {
    out.push('(');
    out.push_str(head);
    if let Some(name) = name {
        write_string(out, name);
    }
    for part in parts {
        out.push(' ');
        write(part, out);
    }
    out.push(')');
}

/// Lines of a doc comment.
pub(crate) fn write_docs(out: &mut String, docs: &[&str]) {
    write_string(out, &docs.join("\n"));
}

/// A string between quotes, in which a quote and a backslash have a backslash before them.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push_str(" \"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push_str("\" ");
}
