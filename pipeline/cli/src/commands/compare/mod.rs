//! `aliquot compare`: variants of a model (quantised, pruned, distilled) against it, on a subset.

mod report;
mod runs;

use std::path::PathBuf;

use aliquot_release::estimator::Estimator;
use aliquot_stats::{
    StatsError,
    paired::{
        Answers, Comparison, Draw, Scope, Setting, compare,
        power::Plan,
        verdict::{Criterion, Finding, judge, plan},
    },
    rng::Stream,
};

use self::runs::{Benchmark, Run};
use super::{
    estimate::noted,
    import::Reading,
    logs, open_release, print, print_json,
    results::{Results, candidates, closest},
};
use crate::{args::Global, error::Error};

/// Seed of the sign-flip test, always the same: equal files give equal figures.
const SEED: u64 = 2026;

/// How verdicts are reached; the last paragraphs of `aliquot compare --help`.
const RULE: &str = "\
A variant's file holds exactly the items of the subset, or all items of the target's benchmarks, from
which those of the subset are taken. BASE likewise; if it holds them all, its full score is known and
sharpens the estimate.

Every figure is variant minus base, about the score of these runs on the whole benchmark, whose items
the subset is taken to be a random draw of. With level 0.95 and margin 2:
  worse, better  p of \"no difference\" below 5 %
  equivalent     p of \"at least 2 points apart\" below 5 % (two one-sided tests), and not the above
  undecided      neither: the answers carry no claim, which is not the same as no difference
Both p values are those of the interval, which is the wider of Student's t and what exact binomial
limits on gains and losses leave, and are adjusted for the number of variants by Holm's method. The
intervals themselves are not. McNemar's and the sign-flip test are shown beside them and decide
nothing. The sign-flip test enumerates all patterns or draws 9,999 from a fixed seed.
\"Finds\" and \"needs\" mean 80 % power at that level, by the share of changes that was seen.";

/// Arguments of `compare`.
#[derive(clap::Args)]
#[command(after_long_help = RULE)]
pub struct Arguments {
    /// Release: name, name@version or the beginning of its id.
    release: String,
    /// Results of the base model: CSV with the columns item_uid and score, one row an item, scores in
    /// [0, 1]; or a file or folder that an eval tool wrote, as `aliquot estimate` reads it.
    base: PathBuf,
    /// Results of its variants, alike; one path a model, after which it is named.
    #[arg(required = true, value_name = "VARIANT")]
    variants: Vec<PathBuf>,
    /// Subset that was run (TARGET/SUBSET); found by the items of the smallest file unless given.
    #[arg(long)]
    subset: Option<String>,
    /// Largest difference that counts as none, in points.
    #[arg(long, default_value = "2", value_name = "POINTS")]
    margin: f64,
    /// Confidence of intervals and verdicts.
    #[arg(long, default_value = "0.95")]
    level: f64,
    #[command(flatten)]
    reading: Reading,
}

/// One variant with everything that its answers say.
struct Compared {
    run: Run,
    comparison: Comparison,
    finding: Finding,
    plan: Plan,
}

/// All variants of one command, and what they were compared on.
struct Outcome<'a> {
    /// `name@version`.
    release: String,
    benchmark: &'a Benchmark,
    base: Run,
    variants: Vec<Compared>,
    criterion: Criterion,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let criterion = criterion(arguments)?;
    let (store, id, manifest) = open_release(global, &arguments.release)?;
    let paths = std::iter::once(&arguments.base).chain(&arguments.variants);
    let (mut calibration, mut files, mut notes) = (None, Vec::new(), Vec::new());
    for path in paths.clone() {
        let from = (global.store.as_str(), &store, &manifest);
        let log = logs::read_one(&mut calibration, from, path, &arguments.reading)?;
        notes.push(log.notes);
        files.push(log.results);
    }
    let estimators = candidates(&store, &manifest, arguments.subset.as_deref())?;
    let estimator = chosen(&estimators, &files)?;
    let benchmark = Benchmark::read(&store, &manifest, estimator)?;
    let names = runs::names(paths.clone().map(PathBuf::as_path));
    let mut runs = Vec::new();
    for (((results, name), notes), path) in files.iter().zip(names).zip(notes).zip(paths) {
        let run = benchmark.run(name, results).map_err(|error| noted(error, &notes))?;
        runs.push(Run { notes, path: path.clone(), ..run });
    }

    let base = runs.remove(0);
    let failed = |source| Error::Stats {
        context: format!("compare on {}/{}", estimator.target, estimator.subset),
        source,
    };
    let variants = compared(&benchmark, &base, runs, &criterion).map_err(failed)?;
    let release = format!("{}@{}", manifest.name, manifest.version);
    let outcome = Outcome { release, benchmark: &benchmark, base, variants, criterion };
    if global.json {
        print_json(&outcome.json(&id).map_err(failed)?);
    } else {
        print(&outcome.text().map_err(failed)?);
    }
    Ok(())
}

fn criterion(arguments: &Arguments) -> Result<Criterion, Error> {
    let Arguments { margin, level, .. } = *arguments;
    if !(margin > 0.0 && margin <= 100.0) {
        return Err(Error::Usage(format!("--margin {margin}: give points, above 0 and up to 100")));
    }
    if !(level > 0.5 && level < 1.0) {
        return Err(Error::Usage(format!("--level {level}: give a share between 0.5 and 1")));
    }
    Ok(Criterion { level, margin: margin / 100.0 })
}

/// The one subset that the smallest file holds; if it holds none, the closest, which says what is
/// missing.
fn chosen<'a>(estimators: &'a [Estimator], files: &[Results]) -> Result<&'a Estimator, Error> {
    let smallest = files.iter().min_by_key(|file| file.len());
    let smallest = smallest.ok_or_else(|| Error::Internal("no results".to_owned()))?;
    let held = |estimator: &&Estimator| estimator.items.iter().all(|item| smallest.holds(item));
    let held: Vec<&Estimator> = estimators.iter().filter(held).collect();
    match held[..] {
        [] => Ok(closest(estimators, smallest)),
        [only] => Ok(only),
        [first, ..] => {
            let names: Vec<String> =
                held.iter().map(|held| format!("{}/{}", held.target, held.subset)).collect();
            Err(Error::Usage(format!(
                "`{}` and the other files hold all items of several subsets: {}\n  \
                 next: say which to compare on, such as `--subset {}/{}`",
                smallest.path().display(),
                names.join(", "),
                first.target,
                first.subset
            )))
        }
    }
}

fn compared(
    benchmark: &Benchmark,
    base: &Run,
    runs: Vec<Run>,
    criterion: &Criterion,
) -> Result<Vec<Compared>, StatsError> {
    let scope = Scope::Benchmark { items: benchmark.population(), draw: Draw::Items };
    let setting = Setting { scope, base_full: base.full };
    let comparison = |run: &Run| {
        let answers = Answers {
            base: &base.answers,
            variant: &run.answers,
            weights: benchmark.weights(),
            clusters: benchmark.clusters(),
        };
        // The same stream for each, so that no figure depends on the other variants.
        compare(&answers, &setting, &mut Stream::new(SEED, "compare/sign-flip", 0))
    };
    let comparisons = runs.iter().map(comparison).collect::<Result<Vec<_>, _>>()?;
    let findings = judge(&comparisons, criterion)?;
    let together = runs.into_iter().zip(comparisons).zip(findings);
    let one = |((run, comparison), finding)| {
        let plan = plan(&comparison, criterion.level);
        Compared { run, comparison, finding, plan }
    };
    Ok(together.map(one).collect())
}
