//! A realistic request: a block of a chain with 50 operations, sent to an OCaml function that answers with a receipt
//! for each. Directly; and as bytes that both sides encode and decode. `message.ml` is the other
//! half.

use std::fmt;
use std::hint::black_box;

use ocaml_lwt_interop::{ByteBuf, Error, FromOCaml, OCamlAsyncFunc, OCamlList, ToOCaml, func};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// [`ByteBuf`], which serde is to take for bytes as well.
#[derive(FromOCaml, ToOCaml, Clone, Debug, PartialEq)]
#[ocaml(unboxed)]
pub struct Bytes(ByteBuf);

/// [`OCamlList`], which serde is to take for a sequence as well.
#[derive(FromOCaml, ToOCaml, Clone, Debug, PartialEq)]
#[ocaml(unboxed)]
pub struct List<T>(OCamlList<T>);

#[derive(ToOCaml, Serialize)]
pub struct Header {
    level: i32,
    proto: isize,
    predecessor: Bytes,
    timestamp: i64,
    validation_pass: isize,
    operations_hash: Bytes,
    fitness: List<Bytes>,
    context: Bytes,
    protocol_data: Bytes,
}

#[derive(ToOCaml, Serialize)]
pub struct Operation {
    branch: Bytes,
    data: Bytes,
    signature: Option<Bytes>,
}

#[derive(ToOCaml, Serialize)]
pub struct Block {
    chain: Bytes,
    header: Header,
    predecessor: Header,
    max_operations_ttl: isize,
    predecessor_metadata_hash: Option<Bytes>,
    predecessor_operations_metadata_hash: Option<Bytes>,
    testing: bool,
    operations: List<List<Operation>>,
}

#[derive(FromOCaml, Deserialize, Debug, PartialEq)]
pub struct Receipt {
    hash: Bytes,
    metadata: Bytes,
    gas: i64,
    error: Option<Bytes>,
}

#[derive(FromOCaml, Deserialize, Debug, PartialEq)]
pub struct Applied {
    message: Bytes,
    level: i32,
    context: Bytes,
    protocol: isize,
    timestamp: i64,
    max_operations_ttl: isize,
    last_allowed_fork_level: i32,
    forking: bool,
    fitness: List<Bytes>,
    block_metadata: Bytes,
    metadata_hash: Option<Bytes>,
    operations_metadata_hash: Option<Bytes>,
    receipts: List<List<Receipt>>,
}

fn bytes(length: usize, seed: usize) -> Bytes {
    Bytes(
        (0..length)
            .map(|i| (i * 31 + seed) as u8)
            .collect::<Vec<u8>>()
            .into(),
    )
}

impl Header {
    fn new(level: i32) -> Header {
        let seed = level as usize;
        Header {
            level,
            proto: 12,
            predecessor: bytes(32, seed),
            timestamp: 1_650_000_000 + i64::from(level),
            validation_pass: 4,
            operations_hash: bytes(32, seed + 1),
            fitness: (0..5).map(|i| bytes(8, seed + i)).collect(),
            context: bytes(32, seed + 2),
            protocol_data: bytes(120, seed + 3),
        }
    }
}

impl Block {
    /// 50 operations in four lists.
    pub(crate) fn new() -> Block {
        let operation = |seed| Operation {
            branch: bytes(32, seed),
            data: bytes(150 + seed, seed + 1),
            signature: (seed % 5 != 0).then(|| bytes(64, seed + 2)),
        };
        Block {
            chain: bytes(4, 7),
            header: Header::new(2_000_001),
            predecessor: Header::new(2_000_000),
            max_operations_ttl: 120,
            predecessor_metadata_hash: Some(bytes(32, 8)),
            predecessor_operations_metadata_hash: None,
            testing: false,
            operations: [0..30, 30..32, 32..35, 35..50]
                .into_iter()
                .map(|seeds| seeds.map(operation).collect())
                .collect(),
        }
    }

    /// What OCaml answers.
    pub(crate) fn applied(&self) -> Applied {
        let receipt = |operation: &Operation| Receipt {
            hash: operation.branch.clone(),
            metadata: operation.data.clone(),
            gas: 1_000_000,
            error: operation
                .signature
                .is_none()
                .then(|| Bytes(b"unsigned"[..].into())),
        };
        let Header {
            level,
            proto,
            timestamp,
            ..
        } = self.header;
        Applied {
            message: Bytes(b"applied"[..].into()),
            level,
            context: self.header.context.clone(),
            protocol: proto,
            timestamp,
            max_operations_ttl: self.max_operations_ttl,
            last_allowed_fork_level: level,
            forking: self.testing,
            fitness: self.header.fitness.clone(),
            block_metadata: self.header.protocol_data.clone(),
            metadata_hash: self.predecessor_metadata_hash.clone(),
            operations_metadata_hash: self.predecessor_operations_metadata_hash.clone(),
            receipts: self
                .operations
                .0
                .iter()
                .map(|operations| operations.0.iter().map(receipt).collect())
                .collect(),
        }
    }
}

/// Leaked, so that no way of sending it has to copy it first.
pub(crate) fn block() -> &'static Block {
    Box::leak(Box::new(Block::new()))
}

/// Named, since the attribute refuses references, though this one goes to OCaml.
type Apply = OCamlAsyncFunc<(&'static Block,), Applied>;

#[func]
pub async fn bench_message_direct(apply: Apply, calls: isize) -> Result<(), Error> {
    let block = block();
    assert_eq!(apply.call((block,)).await?, block.applied());
    for _ in 0..calls {
        black_box(apply.call((block,)).await?);
    }
    Ok(())
}

#[func]
pub async fn bench_message_bincode(
    apply: OCamlAsyncFunc<(ByteBuf,), ByteBuf>,
    calls: isize,
) -> Result<(), Error> {
    let block = block();
    let encode = || bincode::serialize(block).map(ByteBuf);
    let decode = |answer: ByteBuf| bincode::deserialize::<Applied>(&answer);
    assert_eq!(decode(apply.call((encode()?,)).await?)?, block.applied());
    for _ in 0..calls {
        black_box(decode(apply.call((encode()?,)).await?)?);
    }
    Ok(())
}

#[func]
pub async fn bench_message_messagepack(
    apply: OCamlAsyncFunc<(ByteBuf,), ByteBuf>,
    calls: isize,
) -> Result<(), Error> {
    let block = block();
    let encode = || rmp_serde::to_vec(block).map(ByteBuf);
    let decode = |answer: ByteBuf| rmp_serde::from_slice::<Applied>(&answer);
    assert_eq!(decode(apply.call((encode()?,)).await?)?, block.applied());
    for _ in 0..calls {
        black_box(decode(apply.call((encode()?,)).await?)?);
    }
    Ok(())
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfBytes;
        impl Visitor<'_> for OfBytes {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.into()))
            }
        }
        // `bytes`, not `byte_buf`: the input is a slice, which is copied once.
        deserializer.deserialize_bytes(OfBytes)
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|items| List(items.into()))
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        List(items.into_iter().collect())
    }
}
