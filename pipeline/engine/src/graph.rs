use std::collections::BTreeSet;

use aliquot_store::{
    ObjectId,
    canonical::{self, CanonicalError},
};
use serde::Serialize;

/// Place of a node in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// One output of an earlier node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The node that makes it.
    pub node: NodeId,
    /// Which of that node's outputs.
    pub output: usize,
}

/// Cache key of a node: BLAKE3 of the canonical JSON of
/// `{"inputs": [ids], "parameters": digest, "stage": name, "version": number}`.
pub type Fingerprint = ObjectId;

/// One step: what it is, what it depends on, and a task `T` that the caller understands.
#[derive(Debug, Clone)]
pub struct Node<T = ()> {
    /// Unique in the graph; for people and for records.
    pub name: String,
    /// Kind of step.
    pub stage: &'static str,
    /// Raised when the stage's code gives other bytes for the same inputs.
    pub version: u32,
    /// Digest of the canonical JSON of the resolved parameters.
    pub parameters: ObjectId,
    /// What it reads, in the order that the stage expects.
    pub inputs: Vec<Input>,
    /// What the caller needs to run it; not part of the fingerprint.
    pub task: T,
}

impl Node<()> {
    /// A step without a task.
    pub fn new(
        name: impl Into<String>,
        stage: &'static str,
        version: u32,
        parameters: &impl Serialize,
    ) -> Result<Self, CanonicalError> {
        let parameters = canonical::digest(parameters)?;
        Ok(Self { name: name.into(), stage, version, parameters, inputs: Vec::new(), task: () })
    }
}

impl<T> Node<T> {
    /// The same node, reading one more output.
    #[must_use]
    pub fn input(mut self, node: NodeId, output: usize) -> Self {
        self.inputs.push(Input { node, output });
        self
    }

    /// The same node with another task.
    pub fn task<U>(self, task: U) -> Node<U> {
        let Self { name, stage, version, parameters, inputs, .. } = self;
        Node { name, stage, version, parameters, inputs, task }
    }

    /// Cache key for these inputs.
    pub fn fingerprint(&self, inputs: &[ObjectId]) -> Fingerprint {
        let text: Vec<String> = inputs.iter().map(|id| format!("\"{id}\"")).collect();
        // Canonical by hand: members sorted, stage names are plain ASCII words.
        let json = format!(
            "{{\"inputs\":[{}],\"parameters\":\"{}\",\"stage\":\"{}\",\"version\":{}}}",
            text.join(","),
            self.parameters,
            self.stage,
            self.version
        );
        ObjectId::of(json.as_bytes())
    }
}

/// Nodes in an order in which each comes after its inputs.
#[derive(Debug, Clone, Default)]
pub struct Graph<T = ()> {
    nodes: Vec<Node<T>>,
    names: BTreeSet<String>,
}

impl<T> Graph<T> {
    /// No nodes.
    pub fn new() -> Self {
        Self { nodes: Vec::new(), names: BTreeSet::new() }
    }

    /// Adds a node; its inputs must be nodes of this graph, so a cycle cannot be built.
    ///
    /// # Panics
    /// When an input or the name's uniqueness is broken: a mistake in the code that builds graphs.
    pub fn add(&mut self, node: Node<T>) -> NodeId {
        assert!(
            node.inputs.iter().all(|input| input.node.0 < self.nodes.len()),
            "inputs come first"
        );
        assert!(self.names.insert(node.name.clone()), "node names are unique: {}", node.name);
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// The node at a position of [`Self::nodes`].
    ///
    /// # Panics
    /// When there is none.
    pub fn id(&self, position: usize) -> NodeId {
        assert!(position < self.nodes.len(), "node {position} of {}", self.nodes.len());
        NodeId(position)
    }

    /// All nodes, inputs before users.
    pub fn nodes(&self) -> &[Node<T>] {
        &self.nodes
    }

    /// The graph up to and including all nodes of one stage and what they need.
    #[must_use]
    pub fn until(&self, stage: &str) -> Self
    where
        T: Clone,
    {
        let mut needed: Vec<bool> = self.nodes.iter().map(|node| node.stage == stage).collect();
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                self.nodes[index].inputs.iter().for_each(|input| needed[input.node.0] = true);
            }
        }
        let mut renumbered = vec![NodeId(0); self.nodes.len()];
        let mut kept = Self::new();
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
            let mut node = node.clone();
            node.inputs.iter_mut().for_each(|input| input.node = renumbered[input.node.0]);
            renumbered[index] = kept.add(node);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_changes_with_each_of_its_parts_and_with_nothing_else() {
        let node = |name: &str, stage, version, parameters: u32| {
            Node::new(name, stage, version, &parameters).unwrap()
        };
        let inputs = [ObjectId::of(b"1"), ObjectId::of(b"2")];
        let base = node("n", "s", 1, 7).fingerprint(&inputs);
        assert_eq!(base, node("renamed", "s", 1, 7).fingerprint(&inputs));
        assert_ne!(base, node("n", "t", 1, 7).fingerprint(&inputs));
        assert_ne!(base, node("n", "s", 2, 7).fingerprint(&inputs));
        assert_ne!(base, node("n", "s", 1, 8).fingerprint(&inputs));
        assert_ne!(base, node("n", "s", 1, 7).fingerprint(&inputs[..1]));
        assert_ne!(base, node("n", "s", 1, 7).fingerprint(&[inputs[1], inputs[0]]));
    }

    #[test]
    fn the_fingerprint_hashes_the_canonical_json_that_its_type_states() {
        let node = Node::new("n", "s", 3, &"p").unwrap();
        let input = ObjectId::of(b"1");
        let stated = serde_json::json!({
            "stage": "s", "version": 3, "parameters": node.parameters, "inputs": [input],
        });
        assert_eq!(node.fingerprint(&[input]), canonical::digest(&stated).unwrap());
    }

    #[test]
    #[should_panic(expected = "node names are unique: a")]
    fn a_name_that_is_taken_is_refused() {
        let mut graph = Graph::new();
        for name in ["a", "b", "a"] {
            graph.add(Node::new(name, "s", 1, &()).unwrap());
        }
    }

    #[test]
    fn until_keeps_a_stage_and_what_it_needs() {
        let mut graph = Graph::new();
        let a = graph.add(Node::new("a", "a", 1, &()).unwrap());
        graph.add(Node::new("b", "b", 1, &()).unwrap().input(a, 0));
        graph.add(Node::new("c", "c", 1, &()).unwrap().input(a, 0));
        let kept = graph.until("c");
        assert_eq!(
            kept.nodes().iter().map(|node| node.name.as_str()).collect::<Vec<_>>(),
            ["a", "c"]
        );
    }
}
