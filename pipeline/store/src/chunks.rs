//! Digests of the parts of an object, so that damage can be told to the byte range.
//!
//! BLAKE3 is a tree: the digest of an object is made of the chaining values of its 64 KiB groups. A
//! release records them, and they can be trusted because they must combine to the object id.

use std::ops::Range;

use blake3::hazmat::{
    HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};

use crate::ObjectId;

/// Bytes in a group. A power of two times BLAKE3's 1 KiB chunk, so that groups are whole subtrees.
pub const GROUP: u64 = 64 * 1024;

/// Chaining value of one group.
pub type GroupValue = [u8; 32];

/// The chaining values of all groups, in order; none for an object of at most one group, whose only
/// range is the whole.
pub fn group_values(bytes: &[u8]) -> Vec<GroupValue> {
    if bytes.len() as u64 <= GROUP {
        return Vec::new();
    }
    bytes.chunks(GROUP as usize).zip(0..).map(|(group, index)| group_value(group, index)).collect()
}

fn group_value(group: &[u8], index: u64) -> GroupValue {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index * GROUP).update(group);
    hasher.finalize_non_root()
}

/// Whether these values are those of the object of that id and size.
pub fn belong_to(values: &[GroupValue], size: u64, id: ObjectId) -> bool {
    if size <= GROUP {
        return values.is_empty();
    }
    if values.len() as u64 != size.div_ceil(GROUP) {
        return false;
    }
    let left = left_subtree_len(size);
    let (left_values, right_values) = values.split_at((left / GROUP) as usize);
    let root = merge_subtrees_root(
        &subtree(left_values, left),
        &subtree(right_values, size - left),
        Mode::Hash,
    );
    ObjectId::from(root) == id
}

fn subtree(values: &[GroupValue], size: u64) -> GroupValue {
    if size <= GROUP {
        return values[0];
    }
    let left = left_subtree_len(size);
    let (left_values, right_values) = values.split_at((left / GROUP) as usize);
    merge_subtrees_non_root(
        &subtree(left_values, left),
        &subtree(right_values, size - left),
        Mode::Hash,
    )
}

/// The first byte range of `bytes` that is not what `values` say; None if all are.
///
/// Bytes missing at the end, or too many, show as a range that starts where the sizes part.
pub fn first_bad_range(bytes: &[u8], values: &[GroupValue], size: u64) -> Option<Range<u64>> {
    let got = bytes.len() as u64;
    for (index, expected) in (0..).zip(values) {
        let (start, end) = (index * GROUP, size.min((index + 1) * GROUP));
        if got < end {
            return Some(start.min(got)..end);
        }
        if group_value(&bytes[start as usize..end as usize], index) != *expected {
            return Some(start..end);
        }
    }
    (got > size).then_some(size..got)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_combine_to_the_id_for_every_shape_of_tree() {
        let bytes: Vec<u8> = (0..GROUP * 11 + 5).map(|index| (index % 251) as u8).collect();
        for groups in 1..=11 {
            for extra in [-1, 0, 1] {
                let size = (groups * GROUP as i64 + extra) as usize;
                let part = &bytes[..size];
                let values = group_values(part);
                assert!(belong_to(&values, size as u64, ObjectId::of(part)), "{size} bytes");
                assert_eq!(first_bad_range(part, &values, size as u64), None, "{size} bytes");
                if let Some(last) = values.len().checked_sub(1) {
                    let mut wrong = values.clone();
                    wrong[last][0] ^= 1;
                    assert!(!belong_to(&wrong, size as u64, ObjectId::of(part)), "{size} bytes");
                }
            }
        }
    }

    #[test]
    fn one_flipped_byte_names_its_group_and_a_cut_its_place() {
        let mut bytes: Vec<u8> = (0..GROUP * 5 + 9).map(|index| (index % 241) as u8).collect();
        let size = bytes.len() as u64;
        let values = group_values(&bytes);
        assert_eq!(first_bad_range(&bytes[..100], &values, size), Some(0..GROUP));
        bytes[(3 * GROUP + 17) as usize] ^= 4;
        assert_eq!(first_bad_range(&bytes, &values, size), Some(3 * GROUP..4 * GROUP));
    }
}
