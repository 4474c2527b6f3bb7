//! Quantiles and intervals of the textbook distributions, by `libm` so that they are portable.

/// Regularised incomplete beta function I_x(a, b), by its continued fraction.
///
/// Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.5.8, evaluated with the
/// modified Lentz method; the symmetry 26.5.2 keeps the fraction in its fast region.
pub fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The mirrored side is not tested again: rounding could send it back for ever.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - lower_side(1.0 - x, b, a);
    }
    lower_side(x, a, b)
}

/// I_x(a, b) where the fraction converges fast: x up to about (a + 1) / (a + b + 2).
fn lower_side(x: f64, a: f64, b: f64) -> f64 {
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    libm::exp(log_front) * beta_fraction(x, a, b) / a
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const PRECISION: f64 = 1e-15;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < PRECISION {
            break;
        }
    }
    fraction
}

/// Two-sided critical value of Student's t: P(|T| <= t) = `level`.
pub fn student_t_critical(level: f64, degrees_of_freedom: f64) -> f64 {
    let within = |t: f64| {
        1.0 - incomplete_beta(
            degrees_of_freedom / (degrees_of_freedom + t * t),
            degrees_of_freedom / 2.0,
            0.5,
        )
    };
    bisect(within, level)
}

/// Two-sided critical value of the standard normal: P(|Z| <= z) = `level`.
pub fn normal_critical(level: f64) -> f64 {
    bisect(|z| libm::erf(z / std::f64::consts::SQRT_2), level)
}

/// Standard normal distribution function.
pub fn normal_cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The point where an increasing function of [0, infinity) reaches `level`.
fn bisect(function: impl Fn(f64) -> f64, level: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while function(high) < level && high < 1e12 {
        high *= 2.0;
    }
    // To the last bit: 200 halvings exhaust a double from any bracket.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        let side = if function(middle) < level { &mut low } else { &mut high };
        *side = middle;
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_and_normal_equal_the_published_tables() {
        // Fisher and Yates, Statistical Tables, table III (two-sided 5 % and 1 %).
        for (level, df, expected) in [
            (0.95, 1.0, 12.706),
            (0.95, 10.0, 2.228),
            (0.95, 30.0, 2.042),
            (0.99, 5.0, 4.032),
            (0.95, 120.0, 1.980),
        ] {
            let got = student_t_critical(level, df);
            assert!((got - expected).abs() < 5e-4, "t({level}, {df}) = {got}, table {expected}");
        }
        assert!((normal_critical(0.95) - 1.959_963_985).abs() < 1e-8);
    }

    #[test]
    fn incomplete_beta_has_its_closed_forms() {
        assert!((incomplete_beta(0.3, 1.0, 1.0) - 0.3).abs() < 1e-14);
        assert!((incomplete_beta(0.3, 2.0, 1.0) - 0.09).abs() < 1e-14);
        assert!((incomplete_beta(0.9, 1.0, 3.0) - 0.999).abs() < 1e-14);
    }
}
