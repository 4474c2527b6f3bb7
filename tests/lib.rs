//! Nothing: the tests of this member are the integration tests in `main.rs`.
