//! A map of the items: the plane of their two leading principal components, as SVG.

use std::fmt::Write;

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPoint {
    /// First component.
    pub x: f64,
    /// Second component.
    pub y: f64,
    /// Its cluster, which gives the colour.
    pub cluster: u32,
    /// Subset that it is in.
    pub subset: Option<String>,
}

/// Name of a target, its items, and the share of their variance along each axis.
pub type TargetMap = (String, Vec<MapPoint>, [f64; 2]);

/// Pixels of a map's side, and around it.
const SIDE: f64 = 480.0;
const MARGIN: f64 = 40.0;

/// Colours that tell clusters apart, also for most colour-blind readers (Okabe and Ito 2008); further
/// clusters start again.
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#666666"];

/// One map a target, below each other: dots by cluster, chosen items ringed.
///
/// The axes have one scale, so that distances mean the same in all directions.
pub fn items_map(targets: &[TargetMap]) -> String {
    let height = targets.len() as f64 * (SIDE + 2.0 * MARGIN);
    let width = SIDE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (number, target) in targets.iter().enumerate() {
        draw(&mut svg, target, number as f64 * (SIDE + 2.0 * MARGIN));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, (name, points, explained): &TargetMap, top: f64) {
    let [first, second] = explained.map(|share| 100.0 * share);
    let chosen = points.iter().filter(|point| point.subset.is_some()).count();
    // Names of targets are plain: letters, digits and a few signs that XML does not know.
    let caption = format!(
        "{name}: {} items by their texts, {chosen} chosen (ringed); axes {first:.0} % and {second:.0} % of the variance",
        points.len()
    );
    let reach = points.iter().flat_map(|point| [point.x.abs(), point.y.abs()]).fold(0.0, f64::max);
    let scale = if reach > 0.0 { SIDE / 2.0 / reach } else { 0.0 };
    // Writing to a string does not fail.
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{:.0}\">{caption}</text>", top + 24.0);
    for point in points {
        let (x, y) =
            (MARGIN + SIDE / 2.0 + scale * point.x, top + MARGIN + SIDE / 2.0 - scale * point.y);
        let colour = COLOURS[point.cluster as usize % COLOURS.len()];
        let ring = match point.subset.as_deref() {
            None => "",
            Some("test") => " stroke=\"#000000\" stroke-width=\"1.5\"",
            Some(_) => " stroke=\"#888888\" stroke-width=\"1.5\"",
        };
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\" fill-opacity=\"0.7\"{ring}/>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_keeps_one_scale_and_rings_what_is_chosen() {
        let point = |x, y, subset: Option<&str>| MapPoint {
            x,
            y,
            cluster: 9,
            subset: subset.map(str::to_owned),
        };
        let points = vec![point(2.0, 0.0, None), point(-1.0, 1.0, Some("test"))];
        let svg = items_map(&[("t".to_owned(), points, [0.5, 0.25])]);
        // The middle is at 280; 2 is the reach, 240 pixels; clusters 1 and 9 have one colour.
        assert!(
            svg.contains(
                "cx=\"520.0\" cy=\"280.0\" r=\"3\" fill=\"#e69f00\" fill-opacity=\"0.7\"/>"
            ),
            "{svg}"
        );
        assert!(svg.contains("cx=\"160.0\" cy=\"160.0\"") && svg.matches("#000000").count() == 1);
        assert!(svg.contains("2 items by their texts, 1 chosen (ringed); axes 50 % and 25 %"));
    }

    #[test]
    fn items_that_all_coincide_are_drawn_in_the_middle() {
        let point = MapPoint { x: 0.0, y: 0.0, cluster: 0, subset: None };
        let svg = items_map(&[("t".to_owned(), vec![point; 3], [0.0, 0.0])]);
        assert_eq!(svg.matches("cx=\"280.0\" cy=\"280.0\"").count(), 3);
    }
}
