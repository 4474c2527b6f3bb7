//! JSON as Python writes it.

use std::borrow::Cow;

/// Replaces bare `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes and JSON lacks, by
/// `null`; text inside strings is left alone. Borrows when there is nothing to replace.
pub(crate) fn without_bare_nan(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let (mut copied, mut at, mut inside) = (0, 0, false);
    while at < bytes.len() {
        let rest = &bytes[at..];
        match bytes[at] {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            b'N' | b'I' | b'-' if !inside => {
                let word = [&b"NaN"[..], b"Infinity", b"-Infinity"]
                    .into_iter()
                    .find(|word| rest.starts_with(word));
                if let Some(word) = word {
                    out.extend_from_slice(&bytes[copied..at]);
                    out.extend_from_slice(b"null");
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_words_are_replaced() {
        let text = br#"[{"a":NaN,"b":"NaN \" NaN","c":-Infinity,"d":-1}]"#;
        assert_eq!(&*without_bare_nan(text), br#"[{"a":null,"b":"NaN \" NaN","c":null,"d":-1}]"#);
        assert!(matches!(without_bare_nan(b"[1,\"NaN\"]"), Cow::Borrowed(_)));
    }
}
