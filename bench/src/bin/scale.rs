//! The default procedure on a large matrix of a Rasch world: seconds and peak memory, step by step.

use std::time::Instant;

use aliquot_bench::{Error, arguments, number, peak_resident_mib};
use aliquot_stats::{
    estimate,
    interval::StreamKey,
    matrix::{ResponseMatrix, Target},
    procedure::Procedure,
    rng::Stream,
    select,
    sources::Sources,
};

const USAGE: &str = "scale MODELS ITEMS K";

fn main() -> Result<(), Error> {
    let [models, items, k] = arguments(USAGE)?;
    let [models, items, k] = [number(&models, USAGE)?, number(&items, USAGE)?, number(&k, USAGE)?];
    let responses = step("draw", || world(models, items))?;

    let start = Instant::now();
    let target = Target::uniform(items)?;
    let pool: Vec<usize> = (0..items).collect();
    let key = StreamKey { seed: 1, label: "bench/scale" };
    let sources = step("sources", || Sources::new(&responses, &target, &pool, key))?;
    let mut stream = key.stream("procedure", 0);
    let Procedure { selection, estimator } = Procedure::DEFAULT;
    let subset = step("select", || select::select(selection, &sources, k, &mut stream))?;
    let fitted = step("fit", || estimate::fit(estimator, &sources, &subset, &mut stream))?;
    println!("seconds {}", start.elapsed().as_secs_f64());
    println!("peak_mib {}", peak_resident_mib().unwrap_or(f64::NAN));

    let errors = (0..models).step_by(50).map(|model| {
        let known = estimate::answers(&responses, model, &subset);
        let answers: Vec<f64> = known.into_iter().flatten().collect();
        Ok(fitted.estimate(&answers)? - sources.full_scores[model])
    });
    let errors: Vec<f64> = errors.collect::<Result<_, Error>>()?;
    let mean = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
    println!("error_on_sources_pp {}", 100.0 * mean);
    Ok(())
}

/// Does one step and prints what it took and the peak memory after it.
fn step<T, E>(name: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let start = Instant::now();
    let result = work();
    println!("{name}_seconds {}", start.elapsed().as_secs_f64());
    println!("{name}_peak_mib {}", peak_resident_mib().unwrap_or(f64::NAN));
    result
}

/// Right or wrong answers with the logit ability less difficulty, both about standard normal.
fn world(models: usize, items: usize) -> Result<ResponseMatrix, Error> {
    let parameters = |label, count| -> Vec<f64> {
        let mut stream = Stream::new(1, label, 0);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        (0..count).map(|_| normal()).collect()
    };
    let abilities = parameters("bench/scale/abilities", models);
    let difficulties: Vec<f64> =
        parameters("bench/scale/difficulties", items).iter().map(|value| value.exp()).collect();
    let mut stream = Stream::new(1, "bench/scale/answers", 0);
    let mut scores = Vec::with_capacity(models * items);
    for ability in abilities.iter().map(|value| value.exp()) {
        for difficulty in &difficulties {
            let right = stream.uniform() * (ability + difficulty) < ability;
            scores.push(f32::from(u8::from(right)));
        }
    }
    Ok(ResponseMatrix::new(models, items, scores)?)
}
