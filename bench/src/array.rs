use crate::Error;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// A matrix of f32 as `numpy.save` writes it, row-major.
pub struct Array {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Row-major values, NaN where there is none.
    pub values: Vec<f32>,
}

impl Array {
    /// Reads a file; source of the format: NumPy enhancement proposal 1.
    pub fn read(path: &str) -> Result<Self, Error> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(&bytes).ok_or_else(|| Error::NotAnArray { path: path.to_owned() })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
        let (header, body) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        let header = std::str::from_utf8(header).ok()?;
        if !header.contains("'descr': '<f4'") || !header.contains("'fortran_order': False") {
            return None;
        }
        let (_, shape) = header.split_once("'shape': (")?;
        let (rows, columns) = shape.split_once(')')?.0.split_once(',')?;
        let (rows, columns) = (rows.trim().parse().ok()?, columns.trim().parse().ok()?);
        let (words, rest) = body.as_chunks::<4>();
        let whole = rest.is_empty() && words.len() == usize::checked_mul(rows, columns)?;
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        whole.then_some(Self { rows, columns, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, body: &[f32]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(body.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    #[test]
    fn a_matrix_is_read_row_by_row() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n";
        let array = Array::parse(&file(header, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])).unwrap();
        assert_eq!((array.rows, array.columns, array.values[4]), (2, 3, 4.0));
    }

    #[test]
    fn other_types_orders_and_lengths_are_refused() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";
        assert!(Array::parse(&file(header, &[0.0, 1.0])).is_some());
        assert!(Array::parse(&file(header, &[0.0])).is_none());
        assert!(Array::parse(&file(&header.replace("f4", "f8"), &[0.0, 1.0])).is_none());
        assert!(Array::parse(&file(&header.replace("False", "True"), &[0.0, 1.0])).is_none());
        assert!(Array::parse(b"PAR1").is_none());
    }
}
