//! Method names with a parameter, such as `irt-anchors(dimensions=2)`.

/// A name as written: the method, and at most one parameter with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written<'a> {
    pub method: &'a str,
    pub parameter: Option<(&'a str, usize)>,
}

impl<'a> Written<'a> {
    /// Takes `method` or `method(parameter=7)` apart; None when it is neither.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let Some((method, rest)) = text.split_once('(') else {
            return Some(Self { method: text, parameter: None });
        };
        let (parameter, value) = rest.strip_suffix(')')?.split_once('=')?;
        let value = value.trim().parse().ok().filter(|value| *value > 0)?;
        Some(Self { method, parameter: Some((parameter.trim(), value)) })
    }
}

/// The name with its parameter, which is left out where it is the default.
pub(crate) fn write(
    name: &str,
    parameter: Option<(&str, usize)>,
    default: Option<usize>,
) -> String {
    match parameter {
        Some((parameter, value)) if Some(value) != default => {
            format!("{name}({parameter}={value})")
        }
        _ => name.to_owned(),
    }
}
