use super::{
    Dissimilarity, Points,
    lanes::{Interleaved, products},
};
use crate::matrix::CompleteMatrix;

/// Rows that are compared at once.
const BLOCK: usize = 16;

/// Below this a product of unit vectors differs from 1 by rounding only.
const ROUNDING: f32 = 2e-6;

/// Objects as vectors of length one, compared by one minus their inner product.
#[derive(Debug, Clone)]
pub struct UnitRows {
    dimensions: usize,
    values: Vec<f32>,
}

impl UnitRows {
    /// Items as their scores over the models, centred and scaled: the dissimilarity of two items is
    /// 1 - Pearson's correlation, as in Vivek et al., "Anchor Points" (EACL 2024).
    ///
    /// A constant item has no correlation. It is put at dissimilarity 1 from all items that vary, and
    /// at 1 - (sqrt(pq) + sqrt((1-p)(1-q))) from a constant item: 0 when the constants p and q are
    /// equal, 1 when one is all right and the other all wrong (the squared Hellinger distance).
    pub fn correlation(matrix: &CompleteMatrix) -> Self {
        let dimensions = matrix.models() + 2;
        let mut values = Vec::with_capacity(matrix.items() * dimensions);
        for item in 0..matrix.items() {
            let scores = matrix.item(item);
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            let squares: f64 = scores.iter().map(|score| (score - mean) * (score - mean)).sum();
            if squares > 1e-12 {
                let norm = squares.sqrt();
                values.extend(scores.iter().map(|score| ((score - mean) / norm) as f32));
                values.extend([0.0; 2]);
            } else {
                values.extend(scores.iter().map(|_| 0.0));
                let mean = mean.clamp(0.0, 1.0);
                values.extend([mean.sqrt() as f32, (1.0 - mean).sqrt() as f32]);
            }
        }
        Self { dimensions, values }
    }

    /// Points by direction: the dissimilarity is 1 - cosine. The zero vector is at 1 from all others.
    pub fn cosine(points: &Points<'_>) -> Self {
        let mut values = Vec::with_capacity(points.count() * points.dimensions());
        for row in points.rows() {
            let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
            let scale = if norm > 0.0 && norm.is_finite() { 1.0 / norm } else { 0.0 };
            values.extend(row.iter().map(|value| (value * scale) as f32));
        }
        Self { dimensions: points.dimensions(), values }
    }

    /// Number of objects.
    pub fn count(&self) -> usize {
        self.values.len() / self.dimensions
    }

    fn row(&self, object: usize) -> &[f32] {
        &self.values[object * self.dimensions..(object + 1) * self.dimensions]
    }

    /// The dense matrix between `objects`, in their order.
    pub fn dissimilarity(&self, objects: &[usize]) -> Dissimilarity {
        let size = objects.len();
        let mut values = vec![0.0; size * size];
        let columns = self.interleaved(objects);
        for (block, columns) in columns.blocks().enumerate() {
            let start = block * BLOCK;
            let width = BLOCK.min(size - start);
            for (row, &object) in objects.iter().enumerate().skip(start) {
                let products = products::<f32, BLOCK>(self.row(object), columns);
                let slots = &mut values[row * size + start..row * size + start + width];
                for (slot, product) in slots.iter_mut().zip(products) {
                    *slot = apart(product);
                }
            }
        }
        Dissimilarity::mirrored(size, values)
    }

    /// Dissimilarity of each of `objects` to each of `others`, handed to `visit` row by row.
    pub fn for_each_row(
        &self,
        objects: &[usize],
        others: &[usize],
        mut visit: impl FnMut(usize, &[f32]),
    ) {
        let columns = self.interleaved(others);
        let mut row = Vec::with_capacity(others.len().next_multiple_of(BLOCK));
        for &object in objects {
            row.clear();
            for columns in columns.blocks() {
                row.extend(products::<f32, BLOCK>(self.row(object), columns).map(apart));
            }
            visit(object, &row[..others.len()]);
        }
    }

    fn interleaved(&self, objects: &[usize]) -> Interleaved<f32, BLOCK> {
        Interleaved::new(objects.len(), self.dimensions, |object| self.row(objects[object]))
    }
}

fn apart(product: f32) -> f32 {
    let value = 1.0 - product;
    if value > ROUNDING { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::ResponseMatrix;

    #[test]
    fn correlations_and_constant_items_worked_by_hand() {
        // Items over four models: 1100, 1010 (r = 0), 1100, 0011 (r = -1), all right, all wrong.
        let items = [[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1; 4], [0; 4]];
        let scores = (0..4).flat_map(|model| items.map(|item| item[model] as f32)).collect();
        let matrix = ResponseMatrix::new(4, 6, scores).unwrap().imputed().unwrap();
        let rows = UnitRows::correlation(&matrix);
        let dissimilarity = rows.dissimilarity(&[0, 1, 2, 3, 4, 5]);
        assert_eq!(dissimilarity.row(0), [0.0, 1.0, 0.0, 2.0, 1.0, 1.0]);
        assert_eq!(dissimilarity.row(4), [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
        rows.for_each_row(&[0], &[3, 2], |_, row| assert_eq!(row, [2.0, 0.0]));
    }

    #[test]
    fn cosine_ignores_length_and_a_zero_vector_is_far_from_all() {
        let points = Points::new(4, 2, &[1.0, 0.0, 3.0, 0.0, 0.0, 2.0, 0.0, 0.0]).unwrap();
        let dissimilarity = UnitRows::cosine(&points).dissimilarity(&[0, 1, 2, 3]);
        assert_eq!(dissimilarity.row(0), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(dissimilarity.row(3), [1.0, 1.0, 1.0, 0.0]);
    }
}
