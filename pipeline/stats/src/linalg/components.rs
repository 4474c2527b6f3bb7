//! Principal components of scores: few directions that carry most of what models differ in.

use super::{add_scaled, dot_lanes, eigen::sign_of_largest, outer_sum, symmetric_eigen};
use crate::{StatsError, matrix::CompleteMatrix, rng::Stream};

/// Up to this many models or items the components come from an exact eigendecomposition.
const EXACT_LIMIT: usize = 1000;
/// A component must carry this share of the first one's variance to be told from rounding.
const NEGLIGIBLE: f64 = 1e-12;

/// The leading principal components of a matrix: scores ~ item mean + model score x loading.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Number of components: what was asked for, or the rank of the centred matrix if lower.
    pub rank: usize,
    /// Mean of each item over the models.
    pub item_means: Vec<f64>,
    /// Items x rank, row-major; each component is a unit vector whose largest entry in magnitude
    /// is positive.
    pub loadings: Vec<f64>,
    /// Square roots of the sums of squares that the components carry, descending.
    pub singular_values: Vec<f64>,
    /// Models x rank, row-major: the centred rows projected on the loadings.
    pub model_scores: Vec<f64>,
    /// Sum of squares of the centred matrix, which the squared singular values are parts of.
    pub total_square: f64,
}

impl Components {
    /// Number of models.
    pub fn models(&self) -> usize {
        self.model_scores.len().checked_div(self.rank).unwrap_or(0)
    }

    /// The loadings of one item, one a component.
    pub fn loading(&self, item: usize) -> &[f64] {
        &self.loadings[item * self.rank..(item + 1) * self.rank]
    }
}

/// The first `rank` principal components of a matrix; see [`components_of_columns`].
pub fn components(matrix: &CompleteMatrix, rank: usize) -> Result<Components, StatsError> {
    let columns: Vec<&[f64]> = (0..matrix.items()).map(|item| matrix.item(item)).collect();
    components_of_columns(&columns, rank)
}

/// The first `rank` principal components of the matrix with these columns, one an item, all of one
/// length.
///
/// From the eigenvectors of the smaller of the two Gram matrices, exactly, when models or items are
/// at most 1,000; by randomised subspace iteration beyond (Halko, Martinsson and Tropp, SIAM Review
/// 53 (2011), algorithm 4.4). Its start comes from a stream with a fixed key: the result is a function
/// of the matrix. Fewer than `rank` components come back when the models do not differ in that many
/// directions, none when all are equal.
pub fn components_of_columns(columns: &[&[f64]], rank: usize) -> Result<Components, StatsError> {
    let items = columns.len();
    let models = columns.first().map_or(0, |column| column.len());
    if models == 0 {
        return Err(StatsError::Empty { models, items });
    }
    let item_means: Vec<f64> =
        columns.iter().map(|column| column.iter().sum::<f64>() / models as f64).collect();
    let centred: Vec<Vec<f64>> = columns
        .iter()
        .zip(&item_means)
        .map(|(column, mean)| column.iter().map(|score| score - mean).collect())
        .collect();
    let total_square = centred.iter().map(|column| dot_lanes(column, column)).sum();

    let directions = if models.min(items) > EXACT_LIMIT {
        subspace_iteration(&centred, rank)?
    } else if models <= items {
        leading(models, outer_sum(models, &centred), rank)?
    } else {
        by_item(&centred, rank)?
    };
    Ok(oriented(&centred, item_means, total_square, directions))
}

/// Left singular vectors (each over the models), with their singular values.
struct Directions {
    singular_values: Vec<f64>,
    vectors: Vec<Vec<f64>>,
}

/// The first eigenvectors of a Gram matrix, less those that are nothing but rounding.
fn leading(size: usize, gram: Vec<f64>, rank: usize) -> Result<Directions, StatsError> {
    let eigen = symmetric_eigen(size, gram)?;
    let first = eigen.values.first().copied().unwrap_or(0.0);
    let kept = eigen.values.iter().take(rank).take_while(|value| **value > NEGLIGIBLE * first);
    let singular_values: Vec<f64> = kept.map(|value| value.sqrt()).collect();
    let vectors = eigen.vectors.chunks(size.max(1)).take(singular_values.len());
    Ok(Directions { vectors: vectors.map(<[f64]>::to_vec).collect(), singular_values })
}

/// Few items: eigenvectors v over the items, and from them C v / s over the models.
fn by_item(centred: &[Vec<f64>], rank: usize) -> Result<Directions, StatsError> {
    let items = centred.len();
    let mut gram = vec![0.0; items * items];
    for (row, left) in centred.iter().enumerate() {
        for (column, right) in centred[..=row].iter().enumerate() {
            gram[row * items + column] = dot_lanes(left, right);
        }
    }
    let over_items = leading(items, gram, rank)?;
    let scaled = over_items.vectors.iter().zip(&over_items.singular_values);
    let vectors = scaled.map(|(vector, singular)| {
        let mut image = combine(centred, vector);
        image.iter_mut().for_each(|value| *value /= singular);
        image
    });
    Ok(Directions { vectors: vectors.collect(), singular_values: over_items.singular_values })
}

/// Sum of the columns, each times its weight.
fn combine(columns: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; columns.first().map_or(0, Vec::len)];
    for (column, weight) in columns.iter().zip(weights) {
        add_scaled(&mut sum, *weight, column);
    }
    sum
}

/// Power iteration on a random subspace of `rank` + 10 dimensions, then the exact problem inside it.
fn subspace_iteration(centred: &[Vec<f64>], rank: usize) -> Result<Directions, StatsError> {
    const OVERSAMPLING: usize = 10;
    const ROUNDS: usize = 6;
    let models = centred.first().map_or(0, Vec::len);
    let width = (rank + OVERSAMPLING).min(models).min(centred.len());
    let mut stream = Stream::new(0, "linalg/components", 0);
    let mut basis: Vec<Vec<f64>> =
        (0..width).map(|_| (0..models).map(|_| stream.uniform() - 0.5).collect()).collect();
    for _ in 0..ROUNDS {
        orthonormalise(&mut basis);
        basis = images(centred, &basis);
    }
    orthonormalise(&mut basis);
    // Rows of B = Q' C; eigenvectors of B B' are the singular vectors within the basis.
    let inner = project(centred, &basis);
    let mut gram = vec![0.0; width * width];
    for (row, left) in inner.iter().enumerate() {
        for (column, right) in inner[..=row].iter().enumerate() {
            gram[row * width + column] = dot_lanes(left, right);
        }
    }
    let within = leading(width, gram, rank)?;
    let vectors = within.vectors.iter().map(|weights| combine(&basis, weights)).collect();
    Ok(Directions { vectors, singular_values: within.singular_values })
}

/// C C' times every basis vector.
///
/// A few columns at a time meet all vectors while they are in cache: else the whole matrix would come
/// from memory once for each vector.
fn images(centred: &[Vec<f64>], basis: &[Vec<f64>]) -> Vec<Vec<f64>> {
    const COLUMNS_AT_ONCE: usize = 8;
    let mut images: Vec<Vec<f64>> = basis.iter().map(|vector| vec![0.0; vector.len()]).collect();
    for columns in centred.chunks(COLUMNS_AT_ONCE) {
        for (image, vector) in images.iter_mut().zip(basis) {
            for column in columns {
                add_scaled(image, dot_lanes(column, vector), column);
            }
        }
    }
    images
}

/// The products of every basis vector with every column.
fn project(centred: &[Vec<f64>], basis: &[Vec<f64>]) -> Vec<Vec<f64>> {
    basis
        .iter()
        .map(|vector| centred.iter().map(|column| dot_lanes(column, vector)).collect())
        .collect()
}

/// Gram-Schmidt, each vector cleaned twice ("twice is enough", Parlett, *The Symmetric Eigenvalue
/// Problem*, sec. 6.9); what depends on the earlier vectors becomes zero.
fn orthonormalise(basis: &mut [Vec<f64>]) {
    for place in 0..basis.len() {
        let (earlier, rest) = basis.split_at_mut(place);
        let vector = &mut rest[0];
        let before = dot_lanes(vector, vector).sqrt();
        for other in earlier.iter().chain(&*earlier) {
            let along = dot_lanes(other, vector);
            add_scaled(vector, -along, other);
        }
        let norm = dot_lanes(vector, vector).sqrt();
        let scale = if norm > 1e-12 * before { 1.0 / norm } else { 0.0 };
        vector.iter_mut().for_each(|value| *value *= scale);
    }
}

/// Loadings C'u / s and model scores s u, signs fixed.
fn oriented(
    centred: &[Vec<f64>],
    item_means: Vec<f64>,
    total_square: f64,
    directions: Directions,
) -> Components {
    let rank = directions.vectors.len();
    let models = centred.first().map_or(0, Vec::len);
    let mut loadings = vec![0.0; centred.len() * rank];
    let mut model_scores = vec![0.0; models * rank];
    let found = directions.vectors.iter().zip(&directions.singular_values).enumerate();
    for (component, (vector, singular)) in found {
        let loading: Vec<f64> =
            centred.iter().map(|column| dot_lanes(column, vector) / singular).collect();
        let sign = sign_of_largest(loading.iter());
        for (item, value) in loading.iter().enumerate() {
            loadings[item * rank + component] = sign * value;
        }
        for (model, value) in vector.iter().enumerate() {
            model_scores[model * rank + component] = sign * singular * value;
        }
    }
    let singular_values = directions.singular_values;
    Components { rank, item_means, loadings, singular_values, model_scores, total_square }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of three known directions of falling size, plus item means.
    fn columns(models: usize, items: usize) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(3, "components", 0);
        let mut draw = |n: usize| (0..n).map(|_| stream.uniform() - 0.5).collect::<Vec<f64>>();
        let factors: Vec<(Vec<f64>, Vec<f64>)> =
            (0..3).map(|_| (draw(models), draw(items))).collect();
        (0..items)
            .map(|item| {
                let mut column = vec![0.1 * item as f64; models];
                for (place, (ability, loading)) in factors.iter().enumerate() {
                    add_scaled(&mut column, loading[item] / (1 + place) as f64, ability);
                }
                column
            })
            .collect()
    }

    fn of(columns: &[Vec<f64>], rank: usize) -> Components {
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        components_of_columns(&slices, rank).unwrap()
    }

    /// Largest difference between the matrix and what the components say.
    fn misfit(columns: &[Vec<f64>], found: &Components) -> f64 {
        let mut worst = 0.0_f64;
        for (item, column) in columns.iter().enumerate() {
            for (model, score) in column.iter().enumerate() {
                let place = &found.model_scores[model * found.rank..(model + 1) * found.rank];
                let said = found.item_means[item] + dot_lanes(place, found.loading(item));
                worst = worst.max((score - said).abs());
            }
        }
        worst
    }

    #[test]
    fn a_matrix_of_rank_three_is_rebuilt_from_either_side() {
        for (models, items) in [(7, 30), (30, 7)] {
            let columns = columns(models, items);
            let found = of(&columns, 8);
            assert_eq!((found.rank, found.models()), (3, models));
            assert!(misfit(&columns, &found) < 1e-12);
            let carried: f64 = found.singular_values.iter().map(|value| value * value).sum();
            assert!((carried - found.total_square).abs() < 1e-12 * carried);
        }
    }

    #[test]
    fn both_sides_agree_and_permuting_models_permutes_their_scores() {
        let columns = columns(9, 12);
        let found = of(&columns, 2);
        let reversed: Vec<Vec<f64>> =
            columns.iter().map(|column| column.iter().rev().copied().collect()).collect();
        let other = of(&reversed, 2);
        for model in 0..9 {
            for component in 0..2 {
                let (one, two) = (model * 2 + component, (8 - model) * 2 + component);
                assert!((found.model_scores[one] - other.model_scores[two]).abs() < 1e-12);
            }
        }
        let centred: Vec<Vec<f64>> = columns
            .iter()
            .zip(&found.item_means)
            .map(|(column, mean)| column.iter().map(|score| score - mean).collect())
            .collect();
        let by_item = by_item(&centred, 2).unwrap();
        assert!((by_item.singular_values[1] - found.singular_values[1]).abs() < 1e-12);
    }

    #[test]
    fn the_randomised_iteration_finds_the_exact_components() {
        // 60 x 80 of full rank: leading values well separated, a flat tail below.
        let mut stream = Stream::new(4, "components", 0);
        let mut columns = columns(60, 80);
        for column in &mut columns {
            column.iter_mut().for_each(|score| *score += 0.05 * (stream.uniform() - 0.5));
            let mean = column.iter().sum::<f64>() / 60.0;
            column.iter_mut().for_each(|score| *score -= mean);
        }
        let exact = leading(60, outer_sum(60, &columns), 3).unwrap();
        let random = subspace_iteration(&columns, 3).unwrap();
        for component in 0..3 {
            let (one, two) = (exact.singular_values[component], random.singular_values[component]);
            assert!((one - two).abs() < 1e-10 * one, "{one} {two}");
            let cosine = dot_lanes(&exact.vectors[component], &random.vectors[component]);
            assert!((cosine.abs() - 1.0).abs() < 1e-9, "{cosine}");
        }
    }

    #[test]
    fn equal_models_have_no_components() {
        let found = of(&[vec![1.0, 1.0], vec![0.25, 0.25]], 3);
        assert_eq!((found.rank, found.total_square, found.models()), (0, 0.0, 0));
        let none = components_of_columns(&[], 3).unwrap_err();
        assert_eq!(none, StatsError::Empty { models: 0, items: 0 });
    }
}
