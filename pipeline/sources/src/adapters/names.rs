use crate::Address;

/// Folder and file of an address.
pub(crate) struct PathName {
    /// Everything before the last slash.
    pub folder: String,
    /// The rest.
    pub file: String,
}

impl PathName {
    /// Of a web address the query is left out and `%7C` and the like are taken back.
    pub(crate) fn of(address: &Address) -> Self {
        let text = match address {
            Address::Web(url) => decoded(url.path()),
            Address::File(path) => path.to_string_lossy().into_owned(),
            Address::Bucket(bucket) => bucket.key.clone(),
            Address::Hub(hub) => hub.path.clone(),
        };
        match text.rsplit_once('/') {
            Some((folder, file)) => Self { folder: folder.to_owned(), file: file.to_owned() },
            None => Self { folder: String::new(), file: text },
        }
    }
}

fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_web_addresses_are_taken_back() {
        let address = "https://h/a%20b/details_harness%7Carc%3A5%zz.parquet?x=1".parse().unwrap();
        let name = PathName::of(&address);
        assert_eq!((&*name.folder, &*name.file), ("/a b", "details_harness|arc:5%zz.parquet"));
    }
}
