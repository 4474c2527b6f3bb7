//! Where the tensors of a GGUF file stand. Values of metadata are skipped.
//!
//! SOURCE: the GGUF specification, version 3 (`docs/gguf.md` of ggml).

use std::collections::BTreeMap;

use crate::llama::TensorType;

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Name.
    pub name: String,
    /// Length of a row first.
    pub shape: Vec<u64>,
    /// Storage type.
    pub kind: TensorType,
    /// First byte in the file.
    pub start: usize,
}

impl Tensor {
    /// Numbers that it holds.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// Bytes that have been read so far.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("the file ends inside its header, at {}", self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, String> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.u64()? as usize;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// Steps over a value of metadata; gives it back where it is a `u32`.
    fn value(&mut self, kind: u32) -> Result<Option<u32>, String> {
        match kind {
            0 | 1 | 7 => self.take(1).map(|_| None),
            2 | 3 => self.take(2).map(|_| None),
            4 => self.u32().map(Some),
            5 | 6 => self.take(4).map(|_| None),
            8 => self.text().map(|_| None),
            9 => {
                let (element, count) = (self.u32()?, self.u64()?);
                for _ in 0..count {
                    self.value(element)?;
                }
                Ok(None)
            }
            10..=12 => self.take(8).map(|_| None),
            _ => Err(format!("value of type {kind}, which GGUF does not have")),
        }
    }
}

/// The tensors of a file, in the order of the file.
///
/// # Errors
/// The bytes are no GGUF file of version 2 or 3.
pub fn tensors(bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.take(4)? != b"GGUF" || !(2..=3).contains(&cursor.u32()?) {
        return Err("no GGUF file of version 2 or 3".to_owned());
    }
    let (count, entries) = (cursor.u64()?, cursor.u64()?);
    let mut numbers = BTreeMap::new();
    for _ in 0..entries {
        let (name, kind) = (cursor.text()?, cursor.u32()?);
        if let Some(number) = cursor.value(kind)? {
            numbers.insert(name, number);
        }
    }
    let mut found = Vec::new();
    for _ in 0..count {
        let name = cursor.text()?;
        let dimensions = cursor.u32()?;
        let shape = (0..dimensions).map(|_| cursor.u64()).collect::<Result<_, _>>()?;
        let (kind, offset) = (cursor.u32()?, cursor.u64()?);
        found.push(Tensor { name, shape, kind, start: offset as usize });
    }
    let alignment = numbers.get("general.alignment").copied().unwrap_or(32).max(1) as usize;
    let data = cursor.at.next_multiple_of(alignment);
    for tensor in &mut found {
        tensor.start += data;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let text = |text: &str| {
            let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(text.as_bytes());
            bytes
        };
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        bytes.extend(text("general.alignment"));
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend(64_u32.to_le_bytes());
        bytes.extend(text("words"));
        bytes.extend(9_u32.to_le_bytes());
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(text("one"));
        bytes.extend(text("blk.0.a.weight"));
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(4_u64.to_le_bytes());
        bytes.extend(3_u64.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes
    }

    #[test]
    fn a_tensor_starts_at_the_alignment_after_the_header() {
        let bytes = sample();
        let found = tensors(&bytes).unwrap();
        assert_eq!(found[0].name, "blk.0.a.weight");
        assert_eq!((found[0].shape.as_slice(), found[0].elements()), ([4, 3].as_slice(), 12));
        assert_eq!(found[0].start, bytes.len().next_multiple_of(64));
    }

    #[test]
    fn cut_and_foreign_files_are_refused() {
        let bytes = sample();
        assert!((0..bytes.len()).all(|length| tensors(&bytes[..length]).is_err()));
        assert!(tensors(b"GGML0000000000000000000000000").is_err());
    }
}
