//! Sessions of ONNX Runtime: opening them on a device, and checking what the model takes and gives.

use ort::{
    ep::{ArenaExtendStrategy, CUDA, ExecutionProvider},
    session::{Session, builder::GraphOptimizationLevel},
    value::{TensorElementType, ValueType},
};

use crate::{Device, EmbedError, ModelManifest, Provider, Runtime};

/// Inputs that a text encoder may have, in the order in which they are handed over; the last is
/// optional.
pub(crate) const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];

/// Bytes of weights that sessions of their own may hold on the CPU: above, fewer sessions share the
/// threads.
const WEIGHTS_IN_MEMORY: usize = 512 << 20;

/// The sessions of a model, and where they run.
pub(crate) struct Sessions {
    pub provider: Provider,
    pub sessions: Vec<Session>,
}

/// Opens sessions on the device. On the CPU one a thread, each with one thread: the matrices of a
/// small encoder are too small to be shared out within a layer.
pub(crate) fn open(
    manifest: &ModelManifest,
    weights: &[u8],
    runtime: &Runtime,
    device: Device,
    threads: usize,
) -> Result<Sessions, EmbedError> {
    let loader = Loader { manifest, weights, runtime };
    match device {
        Device::Cpu => loader.on_cpu(threads),
        Device::Cuda(number) => loader
            .on_cuda(number, threads)
            .map_err(|message| EmbedError::Device { device, message }),
        Device::Auto => loader.on_cuda(0, threads).or_else(|_| loader.on_cpu(threads)),
    }
}

struct Loader<'a> {
    manifest: &'a ModelManifest,
    weights: &'a [u8],
    runtime: &'a Runtime,
}

impl Loader<'_> {
    fn on_cpu(&self, threads: usize) -> Result<Sessions, EmbedError> {
        let threads = threads.max(1);
        let workers = (WEIGHTS_IN_MEMORY / self.weights.len().max(1)).clamp(1, threads);
        let sessions = (0..workers)
            .map(|worker| {
                let share = threads / workers + usize::from(worker < threads % workers);
                self.session(share, None)
            })
            .collect::<Result<_, _>>()
            .map_err(|error| EmbedError::Inference {
                model: self.manifest.name.clone(),
                message: error.message().to_owned(),
            })?;
        Ok(Sessions { provider: Provider::Cpu, sessions })
    }

    fn on_cuda(&self, number: u32, threads: usize) -> Result<Sessions, String> {
        if !CUDA::is_available().is_ok_and(|offered| offered) {
            return Err("the library is not built for CUDA".to_owned());
        }
        let number = i32::try_from(number).map_err(|_| format!("there is no device {number}"))?;
        let session =
            self.session(threads, Some(number)).map_err(|error| error.message().to_owned())?;
        Ok(Sessions { provider: Provider::Cuda, sessions: vec![session] })
    }

    fn session(&self, threads: usize, cuda: Option<i32>) -> ort::Result<Session> {
        let mut builder = Session::builder(&self.runtime.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_deterministic_compute(true)?
            .with_intra_threads(threads.max(1))?
            .with_inter_threads(1)?
            // Every batch has another shape; a plan for each would only hold memory.
            .with_memory_pattern(false)?;
        if let Some(number) = cuda {
            // Products in TF32 keep ten bits: too few for vectors that are compared with the CPU's.
            let provider = CUDA::default()
                .with_device_id(number)
                .with_tf32(false)
                .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
                .build()
                .error_on_failure();
            builder = builder.with_execution_providers([provider])?;
        }
        builder.commit_from_memory(self.weights)
    }
}

/// Checks names and shapes; returns how many of [`INPUTS`] the model takes.
pub(crate) fn check(manifest: &ModelManifest, session: &Session) -> Result<usize, EmbedError> {
    let refused = |message: String| EmbedError::Shape { model: manifest.name.clone(), message };
    let inputs: Vec<&str> = session.inputs().iter().map(ort::value::Outlet::name).collect();
    let taken = INPUTS.iter().filter(|name| inputs.contains(name)).count();
    if inputs.len() != taken || !INPUTS[..2].iter().all(|name| inputs.contains(name)) {
        return Err(refused(format!(
            "the model takes the inputs {}; expected {} and {}, with or without {}",
            inputs.join(", "),
            INPUTS[0],
            INPUTS[1],
            INPUTS[2],
        )));
    }
    let found = session.outputs().iter().find(|output| output.name() == manifest.output);
    let Some(output) = found else {
        let there: Vec<&str> = session.outputs().iter().map(ort::value::Outlet::name).collect();
        return Err(refused(format!(
            "there is no output `{}`; there are {}",
            manifest.output,
            there.join(", ")
        )));
    };
    match output.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. }
            if shape.len() == 3 && (shape[2] == manifest.dimension as i64 || shape[2] == -1) =>
        {
            Ok(taken)
        }
        other => Err(refused(format!(
            "output `{}` is {other}; expected f32 values, [texts, tokens, {}]",
            manifest.output, manifest.dimension
        ))),
    }
}
