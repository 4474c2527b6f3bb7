use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use aliquot_store::ObjectId;

use crate::{Fingerprint, Graph, Node, NodeRecord, Outcome};

/// What the caller is told while a graph runs.
#[derive(Debug)]
pub enum Event<'a, T> {
    /// A node starts to run.
    Started(&'a Node<T>),
    /// A node ended well.
    Finished(&'a Node<T>, &'a NodeRecord),
}

/// A node failed; what ended well before it is kept.
#[derive(Debug)]
pub struct Failed<E> {
    /// Name of the node.
    pub node: String,
    /// Its error.
    pub error: E,
    /// Records of the nodes that ended well, in the order of the graph.
    pub records: Vec<NodeRecord>,
}

/// Runs every node whose outputs `lookup` does not know, on `jobs` threads.
///
/// Nodes start as soon as their inputs are there, in the order of the graph. After a failure no new
/// node starts; those under way are waited for. Of several failures the first node in the order of
/// the graph is reported. Records come in the order of the graph.
pub fn execute<T: Sync, E: Send>(
    graph: &Graph<T>,
    jobs: usize,
    lookup: impl Fn(&Node<T>, Fingerprint) -> Option<Vec<ObjectId>> + Sync,
    run: impl Fn(&Node<T>, &[ObjectId]) -> Result<Vec<ObjectId>, E> + Sync,
    observe: impl Fn(Event<'_, T>) + Sync,
) -> Result<Vec<NodeRecord>, Failed<E>> {
    let board = Board { state: Mutex::new(State::new(graph)), changed: Condvar::new() };
    let work = || {
        while let Some((index, inputs)) = board.claim(graph) {
            let node = &graph.nodes()[index];
            let start = Instant::now();
            let fingerprint = node.fingerprint(&inputs);
            let result = match lookup(node, fingerprint) {
                Some(outputs) => Ok((outputs, Outcome::Reused)),
                None => {
                    observe(Event::Started(node));
                    run(node, &inputs).map(|outputs| (outputs, Outcome::Ran))
                }
            };
            let result = result.map(|(outputs, outcome)| NodeRecord {
                name: node.name.clone(),
                stage: node.stage.to_owned(),
                version: node.version,
                parameters: node.parameters,
                inputs,
                fingerprint,
                outputs,
                outcome,
                milliseconds: start.elapsed().as_millis() as u64,
            });
            if let Ok(record) = &result {
                observe(Event::Finished(node, record));
            }
            board.settle(index, result);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });

    let State { records, failure, .. } =
        board.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let records = records.into_iter().flatten().collect();
    match failure {
        None => Ok(records),
        Some((index, error)) => {
            Err(Failed { node: graph.nodes()[index].name.clone(), error, records })
        }
    }
}

struct State<E> {
    records: Vec<Option<NodeRecord>>,
    /// Nodes whose inputs are there and that nobody runs yet.
    ready: BTreeSet<usize>,
    /// Nodes that are not done, whether running, ready or waiting.
    left: usize,
    /// Number of inputs that each node waits for.
    waits_for: Vec<usize>,
    /// Readers of each node, one entry an input.
    readers: Vec<Vec<usize>>,
    failure: Option<(usize, E)>,
}

struct Board<E> {
    state: Mutex<State<E>>,
    changed: Condvar,
}

impl<E> Board<E> {
    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first unclaimed node whose inputs are there; waits for one, None when there will be none.
    fn claim<T>(&self, graph: &Graph<T>) -> Option<(usize, Vec<ObjectId>)> {
        let mut state = self.lock();
        loop {
            if state.failure.is_some() || state.left == 0 {
                return None;
            }
            if let Some(index) = state.ready.pop_first() {
                let inputs = state.inputs_of(&graph.nodes()[index]);
                return Some((index, inputs));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn settle(&self, index: usize, result: Result<NodeRecord, E>) {
        let mut state = self.lock();
        match result {
            Ok(record) => state.settle(index, record),
            Err(error) if state.failure.as_ref().is_none_or(|(first, _)| index < *first) => {
                state.failure = Some((index, error));
            }
            Err(_) => {}
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl<E> State<E> {
    fn new<T>(graph: &Graph<T>) -> Self {
        let nodes = graph.nodes();
        let mut readers = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| readers[input.node.0].push(index));
        }
        let waits_for: Vec<usize> = nodes.iter().map(|node| node.inputs.len()).collect();
        Self {
            records: nodes.iter().map(|_| None).collect(),
            ready: (0..nodes.len()).filter(|&index| waits_for[index] == 0).collect(),
            left: nodes.len(),
            waits_for,
            readers,
            failure: None,
        }
    }

    /// Keeps what a node gave; its readers wait for one thing less.
    fn settle(&mut self, index: usize, record: NodeRecord) {
        self.records[index] = Some(record);
        self.left -= 1;
        for reader in std::mem::take(&mut self.readers[index]) {
            self.waits_for[reader] -= 1;
            if self.waits_for[reader] == 0 {
                self.ready.insert(reader);
            }
        }
    }

    /// Ids of the inputs of a node that is ready.
    fn inputs_of<T>(&self, node: &Node<T>) -> Vec<ObjectId> {
        let output = |input: &crate::Input| {
            let record = self.records[input.node.0].as_ref();
            record.map(|record| record.outputs[input.output])
        };
        node.inputs.iter().filter_map(output).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// fetch/0..4 -> merge -> report; a task holds the bytes that the node gives.
    fn graph(fetched: [&'static str; 4], merged: &'static str) -> Graph<&'static str> {
        let mut graph = Graph::new();
        let mut merge = Node::new("merge", "merge", 1, &()).unwrap();
        for (index, bytes) in fetched.into_iter().enumerate() {
            let node = Node::new(format!("fetch/{index}"), "fetch", 1, &bytes).unwrap().task(bytes);
            merge = merge.input(graph.add(node), 0);
        }
        let merge = graph.add(merge.task(merged));
        graph.add(Node::new("report", "report", 1, &()).unwrap().input(merge, 0).task("report"));
        graph
    }

    fn run_all(
        graph: &Graph<&'static str>,
        cache: &Mutex<BTreeMap<Fingerprint, Vec<ObjectId>>>,
    ) -> Vec<NodeRecord> {
        let lookup = |_: &Node<_>, fingerprint| cache.lock().unwrap().get(&fingerprint).cloned();
        let run = |node: &Node<&'static str>, inputs: &[ObjectId]| {
            let outputs = vec![ObjectId::of(node.task.as_bytes())];
            cache.lock().unwrap().insert(node.fingerprint(inputs), outputs.clone());
            Ok::<_, ()>(outputs)
        };
        execute(graph, 3, lookup, run, |_| {}).unwrap()
    }

    fn ran(records: &[NodeRecord]) -> Vec<&str> {
        records
            .iter()
            .filter(|record| record.outcome == Outcome::Ran)
            .map(|record| record.name.as_str())
            .collect()
    }

    #[test]
    fn one_changed_file_reruns_that_file_and_what_it_changes() {
        let cache = Mutex::new(BTreeMap::new());
        let first = run_all(&graph(["a", "b", "c", "d"], "all"), &cache);
        assert_eq!(ran(&first).len(), 6);
        assert_eq!(ran(&run_all(&graph(["a", "b", "c", "d"], "all"), &cache)), Vec::<&str>::new());
        // The merge runs, gives the same bytes, and the report is not run again: early cut-off.
        assert_eq!(
            ran(&run_all(&graph(["a", "B", "c", "d"], "all"), &cache)),
            ["fetch/1", "merge"]
        );
        assert_eq!(
            ran(&run_all(&graph(["a", "X", "c", "d"], "ALL"), &cache)),
            ["fetch/1", "merge", "report"]
        );
    }

    #[test]
    fn nodes_start_in_the_order_of_the_graph_as_soon_as_their_inputs_are_there() {
        let mut graph = Graph::new();
        let node = |name| Node::new(name, "s", 1, &()).unwrap().task(name);
        let late = graph.add(node("late"));
        graph.add(node("reader").input(late, 0).input(late, 0));
        graph.add(node("alone"));
        let order = Mutex::new(Vec::new());
        let run = |node: &Node<&'static str>, inputs: &[ObjectId]| {
            order.lock().unwrap().push((node.task, inputs.len()));
            Ok::<_, ()>(vec![ObjectId::of(node.task.as_bytes())])
        };
        let records = execute(&graph, 1, |_, _| None, run, |_| {}).unwrap();
        assert_eq!(*order.lock().unwrap(), [("late", 0), ("reader", 2), ("alone", 0)]);
        assert_eq!(records.len(), 3);
    }

    #[test]
    fn a_failure_keeps_what_ended_well_and_starts_nothing_after_it() {
        let graph = graph(["a", "b", "c", "d"], "all");
        let run = |node: &Node<&'static str>, _: &[ObjectId]| {
            if node.task == "b" {
                Err("no b")
            } else {
                Ok(vec![ObjectId::of(node.task.as_bytes())])
            }
        };
        let failed = execute(&graph, 1, |_, _| None, run, |_| {}).unwrap_err();
        assert_eq!((failed.node.as_str(), failed.error), ("fetch/1", "no b"));
        assert_eq!(ran(&failed.records), ["fetch/0"]);
    }
}
