use std::{collections::HashMap, sync::Arc};

use arrow_array::{ArrayRef, DictionaryArray, StringArray, UInt32Array, types::UInt32Type};

/// A column of few distinct texts: each row holds a code, each code stands for one text.
#[derive(Debug, Clone, Default)]
pub struct Categorical {
    values: Vec<String>,
    codes: Vec<u32>,
    lookup: HashMap<String, u32>,
}

impl Categorical {
    /// Adds a row.
    pub fn push(&mut self, value: &str) {
        // Most rows have the model, metric and file of the row before.
        let last = self.codes.last().copied().filter(|&last| self.values[last as usize] == value);
        let code = last.unwrap_or_else(|| self.intern(value));
        self.codes.push(code);
    }

    /// Adds a row by a code that [`Self::intern`] gave.
    pub fn push_code(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// The code of a text, new if it was not seen before.
    pub fn intern(&mut self, value: &str) -> u32 {
        if let Some(&code) = self.lookup.get(value) {
            return code;
        }
        let code = self.values.len() as u32;
        self.values.push(value.to_owned());
        self.lookup.insert(value.to_owned(), code);
        code
    }

    /// The code of a text, if it occurs.
    pub fn code_of(&self, value: &str) -> Option<u32> {
        self.lookup.get(value).copied()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> &str {
        &self.values[self.codes[row] as usize]
    }

    /// Code of each row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Text of each code.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Rank of each code when texts are sorted: comparing ranks compares texts.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        order.sort_by(|&a, &b| self.values[a as usize].cmp(&self.values[b as usize]));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in order.into_iter().enumerate() {
            ranks[code as usize] = rank as u32;
        }
        ranks
    }

    /// The rows in `order`, as an Arrow dictionary whose values are sorted and used: the same texts
    /// give the same bytes, however they were put in.
    pub(crate) fn to_arrow(&self, order: &[u32]) -> ArrayRef {
        let mut used = vec![false; self.values.len()];
        for &row in order {
            used[self.codes[row as usize] as usize] = true;
        }
        let ranks = self.ranks();
        let mut sorted: Vec<u32> =
            (0..self.values.len() as u32).filter(|&code| used[code as usize]).collect();
        sorted.sort_by_key(|&code| ranks[code as usize]);
        let mut renumbered = vec![0; self.values.len()];
        for (new, &code) in sorted.iter().enumerate() {
            renumbered[code as usize] = new as u32;
        }
        let keys: UInt32Array =
            order.iter().map(|&row| Some(renumbered[self.codes[row as usize] as usize])).collect();
        let values: StringArray =
            sorted.iter().map(|&code| Some(self.values[code as usize].as_str())).collect();
        // Keys are indices into `values` by construction, the one thing that this constructor checks.
        Arc::new(DictionaryArray::<UInt32Type>::new(keys, Arc::new(values)))
    }
}

impl<'a> FromIterator<&'a str> for Categorical {
    fn from_iter<I: IntoIterator<Item = &'a str>>(values: I) -> Self {
        let mut all = Self::default();
        values.into_iter().for_each(|value| all.push(value));
        all
    }
}

impl PartialEq for Categorical {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}
