//! Estimates of the Python reference implementation (numpy, scipy) on one small matrix, twelve source
//! models on twenty items by a closed formula, for three other models.

use super::{aipw, gaussian_process, pca_completion, ridge};
use crate::{
    linalg::dot,
    matrix::{CompleteMatrix, ResponseMatrix, Target},
    select::Subset,
};

const MODELS: [usize; 3] = [12, 13, 17];

/// Quarters, which single precision holds exactly.
fn score(i: usize, j: usize) -> f64 {
    ((3 * i * i * j + 7 * i + 11 * j * j + i * j) % 31 % 5) as f64 / 4.0
}

fn sources() -> CompleteMatrix {
    let scores = (0..12).flat_map(|i| (0..20).map(move |j| score(i, j) as f32)).collect();
    ResponseMatrix::new(12, 20, scores).unwrap().imputed().unwrap()
}

/// Six items, fewer than models, and fifteen, more than models.
fn subsets() -> [Subset; 2] {
    [vec![1, 4, 7, 9, 12, 18], (2..17).collect()].map(|items: Vec<usize>| Subset {
        weights: vec![1.0 / items.len() as f64; items.len()],
        items,
    })
}

fn check(items: &[usize], estimate: impl Fn(&[f64]) -> f64, expected: [f64; 3]) {
    for (model, expected) in MODELS.into_iter().zip(expected) {
        let answers: Vec<f64> = items.iter().map(|&item| score(model, item)).collect();
        let estimate = estimate(&answers);
        assert!((estimate - expected).abs() < 1e-9, "model {model}: {estimate} for {expected}");
    }
}

#[test]
fn ridge_is_the_reference() {
    let full = sources().target_means(&Target::uniform(20).unwrap());
    let expected = [
        [0.520525249045029, 0.5224841832536435, 0.5242442554581286],
        [0.5239526628960727, 0.5238535287319291, 0.5239175002120564],
    ];
    for (subset, expected) in subsets().iter().zip(expected) {
        let (intercept, weights) = ridge::fit(&sources(), &subset.items, &full).unwrap();
        check(&subset.items, |answers| intercept + dot(&weights, answers), expected);
    }
}

#[test]
fn aipw_is_the_reference() {
    let expected = [
        [0.2476180685895842, 0.326304239826236, 0.6295095888326633],
        [0.4662948218283643, 0.3139339774142689, 0.6283904026271048],
    ];
    for (subset, expected) in subsets().iter().zip(expected) {
        let fitted = aipw::fit(&sources(), &Target::uniform(20).unwrap(), subset).unwrap();
        check(&subset.items, |answers| fitted.apply(answers), expected);
    }
}

#[test]
fn pca_completion_is_the_reference() {
    let expected = [
        [0.46327419460562574, 0.4789988602101582, 0.5241589132986432],
        [0.4651683749482919, 0.31836445911970684, 0.5659689177306856],
    ];
    for (subset, expected) in subsets().iter().zip(expected) {
        let target = Target::uniform(20).unwrap();
        let fitted = pca_completion::fit(&sources(), &target, &subset.items).unwrap();
        check(&subset.items, |answers| fitted.apply(answers), expected);
    }
}

#[test]
fn the_linear_gaussian_process_is_the_reference() {
    let full = sources().target_means(&Target::uniform(20).unwrap());
    let expected = [
        [0.501021172684765, 0.5116813565488257, 0.5253761191694889],
        [0.4689408917347771, 0.3979044936054577, 0.5178365294948254],
    ];
    for (subset, expected) in subsets().iter().zip(expected) {
        let fitted = gaussian_process::fit(&sources(), &subset.items, &full).unwrap();
        assert_eq!(fitted.radial_share, 0.0);
        check(&subset.items, |answers| fitted.estimate(answers), expected);
    }
}

#[test]
fn the_radial_gaussian_process_is_the_reference() {
    // Full scores (p i^2 mod q) / q, which no linear rule explains.
    let [subset, _] = subsets();
    let cases = [
        ((5, 16, 0.8), [-0.027906001201295327, 0.6022685183419871, 0.5760002805497055]),
        ((10, 18, 1.0), [-0.08045800609021647, 0.3081178110960488, 0.29832909313391165]),
    ];
    for ((p, q, share), expected) in cases {
        let full: Vec<f64> =
            (0..12).map(|model| f64::from(p * model * model % q) / f64::from(q)).collect();
        let fitted = gaussian_process::fit(&sources(), &subset.items, &full).unwrap();
        assert_eq!(fitted.radial_share, share);
        check(&subset.items, |answers| fitted.estimate(answers), expected);
    }
}
