//! Finds medoids by FasterPAM from a random start and prints the seconds and the loss.

use std::time::Instant;

use aliquot_bench::{Array, Error, arguments, number};
use aliquot_stats::{
    cluster::{Dissimilarity, Start, faster_pam},
    rng::Stream,
};

const USAGE: &str = "medoids DISSIMILARITIES.npy K SEED";

fn main() -> Result<(), Error> {
    let [path, k, seed] = arguments(USAGE)?;
    let Array { rows, columns, values } = Array::read(&path)?;
    if rows != columns {
        return Err(Error::Usage(USAGE));
    }
    let matrix = Dissimilarity::from_fn(rows, |row, column| values[row * columns + column])?;
    let weights = vec![1.0; rows];
    let mut stream = Stream::new(number(&seed, USAGE)?, "bench/medoids", 0);
    let start = Instant::now();
    let medoids = faster_pam(&matrix, &weights, number(&k, USAGE)?, Start::Random, &mut stream)?;
    println!("seconds {}", start.elapsed().as_secs_f64());
    println!("loss {}", medoids.loss);
    println!("swaps {}", medoids.swaps);
    Ok(())
}
