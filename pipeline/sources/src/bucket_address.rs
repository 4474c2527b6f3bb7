use std::fmt;

use crate::address::{is_plain_key, is_plain_name};

/// Who keeps a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Provider {
    pub(crate) const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// Scheme of its addresses.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// An object of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketAddress {
    /// Who keeps it.
    pub provider: Provider,
    /// Name of the bucket, for Azure of the container.
    pub bucket: String,
    /// Key of the object as the provider has it, without `..` and empty names.
    pub key: String,
}

impl BucketAddress {
    /// Reads `bucket/key`; the error says what would be right.
    pub(crate) fn parse(provider: Provider, text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "write SCHEME://BUCKET/KEY, without `..`, empty names and credentials";
        let (bucket, key) = text.split_once('/').ok_or(SHAPE)?;
        if !is_plain_name(bucket) || !is_plain_key(key) {
            return Err(SHAPE);
        }
        Ok(Self { provider, bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}/{}", self.provider.scheme(), self.bucket, self.key)
    }
}
