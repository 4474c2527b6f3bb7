use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use aliquot_engine::{Action, Graph, Planned};
use serde_json::json;

use super::{LockedRecipe, print, print_json};
use crate::{args::Global, error::Error, graph::Task};

/// Arguments of `dag`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The recipe, a TOML file.
    recipe: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Every node instead of one line for the many nodes of a stage.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Mermaid,
}

pub fn run(global: &Global, arguments: &Arguments) -> Result<(), Error> {
    let graph = LockedRecipe::read(&arguments.recipe)?.graph()?;
    let drawing = Drawing::of(&graph, arguments.all || global.json);
    if global.json {
        print_json(&drawing.json());
        return Ok(());
    }
    print(&match arguments.format {
        Format::Text => drawing.text(),
        Format::Mermaid => drawing.mermaid(),
    });
    Ok(())
}

/// Boxes and the boxes that each reads from.
struct Drawing {
    boxes: Vec<(String, BTreeSet<usize>)>,
}

impl Drawing {
    fn of(graph: &Graph<Task>, all: bool) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in graph.nodes() {
            *counts.entry(node.stage).or_default() += 1;
        }
        let mut boxes: Vec<(String, BTreeSet<usize>)> = Vec::new();
        let mut box_of = Vec::new();
        let mut box_of_stage: BTreeMap<&str, usize> = BTreeMap::new();
        for node in graph.nodes() {
            let at = match box_of_stage.get(node.stage) {
                Some(&at) if !all => at,
                _ => {
                    let count = counts[node.stage];
                    let many = if count > 1 { format!(" x{count}") } else { String::new() };
                    boxes.push((
                        if all { node.name.clone() } else { format!("{}{many}", node.stage) },
                        BTreeSet::new(),
                    ));
                    box_of_stage.insert(node.stage, boxes.len() - 1);
                    boxes.len() - 1
                }
            };
            let reads: Vec<usize> =
                node.inputs.iter().map(|input| box_of[input.node.index()]).collect();
            boxes[at].1.extend(reads.into_iter().filter(|read| *read != at));
            box_of.push(at);
        }
        // Packaging reads everything; the drawing keeps the edges that say something.
        let last = boxes.len().saturating_sub(2);
        let used: BTreeSet<usize> =
            boxes.iter().take(last).flat_map(|(_, reads)| reads.iter().copied()).collect();
        if let Some((name, reads)) = boxes.get_mut(last)
            && name == crate::graph::PACKAGE
        {
            reads.retain(|read| !used.contains(read));
        }
        Self { boxes }
    }

    fn text(&self) -> String {
        let line = |(name, reads): &(String, BTreeSet<usize>)| {
            let from: Vec<&str> = reads.iter().map(|read| self.boxes[*read].0.as_str()).collect();
            if from.is_empty() {
                format!("{name}\n")
            } else {
                format!("{name} <- {}\n", from.join(", "))
            }
        };
        self.boxes.iter().map(line).collect()
    }

    fn json(&self) -> serde_json::Value {
        let node = |(name, reads): &(String, BTreeSet<usize>)| {
            let reads: Vec<&str> = reads.iter().map(|read| self.boxes[*read].0.as_str()).collect();
            json!({"node": name, "reads": reads})
        };
        self.boxes.iter().map(node).collect()
    }

    fn mermaid(&self) -> String {
        let mut out = "flowchart LR\n".to_owned();
        for (at, (name, _)) in self.boxes.iter().enumerate() {
            out.push_str(&format!("    n{at}[\"{}\"]\n", name.replace('"', "'")));
        }
        for (at, (_, reads)) in self.boxes.iter().enumerate() {
            for read in reads {
                out.push_str(&format!("    n{read} --> n{at}\n"));
            }
        }
        out
    }
}

/// Prints what a run would do, the nodes of a stage that share a fate on one line.
pub(super) fn print_plan(
    global: &Global,
    graph: &Graph<Task>,
    planned: &[Planned],
) -> Result<(), Error> {
    if global.json {
        let rows: Vec<_> = graph
            .nodes()
            .iter()
            .zip(planned)
            .map(|(node, plan)| plan_json(&node.name, plan))
            .collect();
        print_json(&json!(rows));
        return Ok(());
    }
    let mut groups: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for (node, plan) in graph.nodes().iter().zip(planned) {
        let fate = match &plan.action {
            Action::Reuse { .. } => "reuse".to_owned(),
            Action::Run { reason } => format!("run      {reason}"),
            Action::Pending { waits_for } => {
                let shown = waits_for.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                let more = if waits_for.len() > 3 {
                    format!(" and {} more", waits_for.len() - 3)
                } else {
                    String::new()
                };
                format!("pending  waits for {shown}{more}")
            }
        };
        match groups.iter_mut().find(|(stage, other, _)| *stage == node.stage && *other == fate) {
            Some((_, _, names)) => names.push(&node.name),
            None => groups.push((node.stage, fate, vec![&node.name])),
        }
    }
    for (stage, fate, names) in groups {
        let name = if names.len() == 1 {
            names[0].to_owned()
        } else {
            format!("{stage} x{}", names.len())
        };
        print(&format!("{name:<28} {fate}\n"));
    }
    Ok(())
}

fn plan_json(name: &str, plan: &Planned) -> serde_json::Value {
    let fingerprint = plan.fingerprint;
    match &plan.action {
        Action::Reuse { outputs } => {
            json!({"node": name, "action": "reuse", "fingerprint": fingerprint, "outputs": outputs})
        }
        Action::Run { reason } => {
            json!({"node": name, "action": "run", "fingerprint": fingerprint, "reason": reason.to_string()})
        }
        Action::Pending { waits_for } => {
            json!({"node": name, "action": "pending", "waits_for": waits_for})
        }
    }
}
