use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aliquot_store::ObjectId;

use crate::{Fingerprint, Graph, Node, NodeRecord};

/// What will be done with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Its outputs are there already.
    Reuse {
        /// Ids of the outputs.
        outputs: Vec<ObjectId>,
    },
    /// It has to run.
    Run {
        /// Why.
        reason: Reason,
    },
    /// Whether it has to run shows only when these nodes have.
    Pending {
        /// Names of the nodes that are waited for.
        waits_for: Vec<String>,
    },
}

/// Why a node has to run, next to the last time that it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no record of an earlier run.
    Never,
    /// The stage's code has a new version.
    Version {
        /// Before.
        before: u32,
        /// Now.
        now: u32,
    },
    /// The parameters differ.
    Parameters,
    /// Some inputs differ.
    Inputs {
        /// Names of the nodes whose outputs changed; empty when their number did.
        changed: Vec<String>,
    },
    /// It is as it was, but its outputs are gone.
    OutputsGone,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => write!(formatter, "no earlier run"),
            Self::Version { before, now } => write!(formatter, "stage version {before} -> {now}"),
            Self::Parameters => write!(formatter, "parameters changed"),
            Self::Inputs { changed } if changed.is_empty() => {
                write!(formatter, "set of inputs changed")
            }
            Self::Inputs { changed } => write!(formatter, "input changed: {}", changed.join(", ")),
            Self::OutputsGone => write!(formatter, "outputs are no longer in the store"),
        }
    }
}

/// A node's part of the plan, in the order of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Cache key, None while an input is unknown.
    pub fingerprint: Option<Fingerprint>,
    /// What will be done.
    pub action: Action,
}

/// Decides for each node whether it is reused, runs, or has to wait for that decision.
///
/// `lookup` says which outputs are there for a fingerprint; `previous` holds the last record of each
/// node by name and serves the reasons only.
pub fn plan<T>(
    graph: &Graph<T>,
    lookup: impl Fn(&Node<T>, Fingerprint) -> Option<Vec<ObjectId>>,
    previous: &BTreeMap<String, NodeRecord>,
) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let outputs_of = |index: usize| match &planned[index].action {
            Action::Reuse { outputs } => Some(outputs),
            _ => None,
        };
        let known: Option<Vec<ObjectId>> = node
            .inputs
            .iter()
            .map(|input| outputs_of(input.node.0).map(|outputs| outputs[input.output]))
            .collect();
        let next = match known {
            None => Planned {
                fingerprint: None,
                action: Action::Pending { waits_for: unknown(graph, node, &planned) },
            },
            Some(inputs) => {
                let fingerprint = node.fingerprint(&inputs);
                let action = match lookup(node, fingerprint) {
                    Some(outputs) => Action::Reuse { outputs },
                    None => Action::Run {
                        reason: reason(graph, node, &inputs, previous.get(&node.name)),
                    },
                };
                Planned { fingerprint: Some(fingerprint), action }
            }
        };
        planned.push(next);
    }
    planned
}

fn unknown<T>(graph: &Graph<T>, node: &Node<T>, planned: &[Planned]) -> Vec<String> {
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    for input in &node.inputs {
        let known = matches!(planned[input.node.0].action, Action::Reuse { .. });
        if !known && seen.insert(input.node) {
            names.push(graph.nodes()[input.node.0].name.clone());
        }
    }
    names
}

fn reason<T>(
    graph: &Graph<T>,
    node: &Node<T>,
    inputs: &[ObjectId],
    previous: Option<&NodeRecord>,
) -> Reason {
    let Some(before) = previous else { return Reason::Never };
    if before.version != node.version {
        return Reason::Version { before: before.version, now: node.version };
    }
    if before.parameters != node.parameters {
        return Reason::Parameters;
    }
    if before.inputs == inputs {
        return Reason::OutputsGone;
    }
    let mut changed = Vec::new();
    if before.inputs.len() == inputs.len() {
        for ((input, now), then) in node.inputs.iter().zip(inputs).zip(&before.inputs) {
            if now != then {
                changed.push(graph.nodes()[input.node.0].name.clone());
            }
        }
    }
    Reason::Inputs { changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(parameters: u32) -> Graph {
        let mut graph = Graph::new();
        let fetch = graph.add(Node::new("fetch", "fetch", 1, &()).unwrap());
        let select =
            graph.add(Node::new("select", "select", 1, &parameters).unwrap().input(fetch, 0));
        graph.add(Node::new("report", "report", 1, &()).unwrap().input(select, 0));
        graph
    }

    fn record(node: &Node, inputs: Vec<ObjectId>) -> NodeRecord {
        NodeRecord {
            name: node.name.clone(),
            stage: node.stage.to_owned(),
            version: node.version,
            parameters: node.parameters,
            fingerprint: node.fingerprint(&inputs),
            inputs,
            outputs: vec![],
            outcome: crate::Outcome::Ran,
            milliseconds: 0,
        }
    }

    #[test]
    fn a_change_of_parameters_runs_that_node_and_leaves_later_ones_pending() {
        let raw = ObjectId::of(b"raw");
        let before = graph(1);
        let previous =
            BTreeMap::from([("select".to_owned(), record(&before.nodes()[1], vec![raw]))]);
        let lookup = |node: &Node, _| (node.stage == "fetch").then(|| vec![raw]);
        let planned = plan(&graph(2), lookup, &previous);
        assert_eq!(planned[0].action, Action::Reuse { outputs: vec![raw] });
        assert_eq!(planned[1].action, Action::Run { reason: Reason::Parameters });
        assert_eq!(planned[2].action, Action::Pending { waits_for: vec!["select".into()] });
    }

    #[test]
    fn the_reason_names_the_input_that_changed() {
        let graph = graph(1);
        let previous = BTreeMap::from([(
            "select".to_owned(),
            record(&graph.nodes()[1], vec![ObjectId::of(b"old")]),
        )]);
        let lookup = |node: &Node, _| (node.stage == "fetch").then(|| vec![ObjectId::of(b"new")]);
        let planned = plan(&graph, lookup, &previous);
        assert_eq!(
            planned[1].action,
            Action::Run { reason: Reason::Inputs { changed: vec!["fetch".into()] } }
        );
    }
}
