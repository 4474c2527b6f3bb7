//! Fits the 2PL to some cells of a matrix and prints the seconds and the likelihood of other cells.

use std::time::Instant;

use aliquot_bench::{Array, Error, arguments};
use aliquot_stats::{
    irt::{Family, FitSettings, ItemResponseModel, fit},
    matrix::ResponseMatrix,
};

const USAGE: &str = "two_parameter TRAINING.npy HELD_OUT.npy (models x items, NaN where no cell)";

fn main() -> Result<(), Error> {
    let [training, held_out] = arguments(USAGE)?;
    let (training, held_out) = (Array::read(&training)?, Array::read(&held_out)?);
    if (training.rows, training.columns) != (held_out.rows, held_out.columns) {
        return Err(Error::Usage(USAGE));
    }
    let responses = ResponseMatrix::new(training.rows, training.columns, training.values)?;
    let start = Instant::now();
    let model = fit(&responses, None, &FitSettings::new(Family::TwoParameter))?;
    println!("seconds {}", start.elapsed().as_secs_f64());
    println!("log_likelihood {}", log_likelihood(&model, &held_out));
    println!("sweeps {}", model.sweeps);
    Ok(())
}

/// Mean over the cells that are there.
fn log_likelihood(model: &ItemResponseModel, cells: &Array) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (row, scores) in cells.values.chunks_exact(cells.columns).enumerate() {
        let ability = model.ability(row);
        for (item, score) in scores.iter().enumerate().filter(|(_, score)| !score.is_nan()) {
            let right = model.expected_score(&ability, item).clamp(1e-12, 1.0 - 1e-12);
            let score = f64::from(*score);
            sum += score * right.ln() + (1.0 - score) * (1.0 - right).ln();
            count += 1.0;
        }
    }
    sum / count
}
