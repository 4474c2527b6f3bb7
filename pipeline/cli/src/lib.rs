//! The aliquot binary: arguments, recipe, graph, stages, commands
