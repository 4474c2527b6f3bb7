use std::time::{Duration, Instant};

/// How far the work is; handed to the caller after every batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Texts that have their vector, those from the cache included.
    pub done: usize,
    /// All texts.
    pub total: usize,
    /// Texts whose vector was in the cache or is that of an equal text.
    pub cached: usize,
    /// Texts embedded a second so far, without those of the cache; 0 before the first.
    pub texts_per_second: f64,
    /// Seconds left, from the bytes that are left: the longest texts come first. None before the
    /// first batch.
    pub seconds_left: Option<f64>,
}

/// Counts what [`Progress`] reports.
pub(crate) struct Meter {
    start: Instant,
    total: usize,
    cached: usize,
    embedded: usize,
    work_done: u64,
    work: u64,
}

impl Meter {
    /// `work` is the sum over the missing texts of what [`Meter::add`] will be told.
    pub(crate) fn new(total: usize, missing: usize, work: u64) -> Self {
        let cached = total - missing;
        Self { start: Instant::now(), total, cached, embedded: 0, work_done: 0, work }
    }

    pub(crate) fn add(&mut self, texts: usize, work: u64) {
        self.embedded += texts;
        self.work_done += work;
    }

    pub(crate) fn read(&self) -> Progress {
        self.at(self.start.elapsed())
    }

    fn at(&self, elapsed: Duration) -> Progress {
        let seconds = elapsed.as_secs_f64();
        let left = self.work.saturating_sub(self.work_done) as f64;
        Progress {
            done: self.cached + self.embedded,
            total: self.total,
            cached: self.cached,
            texts_per_second: if seconds > 0.0 { self.embedded as f64 / seconds } else { 0.0 },
            seconds_left: (self.work_done > 0).then(|| seconds * left / self.work_done as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_come_from_what_was_embedded() {
        let mut meter = Meter::new(10, 6, 100);
        assert_eq!(meter.at(Duration::ZERO).seconds_left, None);
        meter.add(2, 75);
        let progress = meter.at(Duration::from_secs(3));
        assert_eq!((progress.done, progress.total, progress.cached), (6, 10, 4));
        assert!((progress.texts_per_second - 2.0 / 3.0).abs() < 1e-12);
        assert!((progress.seconds_left.unwrap() - 1.0).abs() < 1e-12);
    }
}
