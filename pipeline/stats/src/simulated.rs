//! Small worlds for tests.

use crate::{
    interval::StreamKey,
    matrix::{ResponseMatrix, Target},
    rng::Stream,
    sources::Sources,
};

/// What [`Sources`] borrow.
pub(crate) struct World {
    pub responses: ResponseMatrix,
    pub target: Target,
    pub pool: Vec<usize>,
}

impl World {
    /// `score(model, item)` row by row; all items may be chosen and count alike.
    pub(crate) fn of(
        models: usize,
        items: usize,
        mut score: impl FnMut(usize, usize) -> f32,
    ) -> Self {
        let scores = (0..models * items).map(|at| score(at / items, at % items)).collect();
        Self {
            responses: ResponseMatrix::new(models, items, scores).unwrap(),
            target: Target::uniform(items).unwrap(),
            pool: (0..items).collect(),
        }
    }

    /// The same with other weights of the items.
    pub(crate) fn with_weights(self, weights: &[f64]) -> Self {
        Self { target: Target::weighted(weights).unwrap(), ..self }
    }

    /// The same models and items, each in the order given; weights and pool go with the items.
    pub(crate) fn reordered(&self, models: &[usize], items: &[usize]) -> Self {
        let weights: Vec<f64> = items.iter().map(|&item| self.target.weights()[item]).collect();
        let is_pool = |place: &usize| self.pool.contains(&items[*place]);
        Self {
            responses: self.responses.select_models(models).unwrap().select_items(items).unwrap(),
            target: Target::weighted(&weights).unwrap(),
            pool: (0..items.len()).filter(is_pool).collect(),
        }
    }

    pub(crate) fn sources(&self) -> Sources<'_> {
        let key = StreamKey { seed: 1, label: "test" };
        Sources::new(&self.responses, &self.target, &self.pool, key).unwrap()
    }
}

/// Roughly normal: the sum of twelve uniform numbers less six.
pub(crate) fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0
}

/// Items of a one-parameter logistic model; answers are drawn by ability, in logits.
pub(crate) struct Rasch {
    pub difficulties: Vec<f64>,
}

impl Rasch {
    /// Difficulties around 0, of standard deviation 1.2.
    pub(crate) fn new(items: usize, seed: u64) -> Self {
        let mut stream = Stream::new(seed, "difficulties", 0);
        Self { difficulties: (0..items).map(|_| 1.2 * normal(&mut stream)).collect() }
    }

    /// 0/1 answers of one model to all items.
    pub(crate) fn answers(&self, ability: f64, stream: &mut Stream) -> Vec<f32> {
        let right = |difficulty: &f64| {
            let p = 1.0 / (1.0 + libm::exp(difficulty - ability));
            f32::from(u8::from(stream.uniform() < p))
        };
        self.difficulties.iter().map(right).collect()
    }

    /// Sources of abilities around 0, of standard deviation 0.7.
    pub(crate) fn sources(&self, models: usize, seed: u64) -> World {
        let mut stream = Stream::new(seed, "sources", 0);
        let mut scores = Vec::with_capacity(models * self.difficulties.len());
        for _ in 0..models {
            let ability = 0.7 * normal(&mut stream);
            scores.extend(self.answers(ability, &mut stream));
        }
        World::of(models, self.difficulties.len(), |m, i| scores[m * self.difficulties.len() + i])
    }
}
