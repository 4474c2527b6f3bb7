//! Patterns to files: folders, buckets and repositories of the Hub are listed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use reqwest::header::HeaderMap;
use url::Url;

use crate::{
    Address, BucketAddress, FetchError, Fetcher, Forbidden, HubAddress, Listed, Pattern,
    hub_listing::{self, Entry},
    local::inside,
    patience::{Refusal, patiently},
    pattern::Matches,
    web::Owner,
};

/// Folders in each other; more are a circle of links.
const DEEPEST: usize = 64;

impl Fetcher {
    /// The files that a pattern means now, sorted, each once; at least one.
    ///
    /// Folders, buckets and the Hub are listed; a branch or tag of the Hub becomes the commit that it
    /// is. An address without a listing that tells more of it (`https:`, `http:`, an exact `file:` or
    /// bucket address) is taken as it stands: whether it is there shows when it is pinned.
    pub fn resolve(&self, pattern: &Pattern) -> Result<Vec<Listed>, FetchError> {
        let address = pattern.as_address();
        let what = || pattern.to_string();
        self.web
            .allow
            .check_pattern(pattern)
            .map_err(|forbidden| FetchError::Forbidden { what: what(), forbidden })?;
        let matches = match (address, pattern.exact()) {
            (Address::Hub(file), Some(_)) if file.is_pinned() && self.settings.offline => {
                Matches::from([Listed::from(address.clone())])
            }
            (Address::Hub(file), _) => self.hub_files(pattern, file)?,
            (_, Some(exact)) => Matches::from([Listed::from(exact.clone())]),
            (Address::Bucket(bucket), None) => self.bucket_files(pattern, bucket)?,
            (Address::File(_), None) => self.local_files(pattern)?,
            // No pattern of the web is without an exact address.
            (Address::Web(_), None) => Matches::new(),
        };
        if matches.is_empty() {
            return Err(FetchError::NoMatch { pattern: Box::new(pattern.clone()) });
        }
        Ok(matches.into_iter().collect())
    }

    /// The commit that a revision of the Hub is now.
    pub(crate) fn commit(
        &self,
        address: &Address,
        file: &HubAddress,
    ) -> Result<String, FetchError> {
        if file.is_pinned() {
            return Ok(file.revision.clone());
        }
        let url = self.web.hub.revision(file).map_err(|error| malformed(address, &error))?;
        let (_, body) = self.page(address, file, &url)?;
        hub_listing::commit(&body).map_err(|problem| malformed(address, &problem))
    }

    fn hub_files(&self, pattern: &Pattern, file: &HubAddress) -> Result<Matches, FetchError> {
        let address = pattern.as_address();
        let commit = self.commit(address, file)?;
        let first = self.web.hub.tree(file, &commit, pattern.folder(), pattern.is_deep());
        let mut next = Some(first.map_err(|error| malformed(address, &error))?);
        let (mut seen, mut matches) = (0, Matches::new());
        while let Some(url) = next {
            let (headers, body) = self.page(address, file, &url)?;
            let entries = Entry::page(&body).map_err(|problem| malformed(address, &problem))?;
            seen += entries.len();
            self.check_count(pattern, seen)?;
            next = self.next_page(address, &url, &headers)?;
            if entries.is_empty() && next.is_some() {
                return Err(malformed(address, &"an empty page of files that is not the last"));
            }
            for entry in entries.iter().filter(|entry| entry.is_file()) {
                if pattern.matches(&entry.path) {
                    matches
                        .insert(listed(file, &commit, entry).map_err(|p| malformed(address, &p))?);
                }
            }
        }
        Ok(matches)
    }

    fn page(
        &self,
        address: &Address,
        file: &HubAddress,
        url: &Url,
    ) -> Result<(HeaderMap, Vec<u8>), FetchError> {
        self.check_online(address)?;
        let owner = Owner::Repository(&file.repository);
        patiently(self.settings.network.first_wait, || self.web.page(url, owner))
            .map_err(|stopped| FetchError::stopped(address, stopped))
    }

    /// The page after this one; the Hub leads to itself only.
    fn next_page(
        &self,
        address: &Address,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Option<Url>, FetchError> {
        let Some(target) = hub_listing::next_link(headers) else { return Ok(None) };
        let next = url.join(target).map_err(|error| malformed(address, &error))?;
        if !self.web.hub.serves(&next) {
            let host = next.host_str().unwrap_or_default().to_owned();
            let refusal = Refusal::Forbidden(Forbidden::Host(host));
            return Err(FetchError::refused(address.to_string(), refusal));
        }
        Ok(Some(next))
    }

    fn bucket_files(
        &self,
        pattern: &Pattern,
        bucket: &BucketAddress,
    ) -> Result<Matches, FetchError> {
        self.check_online(pattern.as_address())?;
        let most = self.settings.network.most_files;
        let listed = patiently(self.settings.network.first_wait, || {
            self.buckets()?.list(pattern, bucket, most)
        });
        listed
            .map_err(|stopped| FetchError::stopped(pattern.as_address(), stopped))?
            .ok_or_else(|| FetchError::TooMany { pattern: Box::new(pattern.clone()), most })
    }

    fn local_files(&self, pattern: &Pattern) -> Result<Matches, FetchError> {
        let address = pattern.as_address();
        let data = &self.settings.data;
        let read_error = |path: &Path, source| FetchError::Read {
            address: address.clone(),
            origin: format!("`{}`", path.display()),
            source,
        };
        let (mut seen, mut matches) = (0, Matches::new());
        let mut folders = vec![(PathBuf::from(pattern.folder()), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let path = inside(address, data, data.join(&folder))?;
            if depth > DEEPEST {
                return Err(read_error(&path, io::Error::other("folders in a circle of links")));
            }
            for entry in fs::read_dir(&path).map_err(|source| read_error(&path, source))? {
                let entry = entry.map_err(|source| read_error(&path, source))?;
                seen += 1;
                self.check_count(pattern, seen)?;
                let below = folder.join(entry.file_name());
                let Some(name) = below.to_str() else {
                    let problem = io::Error::other("its name is not UTF-8");
                    return Err(read_error(&entry.path(), problem));
                };
                // A link that leads nowhere is no file, unless it is one that was meant.
                match fs::metadata(entry.path()) {
                    Ok(metadata) if metadata.is_dir() && pattern.is_deep() => {
                        folders.push((below, depth + 1));
                    }
                    Ok(metadata) if metadata.is_file() && pattern.matches(name) => {
                        let size = Some(metadata.len());
                        let address = Address::File(below);
                        matches.insert(Listed { address, size, sha256: None });
                    }
                    Err(source) if pattern.matches(name) => {
                        return Err(read_error(&entry.path(), source));
                    }
                    _ => {}
                }
            }
        }
        Ok(matches)
    }

    fn check_count(&self, pattern: &Pattern, seen: usize) -> Result<(), FetchError> {
        let most = self.settings.network.most_files;
        match seen > most {
            true => Err(FetchError::TooMany { pattern: Box::new(pattern.clone()), most }),
            false => Ok(()),
        }
    }
}

fn malformed(address: &Address, problem: &dyn std::fmt::Display) -> FetchError {
    FetchError::Malformed { what: address.to_string(), problem: problem.to_string() }
}

/// An entry at a commit; what the Hub lists is no more to be trusted than an address in a recipe.
fn listed(file: &HubAddress, commit: &str, entry: &Entry) -> Result<Listed, String> {
    let text = format!("datasets/{}@{commit}/{}", file.repository, entry.path);
    let address = HubAddress::parse(&text)
        .map_err(|_| format!("the list of files: the path {:?}", entry.path))?;
    let (size, sha256) = entry.content()?;
    Ok(Listed { address: Address::Hub(address), size: Some(size), sha256 })
}
