use percent_encoding::percent_decode_str;

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
            Address::Web(url) => percent_decode_str(url.path()).decode_utf8_lossy().into_owned(),
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

/// Splits `_2024-06-21T15-44-04.366910` off.
pub(crate) fn split_time(stem: &str) -> (&str, &str) {
    let Some((before, time)) = stem.rsplit_once('_') else { return (stem, "") };
    let pattern = b"dddd-dd-ddTdd-dd-dd";
    let matches = |(byte, pattern): (u8, &u8)| match pattern {
        b'd' => byte.is_ascii_digit(),
        _ => byte == *pattern || (byte == b':' && *pattern == b'-'),
    };
    let rest = time.bytes().skip(pattern.len()).all(|byte| byte == b'.' || byte.is_ascii_digit());
    let long = time.len() >= pattern.len();
    let is_time = long && rest && time.bytes().zip(pattern).all(matches);
    if is_time { (before, time) } else { (stem, "") }
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
