//! Compression of weights that llama.cpp does not do: layers, heads, neurons and single weights
//! taken out, and plain rounding. Works on a GGUF file of 16-bit floats, in place.
//!
//! What is taken out is set to zero, which computes the same function: a layer whose output
//! matrices are zero adds nothing to the residual stream. So files keep their size, and
//! [`edit`] says how many bits the weights would take stored as the method means.

use half::f16;
use serde::{Deserialize, Serialize};

use crate::gguf::{Tensor, tensors};
use crate::rng::Rng;

/// One way to change the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum Edit {
    /// Whole blocks of attention and feed-forward network are left out.
    DropLayers {
        /// Which, from 0.
        layers: Vec<usize>,
    },
    /// Query heads are left out, the same share of each layer, those of the smallest output
    /// weights or random ones.
    PruneHeads {
        /// How many in each layer.
        heads: usize,
        /// By magnitude, or at random.
        ranked: bool,
    },
    /// Feed-forward neurons are left out in the same way.
    PruneNeurons {
        /// Share of the neurons of each layer.
        share: f64,
        /// By magnitude, or at random.
        ranked: bool,
    },
    /// Single weights of the smallest magnitude are set to zero, the same share of each matrix.
    Sparsify {
        /// Share of the weights.
        share: f64,
    },
    /// Groups of weights are rounded to evenly spaced values between their extremes.
    Round {
        /// Bits a weight.
        bits: u32,
        /// Weights that share an offset and a step of 16 bits each.
        group: usize,
        /// Where.
        part: Part,
    },
}

/// Matrices of the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of them.
    Blocks,
    /// Those of attention.
    Attention,
    /// Those of the feed-forward network.
    FeedForward,
}

impl Part {
    fn holds(self, tensor: &Tensor) -> bool {
        match self {
            Self::Blocks => true,
            Self::Attention => tensor.name.contains(".attn_"),
            Self::FeedForward => tensor.name.contains(".ffn_"),
        }
    }
}

impl Edit {
    /// The change in words.
    pub fn detail(&self) -> String {
        let order = |ranked: bool| if ranked { "smallest first" } else { "at random" };
        let percent = |share: f64| (share * 100.0).round();
        match self {
            Self::DropLayers { layers } => format!("without layers {layers:?}"),
            Self::PruneHeads { heads, ranked } => {
                format!("without {heads} query heads of each layer, {}", order(*ranked))
            }
            Self::PruneNeurons { share, ranked } => {
                let percent = percent(*share);
                format!("without {percent}% of the neurons of each layer, {}", order(*ranked))
            }
            Self::Sparsify { share } => {
                format!("without the smallest {}% of each matrix", percent(*share))
            }
            Self::Round { bits, group, part } => {
                format!("{part:?} rounded to {bits} bits in groups of {group}, the rest kept")
            }
        }
    }
}

/// Bits of a stored 16-bit float.
const FULL: u64 = 16;

/// Changes the file and gives back how many bits its tensors would take stored as meant.
///
/// # Errors
/// The bytes are no GGUF file, a matrix to be changed is not of 16-bit floats, or a layer or head
/// is not there.
pub fn edit(bytes: &mut [u8], edit: &Edit, heads: usize) -> Result<u64, String> {
    let found = tensors(bytes)?;
    let kept = found.iter().map(stored_bits).sum::<u64>();
    let layers =
        found.iter().filter_map(|tensor| layer_of(&tensor.name)).max().map_or(0, |last| last + 1);
    match edit {
        Edit::DropLayers { layers: dropped } => drop_layers(bytes, &found, dropped, layers, kept),
        Edit::PruneHeads { heads: count, ranked } => {
            let share = *count as f64 / heads as f64;
            let removed = prune(bytes, &found, Units::Heads(heads), share, *ranked)?;
            Ok(kept - removed * FULL)
        }
        Edit::PruneNeurons { share, ranked } => {
            let removed = prune(bytes, &found, Units::Neurons, *share, *ranked)?;
            Ok(kept - removed * FULL)
        }
        Edit::Sparsify { share } => sparsify(bytes, &found, *share, kept),
        Edit::Round { bits, group, part } => {
            let found: Vec<Tensor> =
                found.into_iter().filter(|tensor| part.holds(tensor)).collect();
            round(bytes, &found, *bits, *group, kept)
        }
    }
}

fn stored_bits(tensor: &Tensor) -> u64 {
    8 * crate::llama::stored_bytes(tensor.kind, tensor.elements())
}

/// 3 of `blk.3.ffn_up.weight`.
fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
}

const HALF: u32 = 1;

fn values(bytes: &[u8], tensor: &Tensor) -> Result<Vec<f32>, String> {
    if tensor.kind != HALF {
        return Err(format!("{} is of type {}, not of 16-bit floats", tensor.name, tensor.kind));
    }
    let end = tensor.start + 2 * tensor.elements() as usize;
    let stored =
        bytes.get(tensor.start..end).ok_or_else(|| format!("{} is cut off", tensor.name))?;
    Ok(stored.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect())
}

fn store(bytes: &mut [u8], tensor: &Tensor, values: &[f32]) {
    let stored = &mut bytes[tensor.start..tensor.start + 2 * values.len()];
    for (pair, value) in stored.chunks_exact_mut(2).zip(values) {
        pair.copy_from_slice(&f16::from_f32(*value).to_le_bytes());
    }
}

fn drop_layers(
    bytes: &mut [u8],
    found: &[Tensor],
    dropped: &[usize],
    layers: usize,
    kept: u64,
) -> Result<u64, String> {
    if let Some(absent) = dropped.iter().find(|layer| **layer >= layers) {
        return Err(format!("there is no layer {absent}: {layers} layers"));
    }
    let mut removed = 0;
    for tensor in found {
        if layer_of(&tensor.name).is_some_and(|layer| dropped.contains(&layer)) {
            removed += stored_bits(tensor);
            if tensor.name.ends_with("attn_output.weight")
                || tensor.name.ends_with("ffn_down.weight")
            {
                store(bytes, tensor, &vec![0.0; tensor.elements() as usize]);
            }
        }
    }
    Ok(kept - removed)
}

/// What is left out of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    /// So many query heads a layer: columns of the attention's output matrix.
    Heads(usize),
    /// Neurons: columns of the feed-forward network's output matrix.
    Neurons,
}

/// Zeroes the columns of output matrices that belong to pruned units; gives back how many weights
/// are thereby useless, those that feed the units included.
fn prune(
    bytes: &mut [u8],
    found: &[Tensor],
    units: Units,
    share: f64,
    ranked: bool,
) -> Result<u64, String> {
    let suffix = if units == Units::Neurons { "ffn_down.weight" } else { "attn_output.weight" };
    let mut removed = 0;
    for tensor in found.iter().filter(|tensor| tensor.name.ends_with(suffix)) {
        let mut matrix = values(bytes, tensor)?;
        let (columns, rows) = (tensor.shape[0] as usize, tensor.shape[1] as usize);
        let count = match units {
            Units::Heads(heads) => heads,
            Units::Neurons => columns,
        };
        let width = columns / count;
        let pruned = (share * count as f64).round() as usize;
        let mut norms = vec![0.0_f64; count];
        for row in matrix.chunks_exact(columns) {
            for (column, value) in row.iter().enumerate() {
                norms[column / width] += f64::from(*value) * f64::from(*value);
            }
        }
        let mut order: Vec<usize> = (0..count).collect();
        if ranked {
            order.sort_by(|left, right| norms[*left].total_cmp(&norms[*right]));
        } else {
            Rng::new(crate::items::SEED, &tensor.name).shuffle(&mut order);
        }
        for unit in &order[..pruned] {
            for row in matrix.chunks_exact_mut(columns) {
                row[unit * width..(unit + 1) * width].fill(0.0);
            }
        }
        store(bytes, tensor, &matrix);
        // A neuron also has a row in two matrices (up and gate), a query head a row in one.
        let feeding = if units == Units::Neurons { 3 } else { 2 };
        removed += (pruned * width * rows * feeding) as u64;
    }
    Ok(removed)
}

/// Matrices of the blocks: embeddings and norms stay as they are.
fn matrices(found: &[Tensor]) -> impl Iterator<Item = &Tensor> {
    found.iter().filter(|tensor| layer_of(&tensor.name).is_some() && tensor.shape.len() == 2)
}

/// Stored as meant: a bit that says whether a weight is there, and 16 for each that is.
fn sparsify(bytes: &mut [u8], found: &[Tensor], share: f64, kept: u64) -> Result<u64, String> {
    let mut bits = kept;
    for tensor in matrices(found) {
        let mut matrix = values(bytes, tensor)?;
        let removed = (share * matrix.len() as f64).round() as usize;
        let mut order: Vec<usize> = (0..matrix.len()).collect();
        order.select_nth_unstable_by(removed.min(matrix.len() - 1), |left, right| {
            matrix[*left].abs().total_cmp(&matrix[*right].abs()).then(left.cmp(right))
        });
        for index in &order[..removed] {
            matrix[*index] = 0.0;
        }
        store(bytes, tensor, &matrix);
        bits = bits + matrix.len() as u64 - FULL * removed as u64;
    }
    Ok(bits)
}

/// SOURCE: round to nearest, asymmetric, by group: the baseline of GPTQ (Frantar et al., 2023).
fn round(
    bytes: &mut [u8],
    found: &[Tensor],
    bits: u32,
    group: usize,
    kept: u64,
) -> Result<u64, String> {
    let mut total = kept;
    for tensor in matrices(found) {
        let mut matrix = values(bytes, tensor)?;
        matrix.chunks_mut(group).for_each(|weights| round_group(weights, bits));
        store(bytes, tensor, &matrix);
        let groups = matrix.len().div_ceil(group) as u64;
        total = total - FULL * matrix.len() as u64
            + u64::from(bits) * matrix.len() as u64
            + 32 * groups;
    }
    Ok(total)
}

fn round_group(weights: &mut [f32], bits: u32) {
    let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let step = (high - low) / ((1_u32 << bits) - 1) as f32;
    if step > 0.0 {
        weights
            .iter_mut()
            .for_each(|weight| *weight = low + ((*weight - low) / step).round() * step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tensors of 16-bit floats without a header: the functions below the header's reading.
    fn sample(names: &[&str], columns: usize, rows: usize) -> (Vec<u8>, Vec<Tensor>) {
        let size = columns * rows;
        let found: Vec<Tensor> = names
            .iter()
            .enumerate()
            .map(|(index, name)| Tensor {
                name: (*name).to_owned(),
                shape: vec![columns as u64, rows as u64],
                kind: HALF,
                start: index * size * 2,
            })
            .collect();
        let mut bytes = vec![0; size * 2 * names.len()];
        for tensor in &found {
            let numbers: Vec<f32> = (0..size).map(|index| (index + 1) as f32).collect();
            store(&mut bytes, tensor, &numbers);
        }
        (bytes, found)
    }

    #[test]
    fn a_dropped_layer_adds_nothing_and_takes_no_space() {
        let names = ["blk.0.ffn_down.weight", "blk.1.ffn_down.weight", "blk.1.ffn_up.weight"];
        let (mut bytes, found) = sample(&names, 4, 2);
        let kept = 3 * 8 * FULL;
        assert_eq!(drop_layers(&mut bytes, &found, &[1], 2, kept).unwrap(), 8 * FULL);
        assert!(values(&bytes, &found[1]).unwrap().iter().all(|value| *value == 0.0));
        assert_eq!(values(&bytes, &found[0]).unwrap()[7], 8.0);
        assert!(drop_layers(&mut bytes, &found, &[2], 2, kept).is_err());
    }

    #[test]
    fn the_smallest_neurons_and_heads_go_first() {
        let (mut bytes, found) = sample(&["blk.0.ffn_down.weight"], 4, 2);
        assert_eq!(prune(&mut bytes, &found, Units::Neurons, 0.25, true).unwrap(), 2 * 3);
        assert_eq!(values(&bytes, &found[0]).unwrap(), [0.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0, 8.0]);
        let (mut bytes, found) = sample(&["blk.0.attn_output.weight"], 4, 2);
        assert_eq!(prune(&mut bytes, &found, Units::Heads(2), 0.5, true).unwrap(), 2 * 2 * 2);
        assert_eq!(values(&bytes, &found[0]).unwrap(), [0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 7.0, 8.0]);
    }

    #[test]
    fn the_smallest_weights_go_and_pay_one_bit() {
        let (mut bytes, found) = sample(&["blk.0.ffn_up.weight"], 4, 2);
        let bits = sparsify(&mut bytes, &found, 0.5, 8 * FULL).unwrap();
        assert_eq!(bits, 8 + 4 * FULL);
        assert_eq!(values(&bytes, &found[0]).unwrap(), [0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn one_bit_keeps_the_extremes_of_a_group() {
        let (mut bytes, found) = sample(&["blk.0.ffn_up.weight"], 4, 2);
        let bits = round(&mut bytes, &found, 1, 4, 8 * FULL).unwrap();
        assert_eq!(bits, 8 + 2 * 32);
        assert_eq!(values(&bytes, &found[0]).unwrap(), [1.0, 1.0, 4.0, 4.0, 5.0, 5.0, 8.0, 8.0]);
    }

    #[test]
    fn other_types_are_refused() {
        let (bytes, mut found) = sample(&["blk.0.ffn_up.weight"], 4, 2);
        found[0].kind = 8;
        assert!(values(&bytes, &found[0]).unwrap_err().contains("not of 16-bit floats"));
    }
}
