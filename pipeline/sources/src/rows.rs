use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Weak},
};

/// Rows of a table that several shards may share; whoever changes them gets a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T>(Arc<Vec<T>>);

impl<T> Rows<T> {
    /// A mark by which the same rows are known again; it does not hold them.
    pub fn mark(&self) -> Weak<Vec<T>> {
        Arc::downgrade(&self.0)
    }

    /// Whether these are the rows of the mark, not others that are equal. Rows that were changed since
    /// are others: the mark keeps them from being changed in place.
    pub fn is_marked(&self, mark: &Weak<Vec<T>>) -> bool {
        mark.upgrade().is_some_and(|rows| Arc::ptr_eq(&rows, &self.0))
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for Rows<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Clone> DerefMut for Rows<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(rows: Vec<T>) -> Self {
        Self(Arc::new(rows))
    }
}

impl<T> FromIterator<T> for Rows<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        Vec::from_iter(rows).into()
    }
}

impl<T: Clone> IntoIterator for Rows<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Rows<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
