//! Reports of Aliquot: text and Markdown summaries
