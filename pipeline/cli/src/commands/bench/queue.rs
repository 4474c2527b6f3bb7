//! Work on several threads, results in order.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::{error::Error, guard::guarded};

/// Does `work` on 0..count on `jobs` threads and hands the results to `done`, in that order, each as
/// soon as it and all before it are there.
///
/// The first error in that order ends it: what the threads had begun is finished, nothing new is.
pub fn in_order<T: Send>(
    count: usize,
    jobs: usize,
    work: impl Fn(usize) -> Result<T, Error> + Sync,
    mut done: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                // Ends when there is nothing left, or nobody who waits for it.
                while take(next, count, work).is_some_and(|result| sender.send(result).is_ok()) {}
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&expected) {
                done(result?)?;
                expected += 1;
            }
        }
        Ok(())
    })
}

/// Does the next piece of work; an error makes it the last one.
fn take<T>(
    next: &AtomicUsize,
    count: usize,
    work: &impl Fn(usize) -> Result<T, Error>,
) -> Option<(usize, Result<T, Error>)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    if index >= count {
        return None;
    }
    let result = guarded(|| work(index));
    if result.is_err() {
        next.store(count, Ordering::Relaxed);
    }
    Some((index, result))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(jobs: usize, bad: &[usize]) -> (Vec<usize>, Result<(), Error>) {
        let mut seen = Vec::new();
        let work = |index: usize| {
            // Early tasks take longest, so that threads finish out of order.
            thread::sleep(std::time::Duration::from_micros(2000 / (index as u64 + 1)));
            if bad.contains(&index) { Err(Error::Data(index.to_string())) } else { Ok(index) }
        };
        let result = in_order(100, jobs, work, |index| {
            seen.push(index);
            Ok(())
        });
        (seen, result)
    }

    #[test]
    fn results_come_in_order() {
        for jobs in [1, 3, 200] {
            let (seen, result) = collect(jobs, &[]);
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
            assert!(result.is_ok());
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        for jobs in [1, 4] {
            let (seen, result) = collect(jobs, &[7, 8, 50]);
            assert_eq!(seen, (0..7).collect::<Vec<_>>());
            assert_eq!(result.unwrap_err().to_string(), "7");
        }
    }

    #[test]
    fn a_panic_is_an_error() {
        let work = |index: usize| if index == 1 { panic!("boom") } else { Ok(index) };
        let error = in_order(3, 2, work, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("boom"), "{error}");
    }
}
