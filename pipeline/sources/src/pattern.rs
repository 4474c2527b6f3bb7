use std::{collections::BTreeSet, fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};

use crate::{Address, InvalidAddress};

/// What makes a path a pattern; a backslash takes their meaning away.
const SPECIAL: [char; 5] = ['*', '?', '[', '{', '\\'];

/// An address, or many: its path may hold `*`, `?` (neither crosses a `/`), `**`, `[abc]`, `{a,b}`.
///
/// A plain `https:` or `http:` server cannot list what it has, so its addresses are taken as they
/// stand, and one that looks like a pattern is an error.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The pattern's text read as an address.
    address: Address,
    matcher: Option<GlobMatcher>,
}

impl Pattern {
    /// What stands before the first `:`.
    pub fn scheme(&self) -> &str {
        self.address.scheme()
    }

    /// Host of a web address.
    pub fn host(&self) -> Option<&str> {
        self.address.host()
    }

    /// The only address that it can stand for, None if that depends on what is there.
    pub fn exact(&self) -> Option<&Address> {
        self.matcher.is_none().then_some(&self.address)
    }

    /// Whether an address is one that the pattern stands for; the revision of a repository counts only
    /// where the pattern names a commit.
    pub fn covers(&self, address: &Address) -> bool {
        match (&self.address, address) {
            (Address::File(_), Address::File(path)) => {
                path.to_str().is_some_and(|path| self.matches(path))
            }
            (Address::Bucket(own), Address::Bucket(other)) => {
                own.provider == other.provider
                    && own.bucket == other.bucket
                    && self.matches(&other.key)
            }
            (Address::Hub(own), Address::Hub(other)) => {
                own.repository == other.repository
                    && (!own.is_pinned() || own.revision == other.revision)
                    && self.matches(&other.path)
            }
            (own, other) => own == other,
        }
    }

    /// The pattern read as an address, whose path is the glob.
    pub(crate) fn as_address(&self) -> &Address {
        &self.address
    }

    /// Path, key or path in the repository; empty for the web.
    pub(crate) fn path(&self) -> &str {
        match &self.address {
            Address::Web(_) => "",
            // Parsed from a string, so it is one.
            Address::File(path) => path.to_str().unwrap_or_default(),
            Address::Bucket(bucket) => &bucket.key,
            Address::Hub(hub) => &hub.path,
        }
    }

    /// The folder that holds every match, without its `/`; empty for the root.
    pub(crate) fn folder(&self) -> &str {
        let path = self.path();
        let fixed = match self.matcher {
            Some(_) => path.find(SPECIAL).unwrap_or(path.len()),
            None => path.len(),
        };
        path[..fixed].rfind('/').map_or("", |end| &path[..end])
    }

    /// Whether matches may lie deeper than in [`Self::folder`] itself.
    pub(crate) fn is_deep(&self) -> bool {
        let rest = self.path()[self.folder().len()..].trim_start_matches('/');
        rest.contains('/') || rest.contains("**")
    }

    /// Whether a path is one of those meant.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Some(matcher) => matcher.is_match(path),
            None => path == self.path(),
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let address: Address = text.parse()?;
        if let Address::Web(_) = address {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            if path.contains(SPECIAL) {
                return Err(InvalidAddress::new(
                    text,
                    "a web server cannot list its files, so no pattern can be resolved there: name \
                     every file, or use hf:, s3:, gs:, az: or file:",
                ));
            }
        }
        let mut pattern = Self { address, matcher: None };
        if pattern.path().contains(SPECIAL) {
            let mut glob = GlobBuilder::new(pattern.path());
            let glob = glob.literal_separator(true).backslash_escape(true).build();
            let glob = glob.map_err(|error| InvalidAddress::new(text, error.kind().to_string()))?;
            pattern.matcher = Some(glob.compile_matcher());
        }
        Ok(pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address)
    }
}

/// A file that a pattern stands for, with what the listing says of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Where it lies; a file of the Hub at a commit.
    pub address: Address,
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256 in hexadecimal digits.
    pub sha256: Option<String>,
}

impl From<Address> for Listed {
    fn from(address: Address) -> Self {
        Self { address, size: None, sha256: None }
    }
}

/// Matches so far: each once, sorted.
pub(crate) type Matches = BTreeSet<Listed>;

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_stays_in_its_folder_and_two_do_not() {
        let flat = pattern("file:runs/*/samples_{arc,bbh}_[0-9]?.json*");
        assert!(flat.matches("runs/a/samples_arc_12.jsonl"));
        for other in ["runs/a/b/samples_arc_12.json", "runs/a/samples_gpqa_12.json"] {
            assert!(!flat.matches(other), "{other}");
        }
        let deep = pattern("s3://b/runs/**/*.json");
        assert!(deep.matches("runs/x.json") && deep.matches("runs/a/b/x.json"));
        assert!(!deep.matches("other/x.json"));
    }

    #[test]
    fn the_folder_to_list_is_the_longest_that_holds_every_match() {
        for (text, folder, deep) in [
            ("file:a/b/c*.json", "a/b", false),
            ("file:*.json", "", false),
            ("file:a/*/c.json", "a", true),
            ("file:a/**", "a", true),
            ("file:a/b.json", "a", false),
            ("gs://h/a/b{c/d,e}.json", "a", true),
            ("hf://datasets/o/n@main/a|b/[x].json", "a|b", false),
        ] {
            let pattern = pattern(text);
            assert_eq!((pattern.folder(), pattern.is_deep()), (folder, deep), "{text}");
        }
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        let escaped = pattern(r"file:a\[1\].csv");
        assert!(escaped.matches("a[1].csv") && !escaped.matches("a1.csv"));
    }

    #[test]
    fn what_cannot_be_a_pattern_says_why() {
        let error = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert!(error("https://h/*.json").contains("a web server cannot list its files"));
        assert!(error("file:a/[b").contains("character class"), "{}", error("file:a/[b"));
        assert!(error("file:../*.json").contains("without `..`"));
        let query = pattern("https://h/x.json?download=true");
        assert_eq!(query.exact().unwrap().host(), Some("h"));
        assert!(pattern("file:a/*").exact().is_none());
    }
}
