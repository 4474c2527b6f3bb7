//! Entry point of the `aliquot` program.

fn main() -> std::process::ExitCode {
    aliquot_cli::run()
}
