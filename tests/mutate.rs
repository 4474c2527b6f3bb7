//! Damaged copies of samples, for the fuzz tests of whatever reads other people's files.
//!
//! A case is a function of (seed, corpus, number of the case), so a failure is reproduced by its
//! number alone: case `n` is the same whatever the number of cases.

use std::ops::Range;

/// Samples are cut to this many bytes, so that a case is fast. Where the end matters (zip, Parquet, a
/// JSON document), give smaller samples that are whole, or every case ends in the same error.
pub const LONGEST_SAMPLE: usize = 64 << 10;

/// Cases of a fuzz test: `ALIQUOT_FUZZ_CASES`, or 2,000.
pub fn cases() -> usize {
    match std::env::var("ALIQUOT_FUZZ_CASES") {
        Ok(text) => text.parse().expect("ALIQUOT_FUZZ_CASES is a whole number"),
        Err(_) => 2_000,
    }
}

/// `cases` damaged copies of the samples, one to four damages each. Without samples the copies are of
/// the empty file.
pub fn mutations(
    seed: u64,
    corpus: &[Vec<u8>],
    cases: usize,
) -> impl Iterator<Item = Vec<u8>> + use<> {
    let mut samples: Vec<Vec<u8>> =
        corpus.iter().map(|sample| sample[..sample.len().min(LONGEST_SAMPLE)].to_vec()).collect();
    if samples.is_empty() {
        samples.push(Vec::new());
    }
    (0..cases).map(move |case| {
        // Seeds of neighbours differ by 1, which `Random::next` mixes well; the product keeps seeds apart.
        let mut random = Random(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(case as u64));
        let mut bytes = samples[random.below(samples.len())].clone();
        for _ in 0..=random.below(4) {
            damage(&mut bytes, &samples, &mut random);
        }
        bytes
    })
}

/// SplitMix64. SOURCE: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    /// A range inside `0..end`, short ones more often than long ones.
    fn range(&mut self, end: usize) -> Range<usize> {
        let start = self.below(end + 1);
        let longest = [8, 64, 1024, end][self.below(4)].min(end - start);
        start..start + self.below(longest + 1)
    }
}

/// Words that readers of JSON, CSV and Python's output stumble over.
const HOSTILE: [&[u8]; 28] = [
    b"NaN",
    b"-Infinity",
    b"null",
    b"true",
    b"0",
    b"-0.0",
    b"-1",
    b"2",
    b"1e999",
    b"-1e-999",
    b"1e38",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"4294967296",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"\"\"",
    b"\"\\ud800\"",
    b"\"\\u0000\"",
    b"\"../../../etc/passwd\"",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\0",
    b"\r\n",
    b"\"",
    b",",
];

fn damage(bytes: &mut Vec<u8>, samples: &[Vec<u8>], random: &mut Random) {
    match random.below(10) {
        0 => flip_a_bit(bytes, random),
        1 => {
            let end = random.below(bytes.len() + 1);
            bytes.truncate(end);
        }
        2 => {
            let range = random.range(bytes.len());
            bytes.drain(range);
        }
        3 => {
            let range = random.range(bytes.len());
            let copy = bytes[range.clone()].to_vec();
            insert(bytes, range.end, &copy);
        }
        4 => splice(bytes, samples, random),
        5 => swap_tokens(bytes, random),
        6 | 7 => {
            let token = token(bytes, random.below(bytes.len()));
            bytes.splice(token, HOSTILE[random.below(HOSTILE.len())].iter().copied());
        }
        8 => nest(bytes, random),
        _ => {
            let (at, byte) = (random.below(bytes.len() + 1), random.next() as u8);
            insert(bytes, at, &vec![byte; 1 << random.below(14)]);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    bytes.splice(at..at, new.iter().copied());
}

fn flip_a_bit(bytes: &mut [u8], random: &mut Random) {
    let (at, bit) = (random.below(bytes.len()), random.below(8));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

/// A part of some sample over a part of this one.
fn splice(bytes: &mut Vec<u8>, samples: &[Vec<u8>], random: &mut Random) {
    let other = &samples[random.below(samples.len())];
    let (here, there) = (random.range(bytes.len()), random.range(other.len()));
    bytes.splice(here, other[there].iter().copied());
}

/// The word around a place; empty where there is none.
fn token(bytes: &[u8], at: usize) -> Range<usize> {
    let in_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
    let before = bytes[..at].iter().rev().take_while(in_word).count();
    let behind = bytes[at..].iter().take_while(in_word).count();
    at - before..at + behind
}

fn swap_tokens(bytes: &mut Vec<u8>, random: &mut Random) {
    let one = token(bytes, random.below(bytes.len()));
    let two = token(bytes, random.below(bytes.len()));
    let (first, second) = if one.start <= two.start { (one, two) } else { (two, one) };
    if first.end > second.start {
        return;
    }
    let (left, right) = (bytes[first.clone()].to_vec(), bytes[second.clone()].to_vec());
    bytes.splice(second, left);
    bytes.splice(first, right);
}

/// Opens many brackets, and closes them half of the time.
fn nest(bytes: &mut Vec<u8>, random: &mut Random) {
    let depth = [130, 1_000, 20_000][random.below(3)];
    let (open, close): (&[u8], &[u8]) =
        [(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}")][random.below(2)];
    let closed = if random.below(2) == 0 { close.repeat(depth) } else { Vec::new() };
    let at = random.below(bytes.len() + 1);
    insert(bytes, at, &[open.repeat(depth), b"1".to_vec(), closed].concat());
}

#[test]
fn a_case_depends_on_seed_corpus_and_number_alone() {
    let corpus = [b"{\"doc_id\": 1, \"acc\": 0.5}\n".repeat(40), b"model,score\na,1\n".to_vec()];
    let all: Vec<Vec<u8>> = mutations(7, &corpus, 300).collect();
    assert_eq!(all[..100], mutations(7, &corpus, 100).collect::<Vec<_>>());
    assert_ne!(all[..100], mutations(8, &corpus, 100).collect::<Vec<_>>());
    let damaged = all.iter().filter(|bytes| !corpus.contains(bytes)).count();
    assert!(damaged > 270, "{damaged} of 300 differ from the samples");
    assert!(all.iter().any(|bytes| bytes.windows(130).any(|run| run == [b'['; 130])));
    assert!(mutations(7, &[], 300).any(|bytes| !bytes.is_empty()));
}

#[test]
fn long_samples_are_cut() {
    let longest = mutations(1, &[vec![b'x'; 10 << 20]], 50).map(|bytes| bytes.len()).max();
    assert!(longest.unwrap() < 16 * LONGEST_SAMPLE);
}
