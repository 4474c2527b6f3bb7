//! What the question is, from the data set's own row.
//!
//! The row's fields are the data set's, so that the stem does not depend on model, prompt template,
//! worked examples or version of the tool. The question is the first field of [`QUESTIONS`] that there
//! is, with those of [`CONTEXTS`] before it. A row without any is its own stem: as the JSON text that
//! the tool digests.

use std::{borrow::Cow, fmt::Write as _};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::record::Text;

/// Fields that a question stands in, in the order in which they are looked for; case is ignored.
const QUESTIONS: [&str; 12] = [
    "question",
    "question_stem",
    "query",
    "problem",
    "prompt",
    "goal",
    "ctx",
    "sentence",
    "hypothesis",
    "input",
    "text",
    "instruction",
];

/// Fields without which the question cannot be understood; all that there are.
const CONTEXTS: [&str; 10] = [
    "passage",
    "context",
    "article",
    "narrative",
    "story",
    "paragraph",
    "premise",
    "body",
    "background",
    "instruction",
];

/// Fields that hold all choices, as a list or as an object with a list `text`.
const CHOICES: [&str; 3] = ["choices", "options", "endings"];

/// First fields of one choice each; the next one's last character is one up.
const FIRST_CHOICES: [&str; 6] = ["option1", "choice1", "sol1", "answerA", "A", "opa"];

/// Fields of the item's id in its benchmark.
const NATIVE_IDS: [&str; 4] = ["id", "task_id", "question_id", "instance_id"];

/// Deepest nesting of a row, that of `serde_json`.
pub(super) const DEEPEST: usize = 128;

/// The fields of a row.
pub(super) struct Doc<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Doc<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Doc<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "a row of the data set, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Doc<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, _>()? {
                    fields.push((key, value));
                }
                Ok(Doc(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Doc<'_> {
    fn field<'f>(&'f self, name: &str) -> Option<&'f str> {
        let same = |(key, _): &&(Cow<'_, str>, &'f RawValue)| key == name;
        self.0.iter().find(same).map(|(_, raw)| raw.get())
    }

    /// The text of a field, if it is one and not blank.
    fn text(&self, name: &str) -> Option<String> {
        let same = |(key, _): &&(Cow<'_, str>, &RawValue)| key.eq_ignore_ascii_case(name);
        let raw = self.0.iter().find(same)?.1.get();
        let text: String = raw.starts_with('"').then(|| serde_json::from_str(raw).ok())??;
        (!text.trim().is_empty()).then_some(text)
    }

    /// The question with what it refers to; None if the row names neither as expected.
    pub fn question(&self) -> Option<String> {
        let (name, question) = QUESTIONS.iter().find_map(|name| Some((name, self.text(name)?)))?;
        let contexts = CONTEXTS.iter().filter(|&context| context != name);
        let mut parts: Vec<String> = contexts.filter_map(|context| self.text(context)).collect();
        parts.push(question);
        Some(parts.join("\n"))
    }

    /// The choices, if the row has them as texts.
    pub fn choices(&self) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Labelled {
            text: Vec<String>,
        }
        let listed = CHOICES.iter().filter_map(|name| self.field(name)).find_map(|raw| {
            serde_json::from_str(raw)
                .or_else(|_| serde_json::from_str::<Labelled>(raw).map(|labelled| labelled.text))
                .ok()
        });
        let choices = listed.or_else(|| FIRST_CHOICES.iter().find_map(|first| self.family(first)));
        choices.filter(|choices| choices.len() > 1)
    }

    /// Choices in fields of their own.
    fn family(&self, first: &str) -> Option<Vec<String>> {
        let (stem, last) = first.split_at(first.len() - 1);
        let last = *last.as_bytes().first()?;
        let names = (last..last + 9).map(|last| format!("{stem}{}", char::from(last)));
        let choices: Vec<String> =
            names.map_while(|name| serde_json::from_str(self.field(&name)?).ok()).collect();
        (choices.len() > 1).then_some(choices)
    }

    /// The right one of two options, counted from 0, in rows that ask for the context of one ending.
    pub fn right_option(&self) -> Option<usize> {
        let answer: Text<'_> = serde_json::from_str(self.field("answer")?).ok()?;
        self.field("option2")?;
        match &*answer.0 {
            "1" => Some(0),
            "2" => Some(1),
            _ => None,
        }
    }

    /// The item's id in its benchmark.
    pub fn native_id(&self) -> Option<String> {
        let raw = NATIVE_IDS.iter().find_map(|name| self.field(name))?;
        let text = serde_json::from_str::<String>(raw);
        text.ok().or_else(|| serde_json::from_str::<i64>(raw).ok().map(|id| id.to_string()))
    }
}

/// SHA-256 of the row as the tool computes it since 0.4.3: of Python's `json.dumps(doc, indent=2,
/// ensure_ascii=False)`.
///
/// SOURCE: lm-evaluation-harness, `lm_eval/evaluator.py` and `hash_string` of `lm_eval/utils.py`.
///
/// None for a row that [`pretty`] refuses.
pub(super) fn hash(doc: &RawValue) -> Option<String> {
    let digest = Sha256::digest(pretty(doc.get())?.as_bytes());
    let hexadecimal = digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    });
    Some(hexadecimal)
}

/// Valid JSON, indented as Python does with 2 spaces. None where it is nested deeper than [`DEEPEST`]:
/// indentation takes the square of the depth.
pub(super) fn pretty(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len() * 5 / 4);
    let mut depth = 0;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let (bytes, mut at) = (json.as_bytes(), 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                push_string(&mut out, &json[at..end]);
                at = end;
                continue;
            }
            b'{' | b'[' => {
                let empty = matches!(next_solid(bytes, at + 1), Some(b'}' | b']'));
                out.push(char::from(byte));
                if !empty {
                    depth += 1;
                    if depth > DEEPEST {
                        return None;
                    }
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                if !out.ends_with(['{', '[']) {
                    depth -= 1;
                    line(&mut out, depth);
                }
                out.push(char::from(byte));
            }
            b',' => {
                out.push(',');
                line(&mut out, depth);
            }
            b':' => out.push_str(": "),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => out.push(char::from(byte)),
        }
        at += 1;
    }
    Some(out)
}

fn next_solid(bytes: &[u8], at: usize) -> Option<u8> {
    bytes[at..].iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Position behind the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// A string with its quotes, non-ASCII characters as they are: early versions escaped them.
fn push_string(out: &mut String, quoted: &str) {
    let plain = quoted.contains("\\u").then(|| {
        let text: String = serde_json::from_str(quoted).ok()?;
        serde_json::to_string(&text).ok()
    });
    out.push_str(plain.flatten().as_deref().unwrap_or(quoted));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(json: &str) -> Doc<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_question_has_what_it_refers_to() {
        let question = |json| doc(json).question();
        assert_eq!(question(r#"{"Question":"Why?","answer":"x"}"#).unwrap(), "Why?");
        assert_eq!(
            question(r#"{"body":"7 apples.","question":"How many?"}"#).unwrap(),
            "7 apples.\nHow many?"
        );
        assert_eq!(
            question(r#"{"ctx":"A man","query":"Running: A man","label":1}"#).unwrap(),
            "Running: A man"
        );
        assert_eq!(question(r#"{"question":" ","label":1}"#), None);
    }

    #[test]
    fn choices_come_as_lists_as_objects_and_in_fields_of_their_own() {
        let choices = |json| doc(json).choices().map(|choices| choices.join("|"));
        assert_eq!(choices(r#"{"choices":["x","y"]}"#).unwrap(), "x|y");
        assert_eq!(choices(r#"{"choices":{"text":["x","y"],"label":["A","B"]}}"#).unwrap(), "x|y");
        assert_eq!(choices(r#"{"sentence":"_","option1":"x","option2":"y"}"#).unwrap(), "x|y");
        assert_eq!(choices(r#"{"Question":"q","A":"x","B":"y","C":"z"}"#).unwrap(), "x|y|z");
        assert_eq!(choices(r#"{"choices":"['x', 'y']","A":1}"#), None);
    }

    #[test]
    fn indents_as_python_does() {
        let json = r#"{"a":[1,{"b":[]}, {}],"c":"\u00e9 \"[\"","d":{"e":null}}"#;
        let python = "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    {}\n  ],\n  \
            \"c\": \"\u{e9} \\\"[\\\"\",\n  \"d\": {\n    \"e\": null\n  }\n}";
        assert_eq!(pretty(json).unwrap(), python);
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(pretty(&deep(DEEPEST)).is_some() && pretty(&deep(DEEPEST + 1)).is_none());
    }
}
