use thiserror::Error;

/// What can be wrong with the numbers that this crate is given.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StatsError {
    /// A score outside [0, 1].
    #[error("score {score} of model {model} on item {item} is outside [0, 1]")]
    ScoreOutOfRange {
        /// Row of the matrix.
        model: usize,
        /// Column of the matrix.
        item: usize,
        /// The offending value.
        score: f32,
    },
    /// The flat buffer does not hold models x items scores.
    #[error("matrix of {models} models and {items} items needs {} scores, got {got}", models * items)]
    Shape {
        /// Rows.
        models: usize,
        /// Columns.
        items: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// A matrix without models or without items.
    #[error("a matrix needs at least one model and one item, got {models} x {items}")]
    Empty {
        /// Rows.
        models: usize,
        /// Columns.
        items: usize,
    },
    /// A model without a single score that counts: nothing can stand in for it.
    #[error("model {model} has no score that counts")]
    NoScores {
        /// Row of the matrix.
        model: usize,
    },
    /// Item weights must be finite, not negative, and not all zero.
    #[error("item weights must be finite, non-negative and not all zero")]
    BadWeights,
    /// More items asked for than the pool can give.
    #[error("cannot select {k} items from a pool of {pool}")]
    BudgetTooLarge {
        /// Items asked for.
        k: usize,
        /// Items available.
        pool: usize,
    },
    /// A subset of no items estimates nothing.
    #[error("cannot select 0 items")]
    BudgetZero,
    /// Too few models for what was asked.
    #[error("{what} needs at least {needed} models, got {got}")]
    TooFewModels {
        /// The computation.
        what: &'static str,
        /// Minimum.
        needed: usize,
        /// Given.
        got: usize,
    },
    /// A split goes by something that is known of no model.
    #[error("no model has a {attribute}, which this split goes by")]
    NoAttribute {
        /// What is missing.
        attribute: &'static str,
    },
    /// A selection by tasks on items whose tasks are not known.
    #[error("selection by tasks needs the task of each item, which these items do not have")]
    NoTasks,
    /// A selection by text of items whose texts are not embedded.
    #[error(
        "selection by text needs an embedding of each item, which these items do not have: \
         embed the prompts and give their vectors, or select by a method without `embedding` or \
         `combined` in its name"
    )]
    NoEmbeddings,
    /// An item counts more than a random draw can show.
    #[error(
        "an item counts {share:.4} of the mean, more than one of {k} equal answers: take at most {most} items, or benchmarks \
         that are less unequal"
    )]
    Outweighs {
        /// Share of the heaviest item.
        share: f64,
        /// Items that were asked for.
        k: usize,
        /// Items that may be.
        most: usize,
    },
    /// A method that learns from results where there are none.
    #[error(
        "`{method}` learns from results, and there are none: select by random, embedding-strata, \
         embedding-anchors or embedding-facility-location, or add results of some models"
    )]
    NeedsResults {
        /// Name of the method.
        method: String,
    },
    /// A selection by tasks where no task can be kept.
    #[error("no task has all its items among those that may be chosen")]
    NoWholeTask,
    /// The kept tasks have too few items.
    #[error(
        "cannot select {k} items from the {keep} tasks kept, which have {items}: keep more tasks"
    )]
    TasksTooSmall {
        /// Items asked for.
        k: usize,
        /// Tasks that were kept.
        keep: usize,
        /// Their items.
        items: usize,
    },
    /// No size of subset does what is asked.
    #[error(
        "no k from {smallest} to {largest} keeps {measure} from there on; the best bound is {best}, at k = {k}"
    )]
    NoSize {
        /// What is asked, such as `MAE <= 1.5 pp with 95 % confidence`.
        measure: String,
        /// Smallest size that was tried.
        smallest: usize,
        /// Largest.
        largest: usize,
        /// The best bound of any size, with its unit.
        best: String,
        /// That size.
        k: usize,
    },
    /// Too few items, or too many gaps, for what was asked.
    #[error("{what} cannot be had from {items} items with {missing} scores missing")]
    TooFewItems {
        /// The computation.
        what: &'static str,
        /// Number of items.
        items: usize,
        /// Number of gaps.
        missing: usize,
    },
    /// No model that was left out has answered an item that was chosen without it.
    #[error("no held-out model has answered any of the {k} items chosen without it")]
    NothingToMeasure {
        /// Number of items chosen.
        k: usize,
    },
    /// A list that does not fit what it belongs to.
    #[error("{what}: expected {expected} values, got {got}")]
    Length {
        /// The list.
        what: &'static str,
        /// Values needed.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// NaN, infinity, or a negative value where none can be.
    #[error("{what}: value {at} is not a usable number")]
    NotFinite {
        /// The list.
        what: &'static str,
        /// Position in it.
        at: usize,
    },
    /// Numbers of trials must be finite and not negative.
    #[error("numbers of trials must be finite and non-negative")]
    BadTrials,
    /// An item number beyond the last.
    #[error("item {item} does not exist: there are {items} items")]
    NoSuchItem {
        /// The offending number.
        item: usize,
        /// Number of items.
        items: usize,
    },
    /// A method for one ability on a model of several.
    #[error("the method needs a model of one ability, got {dimensions}")]
    ManyDimensions {
        /// Abilities of the model.
        dimensions: usize,
    },
    /// A linear system that is not positive definite.
    #[error("matrix is not positive definite at pivot {pivot}")]
    NotPositiveDefinite {
        /// Row where the factorisation broke down.
        pivot: usize,
    },
    /// An iteration that did not settle; a matrix with a NaN never does.
    #[error("{what} did not converge")]
    NoConvergence {
        /// The computation.
        what: &'static str,
    },
    /// An answer outside [0, 1], or none at all where one is needed.
    #[error("answer {answer} at position {position} is outside [0, 1]")]
    AnswerOutOfRange {
        /// Position in the list of answers.
        position: usize,
        /// The offending value.
        answer: f64,
    },
    /// A number that a computation was asked to work with is outside its range.
    #[error("{what} must lie in {range}, got {value}")]
    BadParameter {
        /// The number.
        what: &'static str,
        /// Where it must lie.
        range: &'static str,
        /// What it was.
        value: f64,
    },
}
