//! Everything that can end a command, with its exit code and what to do next.

use std::{error::Error as _, io, path::PathBuf};

use aliquot_embed::EmbedError;
use aliquot_query::QueryError;
use aliquot_release::ReleaseError;
use aliquot_sources::{AdapterError, Address, FetchError, LockError, merge::MergeError};
use aliquot_stats::StatsError;
use aliquot_store::{StoreError, canonical::CanonicalError};
use aliquot_tables::TableError;
use thiserror::Error;

/// A failed command.
#[derive(Debug, Error)]
pub enum Error {
    /// The recipe is not right.
    #[error("recipe `{}`: {problem}", path.display())]
    Recipe {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The lock file cannot be read.
    #[error("lock `{}`", path.display())]
    Lock {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: LockError,
    },
    /// The lock does not belong to the recipe.
    #[error("lock `{}` {problem}", path.display())]
    StaleLock {
        /// Its file.
        path: PathBuf,
        /// How they differ.
        problem: String,
    },
    /// A file of the user cannot be read or written.
    #[error("{action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A raw file could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A raw file is not what its adapter expects.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// Files cannot be joined.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The data do not carry what the recipe asks.
    #[error("{0}")]
    Data(String),
    /// The numbers do not carry what the recipe asks.
    #[error("{context}")]
    Stats {
        /// Which computation.
        context: String,
        /// What is wrong.
        #[source]
        source: StatsError,
    },
    /// A table of the store cannot be read.
    #[error("table `{table}`")]
    Table {
        /// Which one.
        table: &'static str,
        /// What is wrong.
        #[source]
        source: TableError,
    },
    /// A file of a folder of results is not what `bench` reads.
    #[error("read `{}`", path.display())]
    Dataset {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: TableError,
    },
    /// A table of texts is not what `embed` reads.
    #[error("read `{}`", path.display())]
    Texts {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: TableError,
    },
    /// A file is no table of vectors.
    #[error("read the vectors of {place}")]
    Vectors {
        /// Which file.
        place: String,
        /// What is wrong.
        #[source]
        source: TableError,
    },
    /// Texts could not be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The release layer failed.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A document has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A query has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Results do not fit the release.
    #[error("{0}")]
    Results(String),
    /// Something that was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// A release is not as its manifest says.
    #[error("{0}")]
    Unverified(String),
    /// Vectors are not those that they are compared with.
    #[error("{0}")]
    Differs(String),
    /// The arguments do not go together.
    #[error("{0}")]
    Usage(String),
    /// A mistake in the program.
    #[error("internal error: {0}")]
    Internal(String),
    /// A stage failed.
    #[error("stage {node}")]
    Stage {
        /// Name of its node.
        node: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
}

/// Exit codes, as `aliquot help` lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  internal error: a mistake in the program
  2  wrong arguments
  3  recipe or lock is wrong, or they do not belong together
  4  source data are not what the lock, the adapter or the audit expects
  5  store or file system failed: missing, full, read-only
  6  network failed or is switched off
  7  verification failed: bytes are not those of the release
  8  not found: release, item, model
  9  results refused: items missing, unknown, given twice
  10 embedding failed: model, library or device missing or not usable";

impl Error {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Stage { source, .. } => source.exit_code(),
            Self::Internal(_) | Self::Canonical(_) => 1,
            Self::Usage(_) | Self::Release(ReleaseError::InvalidReference(_)) => 2,
            Self::Recipe { .. }
            | Self::Lock { .. }
            | Self::StaleLock { .. }
            | Self::Stats { .. } => 3,
            Self::Release(ReleaseError::VersionTaken { .. }) => 3,
            Self::Adapter(_)
            | Self::Merge(_)
            | Self::Data(_)
            | Self::Table { .. }
            | Self::Dataset { .. } => 4,
            Self::Texts { .. } | Self::Vectors { .. } => 4,
            Self::Fetch(FetchError::Moving { .. }) => 3,
            Self::Fetch(FetchError::Changed { .. } | FetchError::NotAsListed { .. }) => 4,
            Self::Fetch(FetchError::Escapes { .. }) => 4,
            Self::Fetch(FetchError::NoMatch { .. } | FetchError::TooMany { .. }) => 4,
            Self::Fetch(FetchError::Read { .. } | FetchError::Store { .. }) => 5,
            Self::Fetch(_) => 6,
            Self::Store(StoreError::Damaged { .. }) | Self::Unverified(_) | Self::Differs(_) => 7,
            Self::Release(ReleaseError::BrokenLog { .. } | ReleaseError::TagMoved { .. }) => 7,
            Self::Release(ReleaseError::Store(StoreError::Damaged { .. })) => 7,
            Self::Release(ReleaseError::Document { .. } | ReleaseError::Incomplete { .. }) => 7,
            Self::File { source, .. } if source.kind() == io::ErrorKind::InvalidData => 3,
            Self::File { .. } | Self::Store(_) | Self::Release(ReleaseError::Store(_)) => 5,
            Self::NotFound(_)
            | Self::Release(ReleaseError::Unknown { .. } | ReleaseError::Ambiguous { .. }) => 8,
            Self::Release(ReleaseError::Canonical(_)) => 1,
            Self::Results(_) => 9,
            Self::Query(error) => query_code(error),
            Self::Embed(EmbedError::DeviceName(_)) => 2,
            Self::Embed(EmbedError::Manifest { .. }) => 3,
            Self::Embed(EmbedError::Io { .. }) => 5,
            Self::Embed(_) => 10,
        }
    }

    /// What to do next; None only where the message says it all.
    pub fn next_step(&self) -> Option<String> {
        match self {
            Self::Stage { source, .. } => source.next_step(),
            Self::Fetch(FetchError::Forbidden { forbidden, .. }) => Some(forbidden.step()),
            Self::Fetch(FetchError::Hub { problem, .. }) => Some(problem.step()),
            Self::Fetch(error) => {
                fetch_step(error).map(str::to_owned).or_else(|| self.file_system_step())
            }
            Self::Release(ReleaseError::Store(error)) | Self::Store(error) => {
                store_step(error).map(str::to_owned).or_else(|| self.file_system_step())
            }
            Self::Release(error) => Some(release_step(error).to_owned()),
            Self::File { .. } => self.file_system_step(),
            Self::Query(error) => query_step(error).map(str::to_owned),
            _ => self.own_step().map(str::to_owned),
        }
    }

    fn own_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::Recipe { .. } => {
                "correct the recipe; schemas/v1/recipe.schema.json lists every key"
            }
            Self::Lock { .. } => "run `aliquot lock RECIPE --update` and look at what it changes",
            Self::StaleLock { .. } => {
                "run `aliquot lock RECIPE`: it pins what is new and leaves the rest as it is"
            }
            Self::Adapter(_) => {
                "say what the file does not (`--metric`, `--filter`, `--model`, `--benchmark`), correct it at its source, \
                 or leave it out (`--on-error skip`); in a recipe by the keys of these names, then `aliquot lock RECIPE --update`"
            }
            Self::Merge(_) | Self::Data(_) => {
                "correct the source, or the recipe if there is one, then run it again: finished work is kept"
            }
            Self::Stats { .. } => {
                "change the sizes, targets or procedures in the recipe, or raise audit.minimum_coverage"
            }
            Self::Table { .. } => "delete the folder `cache` of the store and run the recipe again",
            Self::Dataset { .. } => {
                "correct the file; `aliquot bench --help` lists the columns that are read"
            }
            Self::Texts { .. } => "correct the file, or name its columns with `--id` and `--text`",
            Self::Vectors { .. } => "give a file that `aliquot embed --output FILE` wrote",
            Self::Unverified(_) => {
                "delete the bad objects and run the recipe again: they are made anew"
            }
            Self::Internal(_) | Self::Canonical(_) => {
                "please report it with the command that you typed"
            }
            _ => return None,
        })
    }

    fn file_system_step(&self) -> Option<String> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = self.source();
        let mut kind = match self {
            Self::Store(error) | Self::Release(ReleaseError::Store(error)) => error.io_kind(),
            _ => None,
        };
        while let Some(error) = cause {
            kind = kind.or_else(|| error.downcast_ref::<io::Error>().map(io::Error::kind));
            kind =
                kind.or_else(|| error.downcast_ref::<StoreError>().and_then(StoreError::io_kind));
            cause = error.source();
        }
        let step = match kind? {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space or give another `--store`, then run the same command again: finished work is kept"
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                "make it writable, or give another `--store`"
            }
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "give a folder: there is a file of that name"
            }
            _ => return None,
        };
        Some(step.to_owned())
    }

    /// The error and its causes, one a line; a cause that the line before has told already is left out.
    pub fn report(&self) -> String {
        let mut told = self.to_string();
        let mut text = format!("error: {told}");
        let mut cause = self.source();
        while let Some(error) = cause {
            let line = error.to_string();
            if !told.contains(&line) {
                text.push_str(&format!("\n  because: {line}"));
                told = line;
            }
            cause = error.source();
        }
        if let Some(step) = self.next_step() {
            text.push_str(&format!("\n  next: {step}"));
        }
        text
    }
}

/// The SQL is an argument, and so is the memory that it may take.
fn query_code(error: &QueryError) -> u8 {
    match error {
        QueryError::Table { .. }
        | QueryError::Columns { .. }
        | QueryError::NotSorted { .. }
        | QueryError::NothingToMerge => 4,
        QueryError::Io { .. } | QueryError::Write(_) => 5,
        QueryError::TableTwice(_) => 1,
        _ => 2,
    }
}

fn query_step(error: &QueryError) -> Option<&'static str> {
    Some(match error {
        QueryError::Refused { .. } => {
            "`aliquot query --tables` lists tables and columns; `--csv` and `--json` write the answer elsewhere"
        }
        QueryError::UnknownTable { .. } | QueryError::UnknownColumn { .. } => {
            "`aliquot query --tables` lists tables and columns; a text needs single quotes, a name with capitals or other characters double ones"
        }
        QueryError::ColumnTwice(_) => "give one of them another name with AS",
        QueryError::Memory { .. } => "give more with `--memory MIB`, or ask for less",
        QueryError::Table { .. } => "make the file anew: it is no whole Parquet file",
        QueryError::Syntax(_) | QueryError::Plan(_) | QueryError::Failed(_) => "correct the SQL",
        QueryError::Io { .. } => {
            "look at the free space and the rights of that place and of the temporary folder (TMPDIR)"
        }
        _ => return None,
    })
}

fn fetch_step(error: &FetchError) -> Option<&'static str> {
    Some(match error {
        FetchError::Changed { .. } => {
            "if the change is meant, run `aliquot lock RECIPE --update`; if not, get the file again from its source"
        }
        FetchError::Offline { .. } => {
            "run without `--offline`, or give `--mirror DIR` with that file"
        }
        FetchError::Network { .. } => {
            "run the same command again: downloads resume where they stopped; without a network give copies with `--mirror DIR`"
        }
        FetchError::NotAsListed { .. } => {
            "run the same command again; if it happens again, tell whoever keeps the source"
        }
        FetchError::Bucket { .. } => {
            "check the bucket's name, the key, and the region and credentials in the environment"
        }
        FetchError::Malformed { .. } => {
            "check the address, and HF_ENDPOINT or the bucket's endpoint in the environment"
        }
        FetchError::Moving { .. } => "write that commit in place of the branch or tag",
        FetchError::NoMatch { .. } => "look at what is there, and correct the pattern",
        FetchError::TooMany { .. } => "write more of the path before the first `*`",
        FetchError::Start(_) => "check the certificates of this machine",
        FetchError::Status { .. } => {
            "look at the address; `aliquot lock RECIPE --update` pins what is there now"
        }
        FetchError::Escapes { .. } => "replace the link by the file that it leads to",
        FetchError::Read { address: Address::File(_), .. } => {
            "`file:` addresses are relative to the recipe's folder; give another one with `--data DIR`"
        }
        FetchError::Read { .. } => "get that file of the mirror again from its source",
        FetchError::Store { source, .. } => return store_step(source),
        // These know their own step.
        FetchError::Forbidden { .. } | FetchError::Hub { .. } => return None,
    })
}

fn store_step(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::Remote { .. } | StoreError::Location { .. } => {
            "check the bucket's name, its address and the credentials in the environment"
        }
        StoreError::Damaged { .. } => {
            "delete that object and run the recipe again: it is made anew"
        }
        StoreError::Missing { .. } => "run the recipe again: it is made anew",
        StoreError::ReadOnly { .. } => "give a folder or a bucket with `--store`",
        StoreError::Io { .. } => return None,
    })
}

fn release_step(error: &ReleaseError) -> &'static str {
    match error {
        ReleaseError::VersionTaken { .. } => {
            "raise `version` in the recipe: published versions never change"
        }
        ReleaseError::Unknown { .. } => "`aliquot status` lists what is published",
        ReleaseError::Ambiguous { .. } => "give more digits of the id",
        ReleaseError::InvalidReference(_) => "`aliquot status` lists names, versions and ids",
        ReleaseError::BrokenLog { .. }
        | ReleaseError::Document { .. }
        | ReleaseError::TagMoved { .. } => {
            "somebody changed that file: restore it from a copy of the store"
        }
        ReleaseError::Incomplete { .. } => "run the recipe again: it is made anew",
        ReleaseError::Store(_) | ReleaseError::Canonical(_) => {
            "please report it with the command that you typed"
        }
    }
}
