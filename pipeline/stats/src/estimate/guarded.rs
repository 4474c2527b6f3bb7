//! The default estimator: it leans on the sources for a model that is like them, on the answers for
//! one that is not, and says which.

use crate::{
    StatsError, distribution,
    field::{EDGES, Group, Prior, Region, groups},
    interval::Interval,
    linalg::{Cholesky, dot, dot_lanes},
    sources::Sources,
};

/// Weight of "outside the sources' range" up to which a model counts as inside, and above one minus
/// which as outside.
const EDGE: f64 = 0.2;
/// Step between the levels that the gate weighs, in logits of the overall score.
const LEVEL_STEP: f64 = 0.25;
/// How far outside the sources' range the levels go on.
const LEVEL_MARGIN: f64 = 3.0;
/// Answers to one benchmark depend on each other in ways that no curve knows: each counts half.
const ANSWER_WEIGHT: f64 = 0.5;
/// Prior odds of a level above the range against one inside it: a half, as new models are often
/// stronger.
const ABOVE_ODDS: f64 = 0.5;
/// Likewise below it: rare, but a broken or badly compressed model must not pass for a weak one.
const BELOW_ODDS: f64 = 0.03;
/// No more certainty about the region than this goes into an interval.
const LEAST_DOUBT: f64 = 0.05;
/// What is estimated from M sources and taken for known adds about this over M to the variance
/// inside their range.
const ESTIMATED: f64 = 4.0;

/// No number of a fit comes near it.
const LARGEST: f64 = 1e6;

/// What is known of a subset before a model answers it.
///
/// The answers y decide twice. A *gate* weighs levels of overall score by how likely they make the
/// answers, and so says with what weight the model is in the sources' range, above or below it. In
/// each region, groups of Gaussian hypotheses give the estimate: with z = y - means, a hypothesis has
/// the evidence exp(log_prior - (log det C + z' C^-1 z) / 2), C its covariance of the answers, and
/// the estimate target_mean + c' C^-1 z, c its covariance of the answers with the target mean; a
/// group's estimate is the mean of its hypotheses' weighted by evidence (Bayesian model averaging:
/// Hoeting et al., *Statistical Science* 14 (1999)), a region's that of its groups weighted by share.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Number of source models.
    pub sources: u64,
    /// Weight of each subset item in the target.
    pub target_weights: Vec<f64>,
    /// The sources' covariance of the answers, row-major items x items.
    pub kernel: Vec<f64>,
    /// The sources' covariance of each answer with the target mean.
    pub target_covariances: Vec<f64>,
    /// The sources' variance of the target mean.
    pub target_variance: f64,
    /// Variance of a graded answer over that of a 0/1 answer of the same expectation.
    pub dispersion: f64,
    /// Hypotheses.
    pub groups: Vec<PriorGroup>,
    /// Levels.
    pub gate: Gate,
}

/// Hypotheses of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorGroup {
    /// Where they put the model.
    pub region: Region,
    /// What the group counts in its region.
    pub share: f64,
    /// The hypotheses.
    pub priors: Vec<Prior>,
}

/// Levels of overall score, and what each expects of the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Logits of the overall score minus the sources' mean logit, ascending.
    pub levels: Vec<f64>,
    /// Region of each level.
    pub regions: Vec<Region>,
    /// Prior weight of each level.
    pub odds: Vec<f64>,
    /// Target mean that each level expects.
    pub target_means: Vec<f64>,
    /// Sum over the items outside the subset of squared target weight x p (1 - p).
    pub rest_spreads: Vec<f64>,
    /// Expected score on an item is logistic(slope x level + intercept).
    pub slopes: Vec<f64>,
    /// One an item.
    pub intercepts: Vec<f64>,
}

/// [`Known`], ready to judge answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// What it was made from.
    pub known: Known,
    groups: Vec<Conditioned>,
}

#[derive(Debug, Clone, PartialEq)]
struct Conditioned {
    region: Region,
    share: f64,
    hypotheses: Vec<Hypothesis>,
}

/// One hypothesis, conditioned on answers to the subset.
#[derive(Debug, Clone, PartialEq)]
struct Hypothesis {
    log_weight: f64,
    means: Vec<f64>,
    noise: Vec<f64>,
    target_mean: f64,
    /// Inverse covariance of the answers.
    precision: Vec<f64>,
    weights: Vec<f64>,
    /// Variance of the estimate that does not come from the answers' own noise.
    signal: f64,
}

/// Where a model lies, judged by its answers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// Like the sources: the estimate leans on how they answered.
    Inside,
    /// The answers do not tell.
    Edge,
    /// Stronger or weaker than almost all sources: the estimate leans on the answers.
    Outside,
}

impl Regime {
    /// Name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Edge => "edge",
            Self::Outside => "outside",
        }
    }
}

/// What the answers say.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The estimate.
    pub value: f64,
    /// Weight of the levels outside the sources' range.
    pub outside: f64,
    /// Bounds that the answers themselves set: what is solved is solved.
    settled: Interval,
    /// Weight, estimate and variance of each region.
    regions: Vec<(f64, f64, f64)>,
}

/// Learns what the estimator needs of the subset's items.
///
/// Errors when the subset is empty.
pub fn fit(sources: &Sources<'_>, items: &[usize]) -> Result<Guarded, StatsError> {
    if items.is_empty() {
        return Err(StatsError::BudgetZero);
    }
    let field = sources.field()?;
    let rows = items.iter().flat_map(|&one| items.iter().map(move |&other| (one, other)));
    let group = |Group { region, share, hypotheses }: Group| PriorGroup {
        region,
        share,
        priors: hypotheses.iter().map(|hypothesis| field.prior(hypothesis, items)).collect(),
    };
    Guarded::new(Known {
        sources: sources.complete.models() as u64,
        target_weights: items.iter().map(|&item| sources.target.weights()[item]).collect(),
        kernel: rows.map(|(one, other)| field.kernel(one, other)).collect(),
        target_covariances: items.iter().map(|&item| field.kernel_with_target(item)).collect(),
        target_variance: field.target_kernel(),
        dispersion: field.dispersion,
        groups: groups().into_iter().map(group).collect(),
        gate: gate(sources, items),
    })
}

fn gate(sources: &Sources<'_>, items: &[usize]) -> Gate {
    let curves = sources.curves();
    let [low, high] = EDGES.map(|share| curves.quantile(share));
    let steps = ((high - low + 2.0 * LEVEL_MARGIN) / LEVEL_STEP) as usize;
    let levels: Vec<f64> =
        (0..=steps).map(|step| low - LEVEL_MARGIN + LEVEL_STEP * step as f64).collect();
    let region = |level: &f64| match *level {
        level if level > high + LEVEL_STEP / 2.0 => Region::Above,
        level if level < low - LEVEL_STEP / 2.0 => Region::Below,
        _ => Region::Inside,
    };
    let odds = |region: &Region| match region {
        Region::Inside => 1.0,
        Region::Above => ABOVE_ODDS,
        Region::Below => BELOW_ODDS,
    };
    let weights = sources.target.weights();
    let mut rest = weights.to_vec();
    items.iter().for_each(|&item| rest[item] = 0.0);
    let sum = |level: f64, value: &dyn Fn(usize, f64) -> f64| -> f64 {
        (0..weights.len()).map(|item| value(item, curves.at(item, level))).sum()
    };
    let regions: Vec<Region> = levels.iter().map(region).collect();
    Gate {
        odds: regions.iter().map(odds).collect(),
        regions,
        target_means: levels
            .iter()
            .map(|&level| sum(level, &|item, p| weights[item] * p))
            .collect(),
        rest_spreads: levels
            .iter()
            .map(|&level| sum(level, &|item, p| rest[item] * rest[item] * p * (1.0 - p)))
            .collect(),
        levels,
        slopes: items.iter().map(|&item| curves.slopes[item]).collect(),
        intercepts: items.iter().map(|&item| curves.intercepts[item]).collect(),
    }
}

impl Known {
    fn check(&self) -> Result<(), StatsError> {
        let items = self.target_weights.len();
        if items == 0 {
            return Err(StatsError::BudgetZero);
        }
        let Gate { levels, regions, odds, target_means, rest_spreads, slopes, intercepts } =
            &self.gate;
        let mut lengths = vec![
            (self.kernel.len(), items * items),
            (self.target_covariances.len(), items),
            (slopes.len(), items),
            (intercepts.len(), items),
            (regions.len(), levels.len()),
            (odds.len(), levels.len()),
            (target_means.len(), levels.len()),
            (rest_spreads.len(), levels.len()),
        ];
        for prior in self.groups.iter().flat_map(|group| &group.priors) {
            let lists = [&prior.means, &prior.spreads, &prior.drifts, &prior.noise];
            lengths.extend(lists.map(|list| (list.len(), items)));
        }
        if let Some((got, expected)) = lengths.into_iter().find(|(got, expected)| got != expected) {
            return Err(StatsError::Length {
                what: "a list of the guarded estimator",
                expected,
                got,
            });
        }
        match self.is_sane() {
            true => Ok(()),
            false => Err(StatsError::NotFinite { what: "the guarded estimator", at: 0 }),
        }
    }

    /// Whether all numbers are such as a fit gives.
    fn is_sane(&self) -> bool {
        let Gate { odds, target_means, rest_spreads, slopes, intercepts, .. } = &self.gate;
        let priors = || self.groups.iter().flat_map(|group| &group.priors);
        let of_items = [&self.target_weights, &self.kernel, &self.target_covariances];
        let of_gate = [odds, target_means, rest_spreads, slopes, intercepts];
        let of_priors = priors().flat_map(|p| [&p.means, &p.spreads, &p.drifts, &p.noise]);
        let mut lists = of_items.into_iter().chain(of_gate).chain(of_priors).flatten();
        let mut scales = priors().flat_map(|p| [p.scale, p.level, p.spread, p.drift]);
        let share = |region: Region| -> f64 {
            let own = self.groups.iter().filter(|group| group.region == region);
            own.filter(|group| !group.priors.is_empty()).map(|group| group.share).sum()
        };
        lists.all(|value| value.abs() <= LARGEST)
            && scales.all(|value| (0.0..=LARGEST).contains(&value))
            && self.target_weights.iter().chain(odds).all(|value| *value >= 0.0)
            && odds.iter().sum::<f64>() > 0.0
            && self.sources > 0
            && (f64::MIN_POSITIVE..=1.0).contains(&self.dispersion)
            && Region::ALL.into_iter().all(|region| (share(region) - 1.0).abs() < 1e-9)
    }
}

impl Gate {
    /// Weight of each region given the answers, in the order inside, above, below.
    ///
    /// The likelihood of a graded answer y is p^y (1 - p)^(1 - y), as in logistic regression; p keeps
    /// away from 0 and 1 because any item can be answered by accident.
    fn regions(&self, answers: &[f64], answer_weight: f64) -> [f64; 3] {
        let log_likelihood = |level: f64| -> f64 {
            let items = answers.iter().zip(&self.slopes).zip(&self.intercepts);
            let of = |((answer, slope), intercept): ((&f64, &f64), &f64)| {
                let p = 1.0 / (1.0 + libm::exp(-(slope * level + intercept)));
                let p = p.clamp(0.01, 0.99);
                answer * libm::log(p) + (1.0 - answer) * libm::log(1.0 - p)
            };
            answer_weight * items.map(of).sum::<f64>()
        };
        let logs: Vec<f64> = self.levels.iter().map(|&level| log_likelihood(level)).collect();
        let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut weights = [0.0; 3];
        for ((log, odds), region) in logs.iter().zip(&self.odds).zip(&self.regions) {
            weights[*region as usize] += odds * libm::exp(log - greatest);
        }
        let total: f64 = weights.iter().sum();
        weights.map(|weight| weight / total)
    }

    /// Own variance of the target mean from the items outside the subset, at a level of that mean.
    fn rest_spread(&self, target_mean: f64) -> f64 {
        let nearest = |best: usize, place: usize| {
            let off = |place: usize| (self.target_means[place] - target_mean).abs();
            if off(place) < off(best) { place } else { best }
        };
        let place = (0..self.levels.len()).fold(0, nearest);
        self.rest_spreads.get(place).copied().unwrap_or(0.0)
    }
}

impl Guarded {
    /// Conditions every hypothesis on the subset. Errors when lists differ in length or a covariance is
    /// not positive definite, which happens in a damaged file only.
    pub fn new(known: Known) -> Result<Self, StatsError> {
        known.check()?;
        let conditioned = |group: &PriorGroup| {
            let hypotheses = group.priors.iter().map(|prior| condition(&known, prior));
            Ok(Conditioned {
                region: group.region,
                share: group.share,
                hypotheses: hypotheses.collect::<Result<_, _>>()?,
            })
        };
        let groups = known.groups.iter().map(conditioned).collect::<Result<_, StatsError>>()?;
        Ok(Self { known, groups })
    }

    /// Estimate, region and uncertainty of a model, from one answer a subset item.
    pub fn judge(&self, answers: &[f64]) -> Judged {
        let gate = self.known.gate.regions(answers, ANSWER_WEIGHT / self.known.dispersion);
        let groups: Vec<GroupView> = self.groups.iter().map(|group| group.view(answers)).collect();
        let weight = |group: &Conditioned| gate[group.region as usize] * group.share;
        let value: f64 = self
            .groups
            .iter()
            .zip(&groups)
            .map(|(group, view)| weight(group) * view.estimate)
            .sum();

        let mut expected = vec![0.0; answers.len()];
        for (group, view) in self.groups.iter().zip(&groups) {
            for (sum, answer) in expected.iter_mut().zip(&view.answers) {
                *sum += weight(group) * answer;
            }
        }
        // Outside the range nobody knows how graded the answers are: half way, in proportion.
        let outside = gate[1] + gate[2];
        let dispersion = libm::pow(self.known.dispersion, 1.0 - outside / 2.0);
        let noise: Vec<f64> = expected
            .iter()
            .map(|p| p.clamp(0.0, 1.0))
            .map(|p| dispersion * p * (1.0 - p))
            .collect();
        let rest = dispersion * self.known.gate.rest_spread(value);
        let region = |region: Region| {
            let members =
                self.groups.iter().zip(&groups).filter(|(group, _)| group.region == region);
            let (estimate, variance) = self.pool(members, &noise);
            (gate[region as usize], estimate, variance + rest)
        };
        let (inside, above, below) =
            (region(Region::Inside), region(Region::Above), region(Region::Below));
        let inflated = 1.0 + ESTIMATED / self.known.sources as f64;
        let solved = dot(&self.known.target_weights, answers);
        let missed: f64 = self.known.target_weights.iter().sum::<f64>() - solved;
        // Of all items both are the score itself, up to rounding: the ends must not cross.
        let lower = solved.clamp(0.0, 1.0);
        let settled = Interval { lower, upper: (1.0 - missed).clamp(lower, 1.0) };
        Judged {
            value: value.clamp(settled.lower, settled.upper),
            outside: gate[1] + gate[2],
            settled,
            regions: vec![(inside.0, inside.1, inside.2 * inflated), above, below],
        }
    }

    /// Estimate and variance of one region: groups weighted by share, the answers' own noise counted
    /// once, through their joint weights.
    fn pool<'a>(
        &self,
        members: impl Iterator<Item = (&'a Conditioned, &'a GroupView)> + Clone,
        noise: &[f64],
    ) -> (f64, f64) {
        let estimate: f64 = members.clone().map(|(group, view)| group.share * view.estimate).sum();
        let mut weights = vec![0.0; noise.len()];
        let mut variance = 0.0;
        for (group, view) in members {
            let off = view.estimate - estimate;
            variance += group.share * (view.signal + off * off);
            weights.iter_mut().zip(&view.weights).for_each(|(sum, w)| *sum += group.share * w);
        }
        for ((weight, own), noise) in weights.iter().zip(&self.known.target_weights).zip(noise) {
            variance += (weight - own) * (weight - own) * noise;
        }
        (estimate, variance)
    }
}

/// What one group makes of the answers.
struct GroupView {
    estimate: f64,
    /// Variance within and between its hypotheses, the answers' own noise apart.
    signal: f64,
    /// Of the answers in the estimate.
    weights: Vec<f64>,
    /// Expected answers of this model, given its answers.
    answers: Vec<f64>,
}

impl Conditioned {
    fn view(&self, answers: &[f64]) -> GroupView {
        let views: Vec<(f64, f64, Vec<f64>)> =
            self.hypotheses.iter().map(|hypothesis| hypothesis.view(answers)).collect();
        let greatest = views.iter().map(|(log, ..)| *log).fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = views.iter().map(|(log, ..)| libm::exp(log - greatest)).collect();
        let total: f64 = shares.iter().sum();
        let estimate = views
            .iter()
            .zip(&shares)
            .map(|((_, estimate, _), share)| share / total * estimate)
            .sum();
        let mut view = GroupView {
            estimate,
            signal: 0.0,
            weights: vec![0.0; answers.len()],
            answers: vec![0.0; answers.len()],
        };
        for ((hypothesis, (_, estimate, smoothed)), share) in
            self.hypotheses.iter().zip(&views).zip(&shares)
        {
            let share = share / total;
            let off = estimate - view.estimate;
            view.signal += share * (hypothesis.signal + off * off);
            view.weights.iter_mut().zip(&hypothesis.weights).for_each(|(sum, w)| *sum += share * w);
            view.answers.iter_mut().zip(smoothed).for_each(|(sum, a)| *sum += share * a);
        }
        view
    }
}

impl Hypothesis {
    /// Logarithm of the evidence, estimate, and expected answers y - noise x C^-1 z.
    fn view(&self, answers: &[f64]) -> (f64, f64, Vec<f64>) {
        let z: Vec<f64> =
            answers.iter().zip(&self.means).map(|(answer, mean)| answer - mean).collect();
        let solved: Vec<f64> =
            self.precision.chunks(z.len()).map(|row| dot_lanes(row, &z)).collect();
        let log = self.log_weight - 0.5 * dot(&z, &solved);
        let estimate = self.target_mean + dot(&self.weights, &z);
        let residuals = solved.iter().zip(&self.noise).map(|(solved, noise)| noise * solved);
        (log, estimate, answers.iter().zip(residuals).map(|(answer, r)| answer - r).collect())
    }
}

fn condition(known: &Known, prior: &Prior) -> Result<Hypothesis, StatsError> {
    let size = prior.means.len();
    let mut covariance = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            covariance[row * size + column] =
                prior.covariance(known.kernel[row * size + column], row, column);
        }
        covariance[row * size + row] += prior.noise[row];
    }
    let factor = Cholesky::factor(size, &covariance)?;
    let own = known.target_weights.iter().zip(&prior.noise).map(|(weight, noise)| weight * noise);
    let shared =
        |place: usize| prior.covariance_with_target(known.target_covariances[place], place);
    let with_target: Vec<f64> = own.enumerate().map(|(place, own)| shared(place) + own).collect();
    let weights = factor.solve(&with_target);
    // The variance left is prior variance - c' C^-1 c; of it the answers' own noise is
    // sum of (weight - target weight)^2 noise, up to the items outside, which enter neither side.
    let own_noise: f64 = known
        .target_weights
        .iter()
        .zip(&prior.noise)
        .map(|(weight, noise)| weight * weight * noise)
        .sum();
    let left =
        prior.target_variance(known.target_variance) + own_noise - dot(&weights, &with_target);
    let noise: f64 = weights
        .iter()
        .zip(&known.target_weights)
        .zip(&prior.noise)
        .map(|((weight, own), noise)| (weight - own) * (weight - own) * noise)
        .sum();
    Ok(Hypothesis {
        log_weight: prior.log_prior - 0.5 * factor.log_determinant(),
        means: prior.means.clone(),
        noise: prior.noise.clone(),
        target_mean: prior.target_mean,
        precision: factor.inverse(),
        signal: (left - noise).max(0.0),
        weights,
    })
}

impl Judged {
    /// The regime in words.
    pub fn regime(&self) -> Regime {
        match self.outside {
            outside if outside <= EDGE => Regime::Inside,
            outside if outside < 1.0 - EDGE => Regime::Edge,
            _ => Regime::Outside,
        }
    }

    /// Central interval of the mixture of the regions' normal distributions, whose weights keep
    /// 5 % of doubt; cut to what the answers leave open.
    ///
    /// It covers the draw of a model and the chance in its answers, as far as the hypotheses hold; how
    /// far they do is measured on held-out models.
    pub fn interval(&self, level: f64) -> Interval {
        let [inside, above, below] = [0, 1, 2].map(|place| self.regions[place]);
        let doubted = LEAST_DOUBT + (1.0 - 2.0 * LEAST_DOUBT) * self.outside;
        let share = |weight: f64| {
            if self.outside > 0.0 { doubted * weight / self.outside } else { doubted / 2.0 }
        };
        let parts = [
            (1.0 - doubted, inside.1, inside.2),
            (share(above.0), above.1, above.2),
            (share(below.0), below.1, below.2),
        ]
        .map(|(weight, mean, variance)| (weight, mean.clamp(0.0, 1.0), variance.max(1e-8).sqrt()));
        let at = |share: f64| {
            let mass = |x: f64| -> f64 {
                parts
                    .iter()
                    .map(|(w, mean, sd)| w * distribution::normal_cumulative((x - mean) / sd))
                    .sum()
            };
            let (mut low, mut high) = (-1.0, 2.0);
            for _ in 0..40 {
                let middle = 0.5 * (low + high);
                let side = if mass(middle) < share { &mut low } else { &mut high };
                *side = middle;
            }
            0.5 * (low + high)
        };
        let Interval { lower, upper } = self.settled;
        Interval {
            lower: at(0.5 - level / 2.0).clamp(lower, upper),
            upper: at(0.5 + level / 2.0).clamp(lower, upper),
        }
    }
}

#[cfg(test)]
mod tests;
