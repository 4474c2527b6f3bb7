//! Sources of Aliquot: locks, fetching, mirrors, one adapter per result format
