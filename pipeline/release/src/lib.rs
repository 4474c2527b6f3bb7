//! Releases of Aliquot: manifest, log, publish, resolve, verify
