//! `aliquot-study items FILE`, `list`, `check FOLDER`, `try FOLDER WORD`, `run FOLDER PART PARTS`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aliquot_study::items::{self, Item};
use aliquot_study::llama::{self, Model, Session, Setting};
use aliquot_study::run::{self, Folders};
use aliquot_study::score::{self, BATCH};
use aliquot_study::template::Template;
use aliquot_study::variants::{self, Base, Variant};

const USAGE: &str = "usage: aliquot-study items FILE | list | check FOLDER | try FOLDER WORD | run FOLDER PART PARTS
items  write the items as JSON
list   name all variants
check  compare batched scores with those of choices read alone
try    measure the variants whose names hold WORD on a few items, into FOLDER/trial
run    measure the variants of one part, those without a result; FOLDER holds bases/";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["items", file] => write_items(Path::new(file)),
        ["list"] => {
            variants::all().iter().for_each(|variant| println!("{}", variant.name()));
            Ok(())
        }
        ["check", folder] => check(Path::new(folder)),
        ["try", folder, word] => try_some(Path::new(folder), word),
        ["run", folder, part, parts] => run_part(Path::new(folder), part, parts),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn write_items(file: &Path) -> Result<(), String> {
    let text = serde_json::to_string(&items::generate(items::SEED)?).map_err(|e| e.to_string())?;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Every 60th item, with weights of 16-bit floats if they are there: quantised arithmetic also rounds
/// activations, so batches differ there by some tenths of a nat.
fn check(folder: &Path) -> Result<(), String> {
    llama::start();
    let expanded = folder.join("scratch").join(format!("{}-f16.gguf", Base::Gemma.name()));
    let shipped = folder.join("bases").join(Base::Gemma.file().0);
    let path = if expanded.exists() { expanded } else { shipped };
    let model = Model::load(&path)?;
    let half = llama_cpp_sys_2::GGML_TYPE_F16;
    let setting = Setting { keys: half, values: half, threads: 1 };
    let mut session = Session::new(&model, setting, None)?;
    let items: Vec<Item> = items::generate(items::SEED)?.into_iter().step_by(60).collect();
    let (batched, _) = score::score(&model, &mut session, &items, (Template::Plain, BATCH))?;
    let mut worst = 0.0_f64;
    for (item, score) in items.iter().zip(&batched) {
        let alone = score::score_alone(&model, &mut session, item, Template::Plain)?;
        for (left, right) in alone.iter().zip(&score.log_likelihoods) {
            worst = worst.max((left - right).abs());
        }
    }
    println!("{}: {} items, largest difference {worst:.4} nats", path.display(), items.len());
    Ok(())
}

fn folders(folder: &Path, results: &str) -> Folders {
    let at = |name: &str| -> PathBuf { folder.join(name) };
    Folders { bases: at("bases"), results: at(results), scratch: at("scratch") }
}

fn try_some(folder: &Path, word: &str) -> Result<(), String> {
    llama::start();
    let mut some = variants::all();
    some.retain(|variant| variant.name().contains(word));
    let items: Vec<Item> = items::generate(items::SEED)?.into_iter().step_by(101).collect();
    run::run(&folders(folder, "trial"), &items, &some)
}

fn run_part(folder: &Path, part: &str, parts: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| USAGE.to_owned());
    let (part, parts) = (number(part)?, number(parts)?);
    if part >= parts {
        return Err(format!("part {part} of {parts}: parts count from 0"));
    }
    llama::start();
    let mine: Vec<Variant> = variants::all().into_iter().skip(part).step_by(parts).collect();
    run::run(&folders(folder, "results"), &items::generate(items::SEED)?, &mine)
}
