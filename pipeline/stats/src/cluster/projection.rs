use super::Points;
use crate::{StatsError, linalg::components_of_columns};

/// Points in the plane of their two leading principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// One pair a point, about zero; a component that the points do not have is 0.
    pub coordinates: Vec<[f64; 2]>,
    /// Share in [0, 1] of the total variance along each axis.
    pub explained: [f64; 2],
}

/// Projects points on their two leading principal components.
///
/// Signs are fixed: the largest entry in magnitude of either direction is positive. Memory is twice
/// that of the points. Errors with [`StatsError::NoConvergence`], which finite points do not reach in
/// practice.
pub fn project(points: &Points<'_>) -> Result<Projection, StatsError> {
    let columns: Vec<Vec<f64>> = (0..points.dimensions())
        .map(|dimension| points.rows().map(|row| row[dimension]).collect())
        .collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let components = components_of_columns(&columns, 2)?;
    let rank = components.rank;
    let axis = |point: usize, axis: usize| match axis < rank {
        true => components.model_scores[point * rank + axis],
        false => 0.0,
    };
    let explained = |axis: usize| match components.singular_values.get(axis) {
        Some(value) => value * value / components.total_square,
        None => 0.0,
    };
    Ok(Projection {
        coordinates: (0..points.count()).map(|point| [axis(point, 0), axis(point, 1)]).collect(),
        explained: [explained(0), explained(1)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_cross_in_space_keeps_its_distances_and_signs() {
        // Arms of length 3 along (0, 0.6, 0.8) and of length 1 along x, around (5, 5, 5).
        let values = [5.0, 6.8, 7.4, 5.0, 3.2, 2.6, 6.0, 5.0, 5.0, 4.0, 5.0, 5.0];
        let projection = project(&Points::new(4, 3, &values).unwrap()).unwrap();
        let expected = [[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
        for (got, expected) in
            projection.coordinates.iter().flatten().zip(expected.iter().flatten())
        {
            assert!((got - expected).abs() < 1e-9, "{projection:?}");
        }
        assert!((projection.explained[0] - 0.9).abs() < 1e-12, "{projection:?}");
        assert!((projection.explained[1] - 0.1).abs() < 1e-12, "{projection:?}");
    }

    #[test]
    fn what_the_points_do_not_have_is_zero() {
        let line = project(&Points::new(3, 2, &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]).unwrap()).unwrap();
        assert!(line.coordinates.iter().all(|place| place[1] == 0.0), "{line:?}");
        assert!((line.explained[0] - 1.0).abs() < 1e-12 && line.explained[1] == 0.0);
        let one = project(&Points::new(1, 4, &[7.0; 4]).unwrap()).unwrap();
        assert_eq!(one, Projection { coordinates: vec![[0.0; 2]], explained: [0.0; 2] });
    }
}
