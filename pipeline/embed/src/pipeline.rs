//! Tokenizer threads feed sessions over a bounded channel; the caller's thread takes the vectors.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use ort::session::Session;

use crate::{
    EmbedError,
    batches::Item,
    inference::{Embedding, Shape, Worker},
    tokens::Windows,
};

/// Texts that are tokenised and sorted together. Batches do not reach across, so the result does
/// not depend on who was faster.
const CHUNK: usize = 512;

/// Batches that wait for a session.
const WAITING: usize = 32;

/// What the threads share.
pub(crate) struct Pipeline<'a> {
    pub windows: &'a Windows,
    pub shape: &'a Shape,
    /// Texts, longest first.
    pub texts: &'a [&'a str],
    /// Threads that tokenise.
    pub tokenisers: usize,
}

type Batch = Vec<Item>;
type Outcome = Result<Vec<Embedding>, EmbedError>;

impl Pipeline<'_> {
    /// Embeds the texts; `take` gets the vectors batch by batch, in no particular order.
    ///
    /// Errors end the threads: whoever waits on a channel finds its other end gone.
    pub(crate) fn run(
        &self,
        sessions: &mut [Session],
        take: &mut dyn FnMut(Vec<Embedding>) -> Result<(), EmbedError>,
    ) -> Result<(), EmbedError> {
        let (send_batch, batches) = sync_channel(WAITING);
        let (send_outcome, outcomes) = channel();
        let batches = Arc::new(Mutex::new(batches));
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..self.tokenisers {
                let (sender, failed) = (send_batch.clone(), send_outcome.clone());
                let next = &next;
                scope.spawn(move || self.tokenise(next, &sender, &failed));
            }
            for session in sessions {
                let (batches, sender) = (Arc::clone(&batches), send_outcome.clone());
                scope.spawn(move || infer(session, self.shape, &batches, &sender));
            }
            // Only the threads hold the channels now, so that the last one to leave closes them.
            drop((send_batch, send_outcome, batches));
            outcomes.into_iter().try_for_each(|outcome| take(outcome?))
        })
    }

    /// Tokenises chunk after chunk, and sends batches.
    fn tokenise(&self, next: &AtomicUsize, batches: &SyncSender<Batch>, failed: &Sender<Outcome>) {
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            let Some(texts) = self.texts.chunks(CHUNK).nth(chunk) else { return };
            let items = texts.iter().enumerate().map(|(at, text)| {
                let index = chunk * CHUNK + at;
                let windowed = self.windows.of(text).map_err(|error| EmbedError::Inference {
                    model: self.shape.model.clone(),
                    message: format!("tokenise text {index}: {error}"),
                })?;
                Ok(Item { index, windowed })
            });
            let items = match items.collect::<Result<_, EmbedError>>() {
                Ok(items) => items,
                Err(error) => {
                    failed.send(Err(error)).ok();
                    return;
                }
            };
            for batch in self.shape.budget.batches(items) {
                if batches.send(batch).is_err() {
                    return;
                }
            }
        }
    }
}

/// Runs batches until there are none, or nobody takes their vectors.
fn infer(
    session: &mut Session,
    shape: &Shape,
    batches: &Mutex<Receiver<Batch>>,
    outcomes: &Sender<Outcome>,
) {
    let mut worker = match Worker::new(session, shape) {
        Ok(worker) => worker,
        Err(error) => {
            outcomes.send(Err(error)).ok();
            return;
        }
    };
    loop {
        let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { return };
        let outcome = worker.embed(&batch);
        let failed = outcome.is_err();
        if outcomes.send(outcome).is_err() || failed {
            return;
        }
    }
}
