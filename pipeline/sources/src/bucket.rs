//! Buckets, behind `object_store`.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    GetOptions, GetRange, ObjectStore, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, client::HttpError, gcp::GoogleCloudStorageBuilder, path::Path,
};
use tokio::runtime::{Handle, Runtime};

use crate::{
    Address, BucketAddress, BucketOptions, Forbidden, Pattern,
    bucket_address::Provider,
    bucket_client::{Answered, Connector},
    bucket_options::prefix,
    download::Answer,
    patience::{Refusal, Trouble, is_busy},
    pattern::{Listed, Matches},
};

/// Buckets by provider and name, opened when they are first needed.
pub(crate) struct Buckets {
    runtime: Runtime,
    options: BucketOptions,
    silence: Duration,
    open: Mutex<BTreeMap<(Provider, String), Arc<dyn ObjectStore>>>,
}

impl Buckets {
    pub(crate) fn new(options: BucketOptions, silence: Duration) -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime, options, silence, open: Mutex::default() })
    }

    /// The bytes of an object from one on, if it is still the version of that tag.
    pub(crate) fn part(
        &self,
        address: &BucketAddress,
        from: u64,
        tag: Option<&str>,
    ) -> Result<Answer<'static>, Trouble> {
        let objects = self.bucket(address)?;
        let options = GetOptions {
            range: (from > 0).then_some(GetRange::Offset(from)),
            if_match: tag.filter(|_| from > 0).map(str::to_owned),
            ..GetOptions::default()
        };
        let key = key(&address.key)?;
        let got = match self.runtime.block_on(objects.get_opts(&key, options)) {
            Ok(got) => got,
            // Another version, or a server that knows no ranges: from the start then.
            Err(error) if from > 0 && !is_about_connection(&error) => {
                let body = Box::new(io::empty());
                return Ok(Answer {
                    starts_at: None,
                    total: None,
                    promised: None,
                    tag: None,
                    body,
                });
            }
            Err(error) => return Err(trouble(&error)),
        };
        let (range, meta) = (got.range.clone(), got.meta.clone());
        let body = ObjectBody {
            runtime: self.runtime.handle().clone(),
            stream: got.into_stream(),
            bytes: Bytes::new(),
        };
        Ok(Answer {
            starts_at: Some(range.start),
            total: Some(meta.size),
            promised: Some(range.end - range.start),
            tag: meta.e_tag.filter(|tag| !tag.starts_with("W/")),
            body: Box::new(body),
        })
    }

    /// The objects that a pattern means; None if there are more than `most` to look at.
    pub(crate) fn list(
        &self,
        pattern: &Pattern,
        address: &BucketAddress,
        most: usize,
    ) -> Result<Option<Matches>, Trouble> {
        let objects = self.bucket(address)?;
        let folder = key(pattern.folder())?;
        let folder = (!pattern.folder().is_empty()).then_some(&folder);
        let (mut seen, mut matches) = (0, Matches::new());
        let mut stream = objects.list(folder);
        while let Some(meta) =
            self.runtime.block_on(stream.try_next()).map_err(|error| trouble(&error))?
        {
            seen += 1;
            if seen > most {
                return Ok(None);
            }
            let key = meta.location.to_string();
            if !pattern.matches(&key) {
                continue;
            }
            let BucketAddress { provider, bucket, .. } = address;
            let found = BucketAddress::parse(*provider, &format!("{bucket}/{key}"))
                .map_err(|_| Trouble::malformed(format!("the bucket lists the key {key:?}")))?;
            matches.insert(Listed {
                address: Address::Bucket(found),
                size: Some(meta.size),
                sha256: None,
            });
        }
        Ok(Some(matches))
    }

    fn bucket(&self, address: &BucketAddress) -> Result<Arc<dyn ObjectStore>, Trouble> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (address.provider, address.bucket.clone());
        if let Some(objects) = open.get(&name) {
            return Ok(Arc::clone(objects));
        }
        let objects = self
            .connect(address.provider, &address.bucket)
            .map_err(|error| Trouble::Refused(Refusal::Bucket(error.to_string())))?;
        open.insert(name, Arc::clone(&objects));
        Ok(objects)
    }

    fn connect(
        &self,
        provider: Provider,
        bucket: &str,
    ) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        // Waiting and trying again is done by the caller, for every kind of address alike.
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let plain_http = self.options.is_on(&format!("{}allow_http", prefix(provider)))
            || self.options.is_on("azure_storage_use_emulator");
        let connector = Connector { silence: self.silence, plain_http };
        let is_anonymous = !self.options.has_credentials(provider);
        let options = self.options.of(provider);
        Ok(match provider {
            Provider::S3 => {
                let builder =
                    configured(AmazonS3Builder::new(), options, |builder, name, value| {
                        builder.with_config(name, value)
                    });
                let builder = builder.with_bucket_name(bucket).with_http_connector(connector);
                Arc::new(builder.with_retry(retry).with_skip_signature(is_anonymous).build()?)
            }
            Provider::Google => {
                let builder = GoogleCloudStorageBuilder::new();
                let builder = configured(builder, options, |builder, name, value| {
                    builder.with_config(name, value)
                });
                let builder = builder.with_bucket_name(bucket).with_http_connector(connector);
                Arc::new(builder.with_retry(retry).with_skip_signature(is_anonymous).build()?)
            }
            Provider::Azure => {
                let builder = MicrosoftAzureBuilder::new();
                let builder = configured(builder, options, |builder, name, value| {
                    builder.with_config(name, value)
                });
                let builder = builder.with_container_name(bucket).with_http_connector(connector);
                Arc::new(builder.with_retry(retry).with_skip_signature(is_anonymous).build()?)
            }
        })
    }
}

/// Applies the options that a builder knows: the environment holds more than those.
fn configured<'a, B, K: FromStr>(
    builder: B,
    options: impl Iterator<Item = (&'a String, &'a String)>,
    with: impl Fn(B, K, &str) -> B,
) -> B {
    options.fold(builder, |builder, (name, value)| match name.parse() {
        Ok(key) => with(builder, key, value),
        Err(_) => builder,
    })
}

fn key(key: &str) -> Result<Path, Trouble> {
    Path::parse(key).map_err(|error| Trouble::Refused(Refusal::Bucket(error.to_string())))
}

/// The first of an error's causes of that type, itself included.
fn cause_of<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Whether the bucket's server was not reached, or did not answer the request itself.
fn is_about_connection(error: &object_store::Error) -> bool {
    cause_of::<HttpError>(error).is_some()
}

fn trouble(error: &object_store::Error) -> Trouble {
    let refused = |reason: &str| Trouble::Refused(Refusal::Bucket(reason.to_owned()));
    match error {
        object_store::Error::NotFound { .. } => {
            return refused("there is no such bucket or object");
        }
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => return refused("access is denied"),
        _ => {}
    }
    if let Some(Answered { status, retry_after, location }) = cause_of(error) {
        if is_busy(*status) {
            let what = format!("the server answered {status}");
            return Trouble::Passing { what, retry_after: *retry_after };
        }
        return match location {
            Some(host) => Trouble::Refused(Refusal::Forbidden(Forbidden::Host(host.clone()))),
            None => refused("the bucket lies in another region: set AWS_REGION to that one"),
        };
    }
    match cause_of::<HttpError>(error) {
        Some(error) => {
            let mut what = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                what = format!("{what}: {error}");
                cause = error.source();
            }
            Trouble::passing(what)
        }
        None => refused(&error.to_string()),
    }
}

/// The body of an object as a reader.
struct ObjectBody {
    runtime: Handle,
    stream: BoxStream<'static, Result<Bytes, object_store::Error>>,
    bytes: Bytes,
}

impl Read for ObjectBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.bytes.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(bytes) => self.bytes = bytes.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_opens_anonymously_and_azure_says_what_it_lacks() {
        let buckets = |pairs: &[(&str, &str)]| {
            let options =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Buckets::new(options.collect(), Duration::from_secs(1)).unwrap()
        };
        let plain = buckets(&[]);
        assert!(plain.connect(Provider::S3, "bucket").is_ok());
        assert!(plain.connect(Provider::Google, "bucket").is_ok());
        let error = plain.connect(Provider::Azure, "container").unwrap_err().to_string();
        assert!(error.contains("Account"), "{error}");
        let azure = buckets(&[("AZURE_STORAGE_ACCOUNT_NAME", "account")]);
        assert!(azure.connect(Provider::Azure, "container").is_ok());
    }
}
