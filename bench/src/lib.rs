//! What the programs of the speed comparisons share: NumPy arrays in, figures out.
//!
//! The Python scripts beside this crate write the input, call the programs in turns with what they
//! are compared with, and read the printed lines `NAME VALUE`.

mod array;
mod memory;

pub use array::Array;
pub use memory::peak_resident_mib;

/// Why a program could not measure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong arguments: how to call the program.
    #[error("usage: {0}")]
    Usage(&'static str),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not an array as these programs take it.
    #[error("{path} is not a matrix of little-endian f32 in C order (.npy, version 1)")]
    NotAnArray {
        /// The file.
        path: String,
    },
    /// The crate under measurement refused the input.
    #[error(transparent)]
    Stats(#[from] aliquot_stats::StatsError),
    /// The same of the embedding.
    #[error(transparent)]
    Embed(#[from] aliquot_embed::EmbedError),
}

/// The arguments of the program, of which there have to be `COUNT`.
pub fn arguments<const COUNT: usize>(usage: &'static str) -> Result<[String; COUNT], Error> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    given.try_into().map_err(|_| Error::Usage(usage))
}

/// An argument that is a number.
pub fn number<N: std::str::FromStr>(argument: &str, usage: &'static str) -> Result<N, Error> {
    argument.parse().map_err(|_| Error::Usage(usage))
}
