//! One session at work: batches in, vectors out.

use ort::{
    session::{HasSelectedOutputs, OutputSelector, RunOptions, Session},
    value::TensorRef,
};

use crate::{
    EmbedError, Pooling,
    batches::{Budget, Item},
    pooling::{finish, weighted_mean},
    session::INPUTS,
};

/// What all sessions of a model share.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub model: String,
    pub inputs: usize,
    pub output: String,
    pub dimension: usize,
    pub pooling: Pooling,
    pub normalise: bool,
    pub budget: Budget,
}

/// The vector of a text.
pub(crate) struct Embedding {
    pub index: usize,
    pub truncated: bool,
    pub vector: Vec<f32>,
}

/// A session with room for its inputs, which is used again for every run.
pub(crate) struct Worker<'a> {
    session: &'a mut Session,
    options: RunOptions<HasSelectedOutputs>,
    shape: &'a Shape,
    inputs: [Vec<i64>; 3],
}

impl<'a> Worker<'a> {
    pub(crate) fn new(session: &'a mut Session, shape: &'a Shape) -> Result<Self, EmbedError> {
        let options = RunOptions::new().map_err(|error| shape.failed(&error))?;
        let selected = OutputSelector::no_default().with(&shape.output);
        Ok(Self {
            session,
            options: options.with_outputs(selected),
            shape,
            inputs: Default::default(),
        })
    }

    /// Embeds the texts of a batch.
    pub(crate) fn embed(&mut self, batch: &[Item]) -> Result<Vec<Embedding>, EmbedError> {
        let windows: Vec<&[i64]> =
            batch.iter().flat_map(|item| item.windowed.windows.iter().map(Vec::as_slice)).collect();
        let mut pooled = Vec::with_capacity(windows.len());
        for run in self.shape.budget.runs(&windows) {
            pooled.extend(self.run(run)?);
        }
        let mut rest = pooled.into_iter();
        batch.iter().map(|item| self.assembled(item, &mut rest)).collect()
    }

    /// Takes the vectors of the text's windows from `pooled` and makes them one.
    fn assembled(
        &self,
        item: &Item,
        pooled: &mut impl Iterator<Item = Vec<f64>>,
    ) -> Result<Embedding, EmbedError> {
        let tokens = item.windowed.windows.iter().map(Vec::len);
        let windows: Vec<(usize, Vec<f64>)> = tokens.zip(pooled).collect();
        let mean = match &windows[..] {
            [(_, only)] => only.clone(),
            several => weighted_mean(several, self.shape.dimension),
        };
        let vector = finish(&mean, self.shape.normalise).ok_or_else(|| EmbedError::NotFinite {
            model: self.shape.model.clone(),
            row: item.index,
        })?;
        Ok(Embedding { index: item.index, truncated: item.windowed.truncated, vector })
    }

    /// Runs the model on windows, padded to the longest, and pools each one's tokens.
    fn run(&mut self, windows: &[&[i64]]) -> Result<Vec<Vec<f64>>, EmbedError> {
        let Shape { dimension, pooling, .. } = *self.shape;
        let longest = windows.iter().map(|window| window.len()).max().unwrap_or_default();
        self.fill(windows, longest);
        let shape = [windows.len(), longest];
        let failed = |error: ort::Error| self.shape.failed(&error);
        let mut inputs = Vec::with_capacity(self.shape.inputs);
        for (name, values) in INPUTS.iter().zip(&self.inputs).take(self.shape.inputs) {
            let tensor = TensorRef::from_array_view((shape, values.as_slice())).map_err(failed)?;
            inputs.push((*name, tensor));
        }
        let outputs = self.session.run_with_options(inputs, &self.options).map_err(failed)?;
        let (found, hidden) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        if **found != [shape[0] as i64, longest as i64, dimension as i64] {
            return Err(EmbedError::Shape {
                model: self.shape.model.clone(),
                message: format!(
                    "output `{}` has shape {found:?} for {} texts of {longest} tokens; expected {dimension} values a token",
                    self.shape.output, shape[0]
                ),
            });
        }
        let texts = hidden.chunks_exact(longest * dimension).zip(windows);
        Ok(texts
            .map(|(rows, window)| pooling.pool(&rows[..window.len() * dimension], dimension))
            .collect())
    }

    /// Ids, mask and types: zeros where there is no token.
    fn fill(&mut self, windows: &[&[i64]], longest: usize) {
        for values in &mut self.inputs {
            values.clear();
            values.resize(windows.len() * longest, 0);
        }
        let [ids, mask, _] = &mut self.inputs;
        let rows = ids.chunks_exact_mut(longest).zip(mask.chunks_exact_mut(longest));
        for ((ids, mask), window) in rows.zip(windows) {
            ids[..window.len()].copy_from_slice(window);
            mask[..window.len()].fill(1);
        }
    }
}

impl Shape {
    fn failed(&self, error: &ort::Error) -> EmbedError {
        EmbedError::Inference { model: self.model.clone(), message: error.message().to_owned() }
    }
}
