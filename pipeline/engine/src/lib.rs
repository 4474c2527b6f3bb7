//! The graph engine: which stages have to run, in which order, and what came of it.
//!
//! A [`Graph`] is data: nodes with a stage name, a version, parameters and inputs. [`plan`] decides,
//! without I/O of its own, what can be reused; [`execute`] runs the rest through one closure, on as
//! many threads as it is given. The key of the cache is the [`Fingerprint`] of a node: stage,
//! version, parameters and the *ids* of its inputs. So a stage that runs again and gives the same
//! bytes stops the rebuild there (early cut-off), and nothing else ever causes one.
//!
//! ```
//! use std::collections::BTreeMap;
//! use aliquot_engine::{Action, Graph, Node, execute, plan};
//! use aliquot_store::ObjectId;
//!
//! let mut graph = Graph::new();
//! let read = graph.add(Node::new("read", "read", 1, &"file.txt")?);
//! graph.add(Node::new("count", "count", 1, &())?.input(read, 0));
//!
//! let planned = plan(&graph, |_, _| None, &BTreeMap::new());
//! assert!(matches!(planned[0].action, Action::Run { .. }));
//! assert!(matches!(planned[1].action, Action::Pending { .. }));
//!
//! let run = |node: &Node<()>, _: &[ObjectId]| Ok::<_, ()>(vec![ObjectId::of(node.name.as_bytes())]);
//! let records = execute(&graph, 2, |_, _| None, run, |_| {}).unwrap();
//! assert_eq!(records.len(), 2);
//! # Ok::<(), aliquot_store::canonical::CanonicalError>(())
//! ```

mod execute;
mod graph;
mod plan;
mod record;

pub use execute::{Event, Failed, execute};
pub use graph::{Fingerprint, Graph, Input, Node, NodeId};
pub use plan::{Action, Planned, Reason, plan};
pub use record::{CacheEntry, NodeRecord, Outcome, RunRecord};
