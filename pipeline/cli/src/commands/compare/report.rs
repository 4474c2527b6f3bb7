//! A comparison as text and as JSON, in words that claim no more than the verdict.

use aliquot_stats::{
    StatsError,
    interval::Interval,
    paired::{ControlVariate, power::Plan, verdict::Verdict},
};
use aliquot_store::ObjectId;
use serde_json::{Value, json};

use super::{Compared, Outcome};

const POINTS: f64 = 100.0;

impl Outcome<'_> {
    pub fn text(&self) -> Result<String, StatsError> {
        let subset = &self.benchmark.subset;
        let full = match self.base.full {
            Some(full) => format!("full run {:.2} %", POINTS * full),
            None => "full run not given".to_owned(),
        };
        let mut text = format!(
            "{} {}/{}, {} of {} items; base {}: {full}\n\
             differences are variant minus base in points, with {} % intervals\n",
            self.release,
            subset.target,
            subset.subset,
            subset.items.len(),
            self.benchmark.population(),
            self.base.name,
            shown(POINTS * self.criterion.level),
        );
        for variant in &self.variants {
            text.push_str(&self.variant_text(variant)?);
        }
        let runs = std::iter::once(&self.base).chain(self.variants.iter().map(|one| &one.run));
        for run in runs {
            let notes = run.notes.iter().map(|note| format!("note      {}: {note}\n", run.name));
            text.extend(notes);
        }
        Ok(text)
    }

    fn variant_text(&self, variant: &Compared) -> Result<String, StatsError> {
        let Compared { run, comparison, finding, .. } = variant;
        let mut lines = vec![("verdict", self.verdict(variant))];
        let difference = format!(
            "{:+.2}  ({}){}",
            // Never "-0.00".
            POINTS * finding.difference + 0.0,
            range(finding.interval),
            match comparison.difference.control_variate {
                ControlVariate::Paired => String::new(),
                ControlVariate::Tuned { lambda } =>
                    format!(", base's full run counted with {lambda:.2}"),
            }
        );
        lines.push(("difference", difference));
        if let Some((full, interval)) = comparison.variant_full(self.criterion.level)? {
            lines.push(("full score", format!("{:.2} %  ({})", POINTS * full, range(interval))));
        }
        if let Some(full) = run.full {
            let note = "measured; the above uses the subset only";
            lines.push(("full run", format!("{:.2} %  {note}", POINTS * full)));
        }
        lines.push(("flips", flips(variant)));
        lines.push(("tests", self.tests(variant)?));
        lines.push(("power", self.power(variant)?));
        let lines = lines.iter().map(|(name, line)| format!("  {name:<10}  {line}\n"));
        Ok(format!("\n{}\n{}", run.name, lines.collect::<String>()))
    }

    /// One sentence, which is true whenever the verdict is.
    fn verdict(&self, variant: &Compared) -> String {
        let (base, margin) = (&self.base.name, shown(POINTS * self.criterion.margin));
        let within = |within_margin| match within_margin {
            true => format!(", by less than {margin} points"),
            false => String::new(),
        };
        match variant.finding.verdict {
            Verdict::Worse { within_margin } => {
                format!("worse than {base}{}", within(within_margin))
            }
            Verdict::Better { within_margin } => {
                format!("better than {base}{}", within(within_margin))
            }
            Verdict::Equivalent => {
                format!("less than {margin} points from {base}; no difference is shown")
            }
            Verdict::Undecided => {
                format!("undecided: may be better, worse, or within {margin} points of {base}")
            }
        }
    }

    fn tests(&self, variant: &Compared) -> Result<String, StatsError> {
        let Compared { comparison, finding, .. } = variant;
        let adjusted = |p: f64| match self.variants.len() {
            1 => String::new(),
            count => format!(" ({} adjusted for {count} variants)", p_value(p)),
        };
        let mcnemar = comparison
            .mcnemar
            .map_or_else(String::new, |test| format!("McNemar mid-p {}, ", p_value(test.mid_p)));
        Ok(format!(
            "no difference: p {}{}; {mcnemar}sign-flip {}\n  {:<10}  at least {} points apart: p {}{}",
            p_value(comparison.difference.p_no_difference()),
            adjusted(finding.p_difference),
            p_value(comparison.sign_flip.p),
            "",
            shown(POINTS * self.criterion.margin),
            p_value(comparison.difference.p_not_equivalent(self.criterion.margin)?),
            adjusted(finding.p_equivalence),
        ))
    }

    fn power(&self, variant: &Compared) -> Result<String, StatsError> {
        let finding = &variant.finding;
        let flips = &variant.comparison.flips;
        let items = flips.items;
        let mut text = format!(
            "{items} items find a difference of about {:.1} points",
            POINTS * finding.minimum_detectable
        );
        // No difference exceeds the share of scores that changed, half a change added as in the plan.
        if finding.minimum_detectable > (flips.changed as f64 + 0.5) / (items as f64 + 1.0) {
            text.push_str(", more than these changes can add up to");
        }
        text.push_str(&format!("; 1 point needs {}", variant.plan.items_needed(0.01)?));
        if let Some(observed) = items_for_observed(&variant.plan, finding.difference)? {
            text.push_str(&format!(", the one seen {observed}"));
        }
        text.push_str(&format!(" (the benchmark has {})", self.benchmark.population()));
        Ok(text)
    }

    pub fn json(&self, id: &ObjectId) -> Result<Value, StatsError> {
        let subset = &self.benchmark.subset;
        let variants = self.variants.iter().map(|variant| self.variant_json(variant));
        Ok(json!({
            "release": id, "target": subset.target, "subset": subset.subset,
            "items": subset.items.len(), "population": self.benchmark.population(),
            "level": self.criterion.level, "margin_pp": POINTS * self.criterion.margin,
            "base": {
                "name": self.base.name, "file": self.base.path, "full_score": self.base.full,
                "notes": self.base.notes,
            },
            "variants": variants.collect::<Result<Vec<_>, _>>()?,
        }))
    }

    fn variant_json(&self, variant: &Compared) -> Result<Value, StatsError> {
        let Compared { run, comparison, finding, plan } = variant;
        let (difference, flips) = (&comparison.difference, &comparison.flips);
        let (verdict, within_margin) = match finding.verdict {
            Verdict::Worse { within_margin } => ("worse", within_margin),
            Verdict::Better { within_margin } => ("better", within_margin),
            Verdict::Equivalent => ("equivalent", true),
            Verdict::Undecided => ("undecided", false),
        };
        let lambda = match difference.control_variate {
            ControlVariate::Paired => None,
            ControlVariate::Tuned { lambda } => Some(lambda),
        };
        let full = comparison.variant_full(self.criterion.level)?.map(|(estimate, interval)| {
            json!({ "estimate": estimate, "lower": interval.lower, "upper": interval.upper })
        });
        Ok(json!({
            "name": run.name, "file": run.path, "verdict": verdict, "within_margin": within_margin,
            "sentence": self.verdict(variant),
            "difference_pp": POINTS * finding.difference,
            "lower_pp": POINTS * finding.interval.lower, "upper_pp": POINTS * finding.interval.upper,
            "standard_error_pp": difference.standard_error.map(|error| POINTS * error),
            "on_subset_pp": POINTS * difference.on_subset, "control_variate_lambda": lambda,
            "full": full, "full_run": run.full, "notes": run.notes,
            "flips": {
                "right_to_wrong": flips.losses, "wrong_to_right": flips.gains, "share": flips.share(),
                "changed_scores": flips.changed, "kappa": flips.kappa(),
            },
            "p_difference": difference.p_no_difference(), "p_difference_holm": finding.p_difference,
            "p_tost": difference.p_not_equivalent(self.criterion.margin)?,
            "p_tost_holm": finding.p_equivalence,
            "mcnemar": comparison.mcnemar.map(|test| json!({ "mid_p": test.mid_p, "exact": test.exact })),
            "sign_flip": {
                "p": comparison.sign_flip.p, "changed": comparison.sign_flip.changed_units,
                "exact": comparison.sign_flip.exact,
            },
            "minimum_detectable_pp": POINTS * finding.minimum_detectable,
            "items_needed": {
                "observed": items_for_observed(plan, finding.difference)?,
                "one_point": plan.items_needed(0.01)?, "margin": finding.items_for_margin,
            },
        }))
    }
}

/// Items that find a difference of the size that was seen; None if none was.
fn items_for_observed(plan: &Plan, difference: f64) -> Result<Option<u64>, StatsError> {
    let size = difference.abs();
    // Less than a rounding error is none.
    if size > 1e-9 { plan.items_needed(size).map(Some) } else { Ok(None) }
}

/// Answers that changed, of which a difference of accuracies shows only the net number.
fn flips(variant: &Compared) -> String {
    let flips = &variant.comparison.flips;
    let (losses, gains) = (flips.losses, flips.gains);
    let mut text = format!(
        "{losses} right to wrong, {gains} wrong to right: {:.1} % of the answers",
        POINTS * flips.share()
    );
    if losses.min(gains) > 0 {
        let net = losses.abs_diff(gains);
        text.push_str(&format!("; accuracy shows {net} of the {}", losses + gains));
    }
    if flips.changed > losses + gains {
        let share = POINTS * flips.changed as f64 / flips.items as f64;
        text.push_str(&format!("; {share:.1} % of the scores changed"));
    }
    text
}

fn range(interval: Interval) -> String {
    format!("{:.2} to {:.2}", POINTS * interval.lower, POINTS * interval.upper)
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Without the rounding error of a factor of 100.
fn shown(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
