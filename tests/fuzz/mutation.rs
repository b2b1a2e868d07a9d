//! Mutations of inputs.

use proptest::{collection::vec, prelude::*};

/// Longer inputs are truncated: unbounded growth is found with shorter ones.
const MAX_LENGTH: usize = 128 << 10;

/// A mutation. Positions are taken modulo the length of the input.
#[derive(Debug, Clone)]
pub enum Mutation {
    FlipBit {
        at: usize,
        bit: u8,
    },
    Delete {
        at: usize,
        length: usize,
    },
    Insert {
        at: usize,
        bytes: Vec<u8>,
    },
    Word {
        at: usize,
        word: usize,
        times: usize,
    },
    Repeat {
        at: usize,
        length: usize,
        times: usize,
    },
    Splice {
        at: usize,
        other: usize,
        from: usize,
        length: usize,
    },
}

pub fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = any::<usize>;
    let length = 1_usize..200;
    let times = || prop_oneof![8 => 1_usize..4, 1 => 4_usize..3_000];
    let one = prop_oneof![
        3 => (at(), 0_u8..8).prop_map(|(at, bit)| Mutation::FlipBit { at, bit }),
        3 => (at(), length.clone()).prop_map(|(at, length)| Mutation::Delete { at, length }),
        2 => (at(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
        8 => (at(), at(), times()).prop_map(|(at, word, times)| Mutation::Word { at, word, times }),
        3 => (at(), length.clone(), times())
            .prop_map(|(at, length, times)| Mutation::Repeat { at, length, times }),
        3 => (at(), at(), at(), length).prop_map(|(at, other, from, length)| Mutation::Splice {
            at,
            other,
            from,
            length,
        }),
    ];
    vec(one, 1..10)
}

/// Applies mutations to an input. `words` are those of the target.
pub fn apply_mutations(
    mut bytes: Vec<u8>,
    changes: &[Mutation],
    words: &[&str],
    corpus: &[Vec<u8>],
) -> Vec<u8> {
    for change in changes {
        match change {
            Mutation::FlipBit { at, bit } => {
                let at = wrap_position(&bytes, *at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Mutation::Delete { at, length } => {
                let at = wrap_position(&bytes, *at);
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            Mutation::Insert { at, bytes: new } => insert(&mut bytes, *at, new),
            Mutation::Word { at, word, times } => {
                let word = words[word % words.len()].as_bytes();
                insert(&mut bytes, *at, &word.repeat(*times));
            }
            Mutation::Repeat { at, length, times } => {
                let piece = piece(&bytes, *at, *length).repeat(*times);
                insert(&mut bytes, *at, &piece);
            }
            Mutation::Splice {
                at,
                other,
                from,
                length,
            } => {
                let piece = piece(&corpus[other % corpus.len()], *from, *length);
                insert(&mut bytes, *at, &piece);
            }
        }
        bytes.truncate(MAX_LENGTH);
    }
    bytes
}

fn wrap_position(bytes: &[u8], at: usize) -> usize {
    at % (bytes.len() + 1)
}

fn piece(bytes: &[u8], at: usize, length: usize) -> Vec<u8> {
    let at = wrap_position(bytes, at);
    bytes[at..(at + length).min(bytes.len())].to_vec()
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let at = wrap_position(bytes, at);
    bytes.splice(at..at, new.iter().copied());
}
