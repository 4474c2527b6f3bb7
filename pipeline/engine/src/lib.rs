//! Graph engine of Aliquot: fingerprint, plan, execute, record
