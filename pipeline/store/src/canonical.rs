//! Canonical JSON (RFC 8785): one value, one sequence of bytes, one digest.
//!
//! - object members sorted by key, keys compared as UTF-16 code units; no whitespace
//! - strings escape only `"`, `\` and control characters, the short forms where JSON has them
//! - numbers as ECMAScript prints a double: `1`, `0.1`, `1e+21`
//!
//! Integers beyond 2^53 have no exact double and are refused rather than rounded. NaN and infinities,
//! which JSON lacks, come as `null` from `serde_json` and cannot be told from it here: whoever hashes
//! parameters checks first that they are finite, as the recipe does.

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::ObjectId;

/// Largest integer that a double holds exactly together with all smaller ones.
const EXACT_INTEGERS: u64 = 1 << 53;

/// A value that has no canonical form.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// The type cannot be written as JSON at all.
    #[error("value cannot be written as JSON")]
    Serialize(#[source] serde_json::Error),
    /// An integer that a double cannot hold.
    #[error("integer {0} is beyond 2^53 and has no canonical JSON form; write it as a string")]
    InexactInteger(String),
}

/// The canonical bytes of a value.
pub fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value).map_err(CanonicalError::Serialize)?;
    let mut text = String::new();
    write_value(&value, &mut text)?;
    Ok(text.into_bytes())
}

/// BLAKE3 of the canonical bytes.
pub fn digest(value: &impl Serialize) -> Result<ObjectId, CanonicalError> {
    Ok(ObjectId::of(&to_bytes(value)?))
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out)?,
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(value, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out)?,
    }
    Ok(())
}

fn write_object(members: &Map<String, Value>, out: &mut String) -> Result<(), CanonicalError> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(key, out)?;
        out.push(':');
        write_value(value, out)?;
    }
    out.push('}');
    Ok(())
}

/// `serde_json` escapes exactly what RFC 8785 asks for, with lower-case `\u00xx`.
fn write_string(text: &str, out: &mut String) -> Result<(), CanonicalError> {
    out.push_str(&serde_json::to_string(text).map_err(CanonicalError::Serialize)?);
    Ok(())
}

fn write_number(number: &serde_json::Number, out: &mut String) -> Result<(), CanonicalError> {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match (magnitude, number.as_f64()) {
        (Some(magnitude), _) if magnitude <= EXACT_INTEGERS => out.push_str(&number.to_string()),
        (None, Some(double)) => out.push_str(ryu_js::Buffer::new().format(double)),
        _ => return Err(CanonicalError::InexactInteger(number.to_string())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        String::from_utf8(to_bytes(&value).unwrap()).unwrap()
    }

    #[test]
    fn equals_the_examples_of_rfc_8785() {
        // Section 3.2.2 to 3.2.4.
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(input), expected);
    }

    #[test]
    fn keys_sort_by_utf_16_code_units() {
        // Section 3.2.3: the surrogate pair of U+1F600 sorts before U+FB33.
        let input =
            r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let keys: Vec<char> = canonical(input).chars().filter(char::is_ascii_digit).collect();
        // "1" appears as a key and its value 4 follows it.
        assert_eq!(keys.iter().collect::<String>(), "21467153");
    }

    #[test]
    fn numbers_print_as_ecmascript_does() {
        // RFC 8785, appendix B.
        for (input, expected) in [
            ("-0.0", "0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740992", "9007199254740992"),
            ("295147905179352830000", "295147905179352830000"),
            ("9.999999999999997e22", "9.999999999999997e+22"),
            ("1e23", "1e+23"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
        ] {
            assert_eq!(canonical(input), expected);
        }
    }

    #[test]
    fn integers_that_a_double_would_round_are_refused() {
        assert!(matches!(to_bytes(&(EXACT_INTEGERS + 1)), Err(CanonicalError::InexactInteger(_))));
        assert!(
            to_bytes(&f64::NAN).is_ok_and(|bytes| bytes == b"null"),
            "serde_json maps NaN to null"
        );
    }
}
