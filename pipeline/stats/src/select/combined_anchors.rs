use super::{Subset, eligible::counted, kmeans_items};
use crate::{StatsError, cluster::Points, linalg::add_scaled, rng::Stream, sources::Sources};

/// Leading components of the answers that are clustered, beside the item means.
const COMPONENTS: usize = 10;

/// [`kmeans_items`] in the [`CombinedSpace`].
pub(super) fn select(
    sources: &Sources<'_>,
    text: usize,
    k: usize,
    stream: &mut Stream,
) -> Result<Subset, StatsError> {
    let combined = CombinedSpace::new(sources, text)?;
    kmeans_items::select(&sources.design(), &combined.points()?, k, stream)
}

/// The space of the sources' answers and the embedding side by side.
///
/// The answers are each item's mean and its loadings on the leading principal components, times their
/// singular values: the best approximation of the item's column in so few numbers, up to a rotation.
/// Both parts are scaled so that the text has `text` percent of the total variance over the items,
/// weighted by the target, and the answers the rest. Embeddings of one text all count nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct CombinedSpace {
    items: usize,
    dimensions: usize,
    values: Vec<f64>,
}

impl CombinedSpace {
    /// Percent of the variance that is text unless another share is named.
    pub const TEXT: usize = 20;

    /// Errors unless the sources have points and `text` lies between 1 and 99.
    pub fn new(sources: &Sources<'_>, text: usize) -> Result<Self, StatsError> {
        if !(1..100).contains(&text) {
            return Err(StatsError::BadParameter {
                what: "the percent of text in combined-anchors",
                range: "[1, 99]",
                value: text as f64,
            });
        }
        let points = sources.points()?;
        let answers = answers(sources)?;
        let items = sources.complete.items();
        let (width, dimensions) = (answers.len() / items, points.dimensions());
        let share = text as f64 / 100.0;
        let answers_scale =
            scale(sources, width, 1.0 - share, |item| &answers[item * width..(item + 1) * width]);
        let text_scale = scale(sources, dimensions, share, |item| points.row(item));
        let mut values = Vec::with_capacity(items * (width + dimensions));
        for item in 0..items {
            let row = &answers[item * width..(item + 1) * width];
            values.extend(row.iter().map(|value| value * answers_scale));
            values.extend(points.row(item).iter().map(|value| value * text_scale));
        }
        Ok(Self { items, dimensions: width + dimensions, values })
    }

    /// One point an item.
    pub fn points(&self) -> Result<Points<'_>, StatsError> {
        Points::new(self.items, self.dimensions, &self.values)
    }
}

/// Mean and scaled loadings of each item, row-major.
fn answers(sources: &Sources<'_>) -> Result<Vec<f64>, StatsError> {
    let components = sources.components(COMPONENTS)?;
    let models = (sources.complete.models() as f64).sqrt();
    let row = |item: usize| {
        let loadings = components.loading(item).iter().zip(&components.singular_values);
        let scaled = loadings.map(|(loading, singular)| loading * singular);
        std::iter::once(components.item_means[item] * models).chain(scaled).collect::<Vec<f64>>()
    };
    Ok((0..sources.complete.items()).flat_map(row).collect())
}

/// What rows are multiplied with so that their total variance is `variance`; 0 if they all coincide.
fn scale<'a>(
    sources: &Sources<'_>,
    dimensions: usize,
    variance: f64,
    row: impl Fn(usize) -> &'a [f64],
) -> f64 {
    let (items, weights) = (counted(&sources.design()), sources.target.weights());
    let mut mean = vec![0.0; dimensions];
    for &item in &items {
        add_scaled(&mut mean, weights[item], row(item));
    }
    let total: f64 = items
        .iter()
        .map(|&item| weights[item] * crate::cluster::squared_distance(row(item), &mean))
        .sum();
    // Below that, what the rows differ in is rounding.
    let squares: f64 = mean.iter().map(|value| value * value).sum();
    if total > 1e-12 * squares { (variance / total).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::World;

    #[test]
    fn text_decides_where_answers_do_not_and_the_other_way_round() {
        // Answers tell items 0 to 5 from 6 to 11; text tells even from odd ones.
        let world = World::of(
            4,
            12,
            |model, item| {
                if item < 6 { 1.0 } else { f32::from(u8::from(model > 1)) }
            },
        );
        let text: Vec<f64> = (0..12).map(|item| f64::from(item % 2)).collect();
        let points = Points::new(12, 1, &text).unwrap();
        let sources = world.sources().with_points(Some(points)).unwrap();
        let run = |share| {
            let subset = select(&sources, share, 2, &mut Stream::new(1, "combined", 0)).unwrap();
            subset.items
        };
        let by_answers = run(1);
        assert_eq!(by_answers.iter().filter(|&&item| item < 6).count(), 1, "{by_answers:?}");
        let by_text = run(99);
        assert_eq!(by_text.iter().filter(|&&item| item % 2 == 0).count(), 1, "{by_text:?}");
        // Four clusters are the four combinations, whatever the share.
        let mut all = select(&sources, 40, 4, &mut Stream::new(2, "combined", 0)).unwrap().items;
        all.sort_by_key(|item| (item / 6, item % 2));
        assert_eq!(
            all.iter().map(|item| (item / 6, item % 2)).collect::<Vec<_>>(),
            [(0, 0), (0, 1), (1, 0), (1, 1)]
        );
        let error = select(&sources, 100, 2, &mut Stream::new(1, "combined", 0)).unwrap_err();
        assert!(matches!(error, StatsError::BadParameter { .. }), "{error}");
    }

    #[test]
    fn one_text_everywhere_leaves_the_answers() {
        let world = World::of(3, 8, |model, item| ((model + item / 4) % 2) as f32);
        let points = Points::new(8, 2, &[0.6; 16]).unwrap();
        let sources = world.sources().with_points(Some(points)).unwrap();
        let subset = select(&sources, 50, 2, &mut Stream::new(1, "combined", 0)).unwrap();
        assert_eq!(subset.items.iter().map(|item| item / 4).collect::<Vec<_>>(), [0, 1]);
    }
}
