//! Laws of descriptions.

use super::{Declared, Definition, Field, Going, OCamlType, Type, Types, Var};

#[test]
fn type_is_written_with_its_parts() {
    let text = |ty: &Type| {
        let mut out = String::new();
        ty.write(&mut out);
        out
    };
    let int = || Type::named("int");
    let list = Type::applied("list", [Type::tuple(vec![int(), int()])]);
    let written = r#"(named "list"  (tuple (named "int" ) (named "int" )))"#;
    assert_eq!(text(&list), written);
    let arrow = Type::arrow(vec![int()], list);
    let arrow_written = format!(r#"(arrow( (named "int" )){written})"#);
    assert_eq!(text(&arrow), arrow_written);
    assert!(text(&Type::tuple(vec![int()])).contains("no tuple of one"));
}

const OWN: Declared = Declared {
    key: "crate::Own",
    name: "Own",
    docs: &[],
};

/// A record of itself, at its own parameter, or at an `int`.
fn own(types: &mut Types, argument: Type, asked: fn(&mut Types) -> Type, item: &Type) -> Type {
    types.declared(&OWN, asked, vec![argument], |types| Definition::Record {
        unboxed: false,
        fields: vec![Field {
            name: "rest",
            docs: &[" \"What\" is left."],
            ty: own(types, item.clone(), asked, item),
        }],
    })
}

fn var() -> Type {
    <Var<0> as OCamlType<Going>>::ocaml_type(&mut Types::default())
}

fn coming(types: &mut Types) -> Type {
    own(types, Type::named("int"), coming, &var())
}

fn going(types: &mut Types) -> Type {
    own(types, Type::named("string"), going, &var())
}

/// Another type of that path.
fn another(types: &mut Types) -> Type {
    own(types, Type::named("int"), another, &Type::named("int"))
}

fn written(types: &Types) -> String {
    let mut out = String::new();
    types.write(&mut out);
    out
}

#[test]
fn type_is_described_once_and_refused_where_two_have_its_path() {
    let mut types = Types::default();
    for ask in [coming, going, coming] {
        let mut out = String::new();
        ask(&mut types).write(&mut out);
        assert!(out.starts_with(r#"(declared "crate::Own""#), "{out}");
    }
    assert_eq!(
        written(&types),
        "(type  \"crate::Own\"  \"Own\" 1 \"\" (record ( \"rest\"  \" \\\"What\\\" is left.\" \
         (declared \"crate::Own\"  (var 0)))))\n"
    );
    another(&mut types);
    assert!(written(&types).contains("refused"), "{}", written(&types));
}
