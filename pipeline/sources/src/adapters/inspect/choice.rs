//! Which score of a log is the main one.

use super::header::{Aggregate, Header, Headline};

/// Name of the score: the wanted one, the tool's own, the sole one, or an error that lists what there
/// is. `names` are those that samples have.
pub(super) fn metric<'a>(
    header: &'a Header,
    names: &'a [String],
    wanted: Option<&str>,
) -> Result<&'a str, String> {
    let listed = || {
        let all = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("its scores are: {all}; name one (metric = \"...\" of the recipe, or `--metric`)")
    };
    if let Some(wanted) = wanted {
        let named = names.iter().find(|name| *name == wanted);
        return named
            .map(String::as_str)
            .ok_or_else(|| format!("it has no `{wanted}`: {}", listed()));
    }
    let aggregates = header.results.as_ref().map_or(&[][..], |results| &results.scores);
    let declared = header.results.as_ref().and_then(|results| results.headline.as_ref());
    if let Some(headline) = declared.or(header.eval.headline_metric.as_ref())
        && let Some(main) = aggregates.iter().find(|aggregate| narrows(headline, aggregate))
        && let Some(name) = name_of(main, names)
    {
        return Ok(name);
    }
    if let [only] = names {
        return Ok(only);
    }
    // Where every sample failed, the results still name what would have been scored.
    match aggregates {
        [only] if names.is_empty() => Ok(&only.name),
        [] if names.is_empty() => Err("no sample has a score: the run was not scored".to_owned()),
        _ => Err(listed()),
    }
}

/// SOURCE: inspect_ai 0.3.285, `log/_headline.py`, `_resolve_declared`: fields that are set narrow.
fn narrows(headline: &Headline, aggregate: &Aggregate) -> bool {
    let same = |declared: &Option<String>, value: Option<&str>| {
        declared.as_deref().is_none_or(|declared| Some(declared) == value)
    };
    same(&headline.reducer, aggregate.reducer.as_deref())
        && same(&headline.scorer, Some(&aggregate.scorer))
        && same(&headline.score, Some(&aggregate.name))
}

/// The samples' name of a score: results name the values of a scorer with several by their keys alone.
fn name_of<'a>(aggregate: &Aggregate, names: &'a [String]) -> Option<&'a str> {
    let named = |wanted: &str| names.iter().find(|name| *name == wanted).map(String::as_str);
    named(&format!("{}/{}", aggregate.scorer, aggregate.name)).or_else(|| named(&aggregate.name))
}

/// The tool's mean of a score over all samples, epochs reduced by their mean.
pub(super) fn mean(header: &Header, metric: &str) -> Option<f64> {
    let aggregates = header.results.as_ref()?.scores.iter();
    let plain = |aggregate: &&Aggregate| {
        aggregate.reducer.as_deref().is_none_or(|reducer| reducer == "mean")
            && (aggregate.name == metric
                || metric.strip_prefix(&aggregate.scorer)
                    == Some(format!("/{}", aggregate.name).as_str()))
    };
    let metrics = &aggregates.clone().find(plain)?.metrics;
    let mean = metrics.get("accuracy").or_else(|| metrics.get("mean"))?;
    mean.value.filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(results: &str) -> Header {
        let text = format!(r#"{{"eval":{{"task":"t","model":"m"}},"results":{results}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    const TWO: &str = r#"{"scores":[{"name":"a","scorer":"a","metrics":{}},
        {"name":"key","scorer":"b","metrics":{"mean":{"value":0.5}}}],
        "headline":{"scorer":"b","score":"key","metric":"mean"}}"#;

    #[test]
    fn the_headline_is_found_among_named_values() {
        let names = ["a".to_owned(), "b/key".to_owned(), "b/other".to_owned()];
        assert_eq!(metric(&header(TWO), &names, None), Ok("b/key"));
        assert_eq!(metric(&header(TWO), &names, Some("a")), Ok("a"));
        assert_eq!(mean(&header(TWO), "b/key"), Some(0.5));
        assert_eq!(mean(&header(TWO), "a"), None);
    }

    #[test]
    fn several_scores_without_a_headline_are_listed() {
        let names = ["a".to_owned(), "b".to_owned()];
        let error = metric(&header("null"), &names, None).unwrap_err();
        assert!(error.contains("a, b") && error.contains("--metric"), "{error}");
        let error = metric(&header("null"), &names, Some("c")).unwrap_err();
        assert!(error.starts_with("it has no `c`"), "{error}");
        assert_eq!(metric(&header("null"), &names[..1], None), Ok("a"));
    }
}
