use super::{DESIGN, Field, Region, groups};
use crate::{
    linalg::dot,
    simulated::{Rasch, World},
};

fn close(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-12, "{left} {right}");
}

fn world() -> World {
    let weights: Vec<f64> = (0..30).map(|item| f64::from(1 + item % 4)).collect();
    Rasch::new(30, 2).sources(17, 3).with_weights(&weights)
}

#[test]
fn kernels_are_covariances_of_the_sources() {
    let world = world();
    let sources = world.sources();
    let field = Field::new(&sources).unwrap();
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / 17.0;
        values.iter().map(|value| value - mean).collect()
    };
    let column = |item: usize| centred(sources.complete.item(item));
    let full = centred(&sources.full_scores);
    for (one, other) in [(0, 0), (3, 29), (12, 13)] {
        close(field.kernel(one, other), dot(&column(one), &column(other)) / 17.0);
        close(field.kernel_with_target(one), dot(&column(one), &full) / 17.0);
    }
    close(field.target_kernel(), dot(&full, &full) / 17.0);
}

#[test]
fn the_covariance_with_the_target_is_the_weighted_sum_of_covariances() {
    let world = world();
    let sources = world.sources();
    let field = Field::new(&sources).unwrap();
    let items: Vec<usize> = (0..30).collect();
    let weights = world.target.weights();
    let all = groups().into_iter().flat_map(|group| group.hypotheses).chain(DESIGN);
    for hypothesis in all {
        let prior = field.prior(&hypothesis, &items);
        let with = |item: usize| -> f64 {
            let covariance = |other: &usize| {
                weights[*other] * prior.covariance(field.kernel(item, *other), item, *other)
            };
            items.iter().map(covariance).sum()
        };
        let sums: Vec<f64> = items.iter().map(|&item| with(item)).collect();
        for item in [0, 7, 29] {
            close(prior.covariance_with_target(field.kernel_with_target(item), item), sums[item]);
        }
        close(prior.target_variance(field.target_kernel()), dot(weights, &sums));
        close(prior.target_mean, dot(weights, &prior.means));
        let noise: Vec<f64> = weights.iter().map(|weight| weight * weight).collect();
        close(field.target_noise(&hypothesis), dot(&noise, &prior.noise));
        assert!(prior.noise.iter().all(|noise| *noise > 0.0));
        assert!(prior.means.iter().all(|mean| (0.0..=1.0).contains(mean)));
    }
}

#[test]
fn shares_of_the_groups_of_a_region_sum_to_one() {
    for region in [Region::Inside, Region::Above, Region::Below] {
        let of_region = groups().into_iter().filter(|group| group.region == region);
        close(of_region.map(|group| group.share).sum(), 1.0);
    }
    assert!(groups().iter().all(|group| !group.hypotheses.is_empty()));
}
