//! Scores that are not there: how many of each model, and whether that goes with anything.

use aliquot_stats::audit::{Association, missingness};
use aliquot_tables::findings::Finding;

use super::{
    Audited, Data, Severity, found,
    grid::Grid,
    policy::{AuditPolicy, Policy},
};

/// Chance of calling gaps not random that are, for each benchmark.
const LEVEL: f64 = 0.01;

impl Audited {
    /// Whether gaps go with the models' ability or the items' easiness.
    pub(super) fn count_gaps(&mut self, policy: &AuditPolicy, data: &Data<'_>, grid: &Grid<'_>) {
        let gaps = missingness(&grid.matrix);
        if gaps.missing == 0 {
            return;
        }
        self.count_absent(data, grid, gaps.missing);
        let tests = [("models", gaps.ability), ("items", gaps.easiness)];
        let tests: Vec<(&str, Association)> =
            tests.into_iter().filter_map(|(of, test)| Some((of, test?))).collect();
        let count = tests.len() as f64;
        for (of, test) in tests {
            // Bonferroni's correction, for the two of them.
            let p = (count * test.p_value).min(1.0);
            if p > LEVEL {
                continue;
            }
            let Association { correlation, shift, .. } = test;
            let more = match (of, correlation < 0.0) {
                ("models", true) => "weaker models miss more",
                ("models", false) => "stronger models miss more",
                (_, true) => "harder items are missed more",
                (_, false) => "easier items are missed more",
            };
            let evidence = format!(
                "{more}, counting models that are left out too: rank correlation {correlation:+.2}, p = \
                 {p:.1e}; the {of} of missing scores are {:+.1} points from those of the others",
                100.0 * shift
            );
            let action = policy.missing_not_at_random.name();
            let finding = Finding { observed: Some(correlation), ..found(of, action, evidence) };
            self.note("missing-not-at-random", Severity::Warning, grid.benchmark, finding);
        }
    }

    /// Cells that no row of the source is about. Rows are counted, so that of a cell with several trials each
    /// counts, and what is told of here is a lower bound.
    fn count_absent(&mut self, data: &Data<'_>, grid: &Grid<'_>, missing: usize) {
        let of = |gap: &&aliquot_tables::gaps::Gap| {
            gap.benchmark == grid.benchmark
                && grid.models.binary_search(&gap.model.as_str()).is_ok()
        };
        let told: u64 = data.gaps.iter().filter(of).map(|gap| gap.count).sum();
        let absent = (missing as u64).saturating_sub(told);
        if absent > 0 {
            let evidence =
                format!("{absent} scores are missing because the source has no row of them");
            let action = Policy::Keep.name();
            let finding =
                Finding { observed: Some(absent as f64), ..found("absent", action, evidence) };
            self.note("missing-reason", Severity::Info, grid.benchmark, finding);
        }
    }

    /// Whether a model has answered enough; notes every model with gaps.
    pub(super) fn covers_enough(
        &mut self,
        policy: &AuditPolicy,
        grid: &Grid<'_>,
        model: usize,
    ) -> bool {
        let scores = grid.matrix.scores_of(model);
        let missing = scores.iter().filter(|score| score.is_nan()).count();
        if missing == 0 {
            return true;
        }
        let coverage = 1.0 - missing as f64 / grid.items.len() as f64;
        // Without a single score there is nothing to keep, whatever the recipe allows.
        let enough = coverage >= policy.minimum_coverage && missing < grid.items.len();
        let evidence = format!("{missing} of {} items have no score", grid.items.len());
        let (severity, action) =
            if enough { (Severity::Info, Policy::Keep) } else { (Severity::Warning, Policy::Drop) };
        let finding = Finding {
            observed: Some(coverage),
            ..found(grid.models[model], action.name(), evidence)
        };
        self.note("missing-scores", severity, grid.benchmark, finding);
        enough
    }
}
