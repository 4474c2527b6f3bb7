use crate::StatsError;

/// Points in space, one row of `dimensions` finite values a point.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    dimensions: usize,
    values: &'a [f64],
}

impl<'a> Points<'a> {
    /// Reads `count * dimensions` values in row-major order.
    ///
    /// Errors with [`StatsError::Empty`] without points or dimensions, with [`StatsError::Length`]
    /// when the buffer does not fit and with [`StatsError::NotFinite`] on NaN or a magnitude over
    /// 1e100, whose squares would not be finite.
    pub fn new(count: usize, dimensions: usize, values: &'a [f64]) -> Result<Self, StatsError> {
        if count == 0 || dimensions == 0 {
            return Err(StatsError::Empty { models: dimensions, items: count });
        }
        if Some(values.len()) != count.checked_mul(dimensions) {
            let expected = count.saturating_mul(dimensions);
            return Err(StatsError::Length { what: "points", expected, got: values.len() });
        }
        let usable = |value: &f64| value.abs() <= 1e100;
        match values.iter().position(|value| !usable(value)) {
            Some(at) => Err(StatsError::NotFinite { what: "points", at }),
            None => Ok(Self { dimensions, values }),
        }
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// Number of values a point.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The values of one point.
    pub fn row(&self, point: usize) -> &'a [f64] {
        &self.values[point * self.dimensions..(point + 1) * self.dimensions]
    }

    /// All points, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [f64]> {
        self.values.chunks_exact(self.dimensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_and_a_nan_are_errors() {
        let error = Points::new(2, 2, &[0.0; 3]).unwrap_err();
        assert_eq!(error, StatsError::Length { what: "points", expected: 4, got: 3 });
        let error = Points::new(2, 1, &[0.0, f64::NAN]).unwrap_err();
        assert_eq!(error, StatsError::NotFinite { what: "points", at: 1 });
        assert!(Points::new(2, 1, &[0.0, -1e300]).is_err());
        assert!(Points::new(0, 3, &[]).is_err());
    }
}
