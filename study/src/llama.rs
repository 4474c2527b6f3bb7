//! The part of llama.cpp's C interface that the study needs. All unsafe code stands here.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr;

use llama_cpp_sys_2 as sys;

use crate::importance::Importance;

/// A number that stands for a piece of text.
pub type Token = i32;

/// A storage type of tensors, as `ggml` numbers them.
pub type TensorType = sys::ggml_type;

/// Starts the library and keeps its chatter out of the log.
pub fn start() {
    unsafe extern "C" fn errors_only(level: i32, text: *const c_char, _: *mut c_void) {
        const ERROR: i32 = 4;
        if level == ERROR {
            // SAFETY: llama.cpp passes a string that ends in zero.
            eprint!("llama.cpp: {}", unsafe { CStr::from_ptr(text) }.to_string_lossy());
        }
    }
    // SAFETY: the callback has the declared type; both calls have no other preconditions.
    unsafe {
        type Callback = unsafe extern "C" fn(sys::ggml_log_level, *const c_char, *mut c_void);
        let callback: Callback = std::mem::transmute(
            errors_only as unsafe extern "C" fn(i32, *const c_char, *mut c_void),
        );
        sys::llama_log_set(Some(callback), ptr::null_mut());
        sys::llama_backend_init();
    }
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.to_string_lossy().as_bytes())
        .map_err(|_| format!("{}: the path holds a zero byte", path.display()))
}

/// Loaded weights and their vocabulary.
#[derive(Debug)]
pub struct Model {
    raw: *mut sys::llama_model,
}

impl Model {
    /// Maps a GGUF file.
    ///
    /// # Errors
    /// llama.cpp refuses the file; its reason is on the standard error.
    pub fn load(path: &Path) -> Result<Self, String> {
        let name = c_path(path)?;
        // SAFETY: `name` outlives the call; the result is checked.
        let raw = unsafe {
            let mut parameters = sys::llama_model_default_params();
            parameters.n_gpu_layers = 0;
            sys::llama_model_load_from_file(name.as_ptr(), parameters)
        };
        if raw.is_null() {
            return Err(format!("{}: llama.cpp cannot load it", path.display()));
        }
        Ok(Self { raw })
    }

    fn vocabulary(&self) -> *const sys::llama_vocab {
        // SAFETY: `raw` is a loaded model.
        unsafe { sys::llama_model_get_vocab(self.raw) }
    }

    /// Tokens of a text that opens a context: with the model's opening token, if it has one.
    /// Control tokens that the text spells out are recognised.
    pub fn tokens(&self, text: &str) -> Vec<Token> {
        // SAFETY: the buffer holds what the length says; a negative count asks for a larger one.
        let fill = |buffer: &mut [Token]| unsafe {
            sys::llama_tokenize(
                self.vocabulary(),
                text.as_ptr().cast(),
                text.len() as i32,
                buffer.as_mut_ptr(),
                buffer.len() as i32,
                true,
                true,
            )
        };
        let mut tokens = vec![0; text.len() + 4];
        let count = fill(&mut tokens);
        tokens.truncate(count.max(0) as usize);
        tokens
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: `raw` is loaded and freed once.
        unsafe { sys::llama_model_free(self.raw) }
    }
}

/// One token to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// What.
    pub token: Token,
    /// Where in its sequence.
    pub position: usize,
    /// In which sequence.
    pub sequence: usize,
    /// Whether the distribution of what follows is wanted.
    pub wanted: bool,
}

/// How a model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Storage type of the keys of the attention cache.
    pub keys: TensorType,
    /// Storage type of its values.
    pub values: TensorType,
    /// Threads.
    pub threads: i32,
}

/// Tokens that one call of [`Session::read`] takes, and that the cache holds.
pub const CELLS: usize = 1024;

/// Sequences that live side by side.
pub const SEQUENCES: usize = 192;

/// A model at work: its attention cache and its last distributions.
#[derive(Debug)]
pub struct Session<'a> {
    raw: *mut sys::llama_context,
    batch: sys::llama_batch,
    vocabulary_size: usize,
    // The context reads the weights of the model, and writes to the observer, as long as it lives.
    _model: &'a Model,
    _observed: Option<&'a mut Importance>,
}

impl<'a> Session<'a> {
    /// Makes the cache. With `observed`, the inputs of every matrix are summed up there.
    ///
    /// # Errors
    /// llama.cpp refuses the setting.
    pub fn new(
        model: &'a Model,
        setting: Setting,
        mut observed: Option<&'a mut Importance>,
    ) -> Result<Self, String> {
        // SAFETY: the model is loaded; the observer outlives the context by the lifetime `'a`.
        let (raw, batch, vocabulary_size) = unsafe {
            let mut parameters = sys::llama_context_default_params();
            parameters.n_ctx = CELLS as u32;
            parameters.n_batch = CELLS as u32;
            parameters.n_ubatch = CELLS as u32;
            parameters.n_seq_max = SEQUENCES as u32;
            parameters.n_threads = setting.threads;
            parameters.n_threads_batch = setting.threads;
            parameters.type_k = setting.keys;
            parameters.type_v = setting.values;
            parameters.kv_unified = true;
            parameters.swa_full = true;
            parameters.flash_attn_type = sys::LLAMA_FLASH_ATTN_TYPE_ENABLED;
            if let Some(importance) = observed.as_deref_mut() {
                parameters.cb_eval = Some(observe);
                parameters.cb_eval_user_data = ptr::from_mut(importance).cast();
            }
            let raw = sys::llama_init_from_model(model.raw, parameters);
            let batch = sys::llama_batch_init(CELLS as i32, 0, 1);
            (raw, batch, sys::llama_vocab_n_tokens(model.vocabulary()) as usize)
        };
        if raw.is_null() {
            return Err("llama.cpp cannot make a context with this setting".to_owned());
        }
        Ok(Self { raw, batch, vocabulary_size, _model: model, _observed: observed })
    }

    /// Forgets all sequences.
    pub fn clear(&mut self) {
        // SAFETY: the context is alive.
        unsafe { sys::llama_memory_clear(sys::llama_get_memory(self.raw), false) }
    }

    /// Lets sequence `to` begin as all of sequence `from`, without reading it again.
    pub fn branch(&mut self, from: usize, to: usize) {
        // SAFETY: the context is alive; -1 stands for the ends of the sequence.
        unsafe {
            let memory = sys::llama_get_memory(self.raw);
            sys::llama_memory_seq_cp(memory, from as i32, to as i32, -1, -1);
        }
    }

    /// Reads at most [`CELLS`] tokens.
    ///
    /// # Errors
    /// Too many tokens, or llama.cpp fails.
    pub fn read(&mut self, inputs: &[Input]) -> Result<(), String> {
        if inputs.len() > CELLS || inputs.iter().any(|input| input.sequence >= SEQUENCES) {
            return Err(format!("{} tokens are more than {CELLS} fit", inputs.len()));
        }
        for (row, input) in inputs.iter().enumerate() {
            // SAFETY: the batch was made for CELLS rows of one sequence each.
            unsafe {
                *self.batch.token.add(row) = input.token;
                *self.batch.pos.add(row) = input.position as i32;
                *self.batch.n_seq_id.add(row) = 1;
                **self.batch.seq_id.add(row) = input.sequence as i32;
                *self.batch.logits.add(row) = i8::from(input.wanted);
            }
        }
        self.batch.n_tokens = inputs.len() as i32;
        // SAFETY: the batch is filled up to its count.
        match unsafe { sys::llama_decode(self.raw, self.batch) } {
            0 => Ok(()),
            code => Err(format!("llama.cpp cannot read {} tokens: code {code}", inputs.len())),
        }
    }

    /// Logits of what follows input `row` of the last [`read`](Self::read), one a token of the
    /// vocabulary.
    ///
    /// # Errors
    /// The row was not wanted.
    pub fn logits(&self, row: usize) -> Result<&[f32], String> {
        // SAFETY: the pointer is checked, and valid until the next call that borrows mutably.
        unsafe {
            let logits = sys::llama_get_logits_ith(self.raw, row as i32);
            if logits.is_null() {
                return Err(format!("row {row} has no logits"));
            }
            Ok(std::slice::from_raw_parts(logits, self.vocabulary_size))
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: both were made by this type and are freed once.
        unsafe {
            sys::llama_batch_free(self.batch);
            sys::llama_free(self.raw);
        }
    }
}

/// Adds the inputs of a matrix product to the importance of the matrix.
unsafe extern "C" fn observe(tensor: *mut sys::ggml_tensor, ask: bool, data: *mut c_void) -> bool {
    // SAFETY: ggml passes a live tensor; its operands are checked before they are read.
    unsafe {
        let node = &*tensor;
        if node.op != sys::GGML_OP_MUL_MAT || node.src[0].is_null() || node.src[1].is_null() {
            return !ask;
        }
        let (matrix, inputs) = (&*node.src[0], &*node.src[1]);
        let name = CStr::from_ptr(matrix.name.as_ptr()).to_string_lossy();
        let contiguous = inputs.nb[1] == inputs.ne[0] as usize * size_of::<f32>();
        let weights = name.starts_with("blk.") && name.ends_with(".weight");
        if !weights || inputs.type_ != sys::GGML_TYPE_F32 || !contiguous {
            return !ask;
        }
        if !ask {
            let (columns, rows) = (inputs.ne[0] as usize, inputs.ne[1] as usize);
            let values = std::slice::from_raw_parts(inputs.data.cast::<f32>(), columns * rows);
            (*data.cast::<Importance>()).add(&name, columns, values);
        }
        true
    }
}

/// What to make of the tensors of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantization {
    /// The mix of types, as llama.cpp numbers them (`LLAMA_FTYPE_*`).
    pub mix: u32,
    /// One type for all matrices, where their shapes allow it.
    pub pure: bool,
    /// Type of the token embeddings (here also the output matrix), where it is not the mix's.
    pub embeddings: Option<TensorType>,
    /// Regular expressions over names of tensors, and their types.
    pub overrides: Vec<(&'static str, TensorType)>,
}

/// Writes a quantised copy of a GGUF file.
///
/// # Errors
/// llama.cpp fails; its reason is on the standard error.
pub fn quantize(
    from: &Path,
    to: &Path,
    quantization: &Quantization,
    importance: Option<&Importance>,
) -> Result<(), String> {
    let (from_name, to_name) = (c_path(from)?, c_path(to)?);
    let c_string = |text: &str| CString::new(text).map_err(|error| error.to_string());
    let patterns: Vec<(CString, TensorType)> = quantization
        .overrides
        .iter()
        .map(|(pattern, kind)| Ok((c_string(pattern)?, *kind)))
        .collect::<Result<_, String>>()?;
    let mut overrides: Vec<sys::llama_model_tensor_override> = patterns
        .iter()
        .map(|(pattern, kind)| sys::llama_model_tensor_override {
            pattern: pattern.as_ptr(),
            type_: *kind,
        })
        .collect();
    overrides.push(sys::llama_model_tensor_override { pattern: ptr::null(), type_: 0 });
    let means = importance.map(Importance::means).unwrap_or_default();
    let named: Vec<(CString, &[f32])> = means
        .iter()
        .map(|(name, values)| Ok((c_string(name)?, values.as_slice())))
        .collect::<Result<_, String>>()?;
    let mut weights: Vec<sys::llama_model_imatrix_data> = named
        .iter()
        .map(|(name, values)| sys::llama_model_imatrix_data {
            name: name.as_ptr(),
            data: values.as_ptr(),
            size: values.len(),
        })
        .collect();
    weights.push(sys::llama_model_imatrix_data { name: ptr::null(), data: ptr::null(), size: 0 });
    // SAFETY: both lists end in an entry of null; they and all strings outlive the call.
    let code = unsafe {
        let mut parameters = sys::llama_model_quantize_default_params();
        parameters.nthread = 2;
        parameters.ftype = quantization.mix;
        parameters.pure_ = quantization.pure;
        parameters.allow_requantize = true;
        if let Some(kind) = quantization.embeddings {
            parameters.token_embedding_type = kind;
        }
        if !quantization.overrides.is_empty() {
            parameters.tt_overrides = overrides.as_ptr();
        }
        if importance.is_some() {
            parameters.imatrix = weights.as_ptr();
        }
        sys::llama_model_quantize(from_name.as_ptr(), to_name.as_ptr(), &raw const parameters)
    };
    if code == 0 {
        return Ok(());
    }
    Err(format!("{}: llama.cpp cannot quantise it (code {code})", from.display()))
}

/// Bytes that a tensor of `elements` takes in a storage type.
pub fn stored_bytes(kind: TensorType, elements: u64) -> u64 {
    // SAFETY: a table look-up; types come from a file that llama.cpp has read before.
    unsafe { elements / sys::ggml_blck_size(kind) as u64 * sys::ggml_type_size(kind) as u64 }
}

/// "q4_0" of a storage type.
pub fn type_name(kind: TensorType) -> String {
    // SAFETY: a table look-up that gives a static string.
    let name = unsafe { CStr::from_ptr(sys::ggml_type_name(kind)) };
    name.to_string_lossy().to_lowercase()
}

/// "Q4_K - Medium" of a mix of types.
pub fn mix_name(mix: u32) -> String {
    // SAFETY: a table look-up that gives a static string.
    let name = unsafe { CStr::from_ptr(sys::llama_ftype_name(mix)) };
    name.to_string_lossy().into_owned()
}
