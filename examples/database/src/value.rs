//! What crosses: parameters one by one, rows many at a time.

use ocaml_lwt_interop::{ByteBuf, FromOCaml};

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq, FromOCaml)]
pub enum Value {
    /// SQL's `NULL`.
    Null,
    /// SQLite has none: there it is 0 or 1.
    Bool(bool),
    /// An integer that OCaml's `int` has room for.
    Int(isize),
    /// One of 64 bits that it has not.
    Int64(i64),
    /// Of 64 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(ByteBuf),
}

/// What is in a column.
pub enum Column<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// Rows, as the bytes that `row.ml` reads: a million of them would be a million blocks otherwise, of OCaml's and of Rust's.
///
/// A row is its number of columns (16 bits), and the columns. A column is a byte that says what follows: 0 nothing (`NULL`); 1 a
/// byte; 2 an integer, 3 a float, both of 64 bits; 4 text, 5 bytes, both after their length (32 bits). All numbers begin with
/// their lowest byte.
#[derive(Default)]
pub struct Rows(Vec<u8>);

impl Rows {
    /// How many bytes are sent at a time.
    const BATCH: usize = 1 << 16;

    /// Begins a row.
    #[inline]
    pub fn row(&mut self, columns: usize) {
        self.0.extend_from_slice(&(columns as u16).to_le_bytes());
    }

    /// The next column of it.
    #[inline]
    pub fn column(&mut self, column: Column<'_>) {
        match column {
            Column::Null => self.0.push(0),
            Column::Bool(bool) => self.0.extend_from_slice(&[1, bool.into()]),
            Column::Int(integer) => self.number(2, integer.to_le_bytes()),
            Column::Float(float) => self.number(3, float.to_bits().to_le_bytes()),
            Column::Text(text) => self.bytes(4, text.as_bytes()),
            Column::Blob(bytes) => self.bytes(5, bytes),
        }
    }

    #[inline]
    fn number(&mut self, tag: u8, number: [u8; 8]) {
        let mut column = [tag; 9];
        column[1..].copy_from_slice(&number);
        self.0.extend_from_slice(&column);
    }

    /// Neither database has a column of 4 GiB.
    #[inline]
    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        let mut head = [tag; 5];
        head[1..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(&head);
        self.0.extend_from_slice(bytes);
    }

    /// The rows up to here, if they are enough to be sent.
    pub fn batch(&mut self) -> Option<Rows> {
        let is_full = self.0.len() >= Rows::BATCH;
        is_full.then(|| std::mem::replace(self, Rows(Vec::with_capacity(Rows::BATCH + 1024))))
    }

    /// Puts others behind them.
    pub fn append(&mut self, mut others: Rows) {
        if self.0.is_empty() {
            *self = others;
        } else {
            self.0.append(&mut others.0);
        }
    }
}

impl From<Rows> for ByteBuf {
    fn from(rows: Rows) -> ByteBuf {
        ByteBuf(rows.0)
    }
}
