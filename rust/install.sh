# Prints the dune stanza that installs the crates: every file of theirs but tests. dune 2.9 takes no folders.
printf '; Made by install.sh: dune promote.\n\n(install\n (package rust-async)\n (section share)\n (files\n'
find ocaml-lwt-interop ocaml-lwt-interop-build ocaml-lwt-interop-macros -type f \
  \( -name '*.rs' -o -name '*.c' -o -name Cargo.toml \) ! -path '*/tests/*' ! -name tests.rs | LC_ALL=C sort |
  while read -r file; do printf '  (%s as rust/%s)\n' "$file" "$file"; done
printf ' ))\n'
