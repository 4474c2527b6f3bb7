//! How items lie by their texts: clusters, how good and how stable they are, and a map.

use aliquot_report::{MapPoint, items_map};
use aliquot_stats::{
    StatsError,
    cluster::{Clusterer, Description, Points, describe, project},
    interval::StreamKey,
    select::CombinedSpace,
    sources::Sources,
};
use aliquot_store::{ObjectId, Store};
use aliquot_tables::{
    clustering::{self, Clustering},
    clusters::{self, Placed},
    subsets::{self, Member},
};
use serde::Serialize;

use super::{stats, table};
use crate::{
    error::Error,
    problem::{Tables, TargetItems, Vectors},
    recipe::TargetSpec,
};

/// What is described.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// The recipe's seed.
    pub seed: u64,
    /// The targets.
    pub targets: Vec<TargetSpec>,
    /// Numbers of clusters; those above half of a target's items are left out.
    pub counts: Vec<usize>,
}

/// Inputs: scores, items, roster, embeddings, subsets. Outputs: clusters, clustering, a map of the items
/// as SVG.
pub fn run(params: &Params, inputs: &[ObjectId], store: &Store) -> Result<Vec<ObjectId>, Error> {
    let (tables, rest) = Tables::read_with(store, inputs, true)?;
    let members = subsets::decode(&store.get(rest[0])?).map_err(table("subsets"))?;

    let (mut placed, mut clusterings, mut maps) = (Vec::new(), Vec::new(), Vec::new());
    for spec in &params.targets {
        let described = Described::new(params, spec, &tables)?;
        let map = described.place(&members)?;
        placed.extend(map.placed);
        maps.push((spec.name.clone(), map.points, map.explained));
        clusterings.extend(described.clusterings);
    }

    Ok(vec![
        store.put(&clusters::encode(&placed).map_err(table("clusters"))?)?,
        store.put(&clustering::encode(&clusterings).map_err(table("clustering"))?)?,
        store.put(items_map(&maps).as_bytes())?,
    ])
}

const TEXT: &str = "text";
const COMBINED: &str = "answers+text";
const K_MEANS: &str = "k-means";
const K_MEDOIDS: &str = "k-medoids";

/// One target.
struct Described<'a> {
    name: &'a str,
    items: TargetItems,
    clusterings: Vec<Clustering>,
    /// The clustering of the texts that is shown; one cluster of all where none was described.
    shown: Option<Description>,
}

/// Where the items of a target are.
struct Map {
    placed: Vec<Placed>,
    points: Vec<MapPoint>,
    explained: [f64; 2],
}

impl<'a> Described<'a> {
    fn new(params: &Params, spec: &'a TargetSpec, tables: &Tables) -> Result<Self, Error> {
        let context = || format!("describe the texts of target `{}`", spec.name);
        let items = tables.items(spec)?;
        let count = items.uids.len();
        let counts: Vec<usize> =
            params.counts.iter().copied().filter(|clusters| *clusters <= count / 2).collect();
        let key = StreamKey { seed: params.seed, label: &spec.name };
        let points = required(items.points()?)?;
        let weights = items.target.weights();
        let text = describe(Clusterer::KMeans, &points, weights, &counts, key)
            .map_err(stats(context()))?;
        let medoids = describe(Clusterer::KMedoids, &points, weights, &counts, key)
            .map_err(stats(context()))?;
        let mut found = vec![(TEXT, K_MEDOIDS, medoids)];
        if tables.have_results() {
            let combined = combined(tables, spec, &counts, key)?;
            found.push((COMBINED, K_MEANS, combined));
        }
        // The tightest for their number: silhouettes, not the inertia, which only falls.
        let shown = text.iter().max_by(|a, b| a.silhouette.total_cmp(&b.silhouette)).cloned();
        found.push((TEXT, K_MEANS, text));
        let rows = found.iter().flat_map(|(space, method, descriptions)| {
            let shown = shown.as_ref().filter(|_| (*space, *method) == (TEXT, K_MEANS));
            let shown = shown.map(|shown| shown.k);
            descriptions.iter().map(move |description| Clustering {
                target: spec.name.clone(),
                space: (*space).to_owned(),
                method: (*method).to_owned(),
                shown: shown == Some(description.k),
                ..row(description, count)
            })
        });
        Ok(Self { name: &spec.name, clusterings: rows.collect(), items, shown })
    }

    fn place(&self, members: &[Member]) -> Result<Map, Error> {
        let points = required(self.items.points()?)?;
        let projection = project(&points).map_err(stats(format!("project `{}`", self.name)))?;
        let subset = |uid: &str| {
            let own = |member: &&Member| member.target == self.name && member.item_uid == uid;
            members.iter().find(own).map(|member| member.subset.clone())
        };
        let uids = self.items.uids.iter();
        let mut map =
            Map { placed: Vec::new(), points: Vec::new(), explained: projection.explained };
        for ((item, uid), &[x, y]) in uids.enumerate().zip(&projection.coordinates) {
            let shown = self.shown.as_ref();
            let cluster = shown.map_or(0, |shown| shown.assignment[item]);
            let medoid = shown.is_some_and(|shown| shown.medoids.contains(&item));
            map.points.push(MapPoint { x, y, cluster, subset: subset(uid) });
            map.placed.push(Placed {
                target: self.name.to_owned(),
                item_uid: uid.clone(),
                benchmark: self.items.benchmarks[item].clone(),
                cluster,
                medoid,
                x,
                y,
            });
        }
        Ok(map)
    }
}

fn required(points: Option<Points<'_>>) -> Result<Points<'_>, Error> {
    points.ok_or_else(|| Error::Internal("a cluster stage without embeddings".to_owned()))
}

fn combined(
    tables: &Tables,
    spec: &TargetSpec,
    counts: &[usize],
    key: StreamKey<'_>,
) -> Result<Vec<Description>, Error> {
    let matrix = tables.target(spec)?;
    let pool: Vec<usize> = (0..matrix.named.items.len()).collect();
    let described = || -> Result<_, StatsError> {
        let sources = Sources::new(&matrix.named.scores, &matrix.target, &pool, key)?;
        let vectors = matrix.vectors.as_ref().map(Vectors::points).transpose()?;
        let space = CombinedSpace::new(&sources.with_points(vectors)?, CombinedSpace::TEXT)?;
        let label = format!("{}/{COMBINED}", key.label);
        let key = StreamKey { label: &label, ..key };
        describe(Clusterer::KMeans, &space.points()?, matrix.target.weights(), counts, key)
    };
    described().map_err(stats(format!("describe answers and texts of target `{}`", spec.name)))
}

fn row(description: &Description, items: usize) -> Clustering {
    let sizes = description.sizes.iter().copied();
    let (largest, smallest) = (sizes.clone().max(), sizes.min());
    Clustering {
        clusters: description.k as u32,
        items: items as u32,
        sizes: [smallest, largest].map(|size| size.unwrap_or(0) as u32),
        explained: description.explained,
        silhouette: description.silhouette,
        stability: description.stability,
        ..Clustering::default()
    }
}
