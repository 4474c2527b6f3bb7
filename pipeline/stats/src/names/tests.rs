use super::{Written, write};
use crate::{estimate::EstimatorMethod, procedure::Procedure, select::SelectionMethod};

#[test]
fn names_of_all_procedures_round_trip() {
    for selection in SelectionMethod::ALL {
        for estimator in EstimatorMethod::ALL {
            let procedure = Procedure { selection, estimator };
            assert_eq!(Procedure::from_name(&procedure.name()), Some(procedure));
        }
    }
    assert_eq!(Procedure::from_name("default"), Some(Procedure::DEFAULT));
    assert_eq!(Procedure::RANDOM_MEAN.name(), "random+mean");
}

#[test]
fn parameters_round_trip_and_the_default_is_left_out() {
    let anchors = |dimensions| SelectionMethod::IrtAnchors { dimensions };
    assert_eq!(anchors(2).name(), "irt-anchors(dimensions=2)");
    assert_eq!(SelectionMethod::from_name("irt-anchors(dimensions=2)"), Some(anchors(2)));
    let default = SelectionMethod::from_name("irt-anchors").unwrap();
    assert_eq!(default.name(), "irt-anchors");
    let (name, value) = default.parameter().unwrap();
    let written = format!("irt-anchors({name}={value})");
    assert_eq!(SelectionMethod::from_name(&written), Some(default));
    for method in SelectionMethod::ALL {
        let Some((name, value)) = method.parameter() else { continue };
        let written = format!("{}({name}={})", method.method(), value + 1);
        assert_eq!(SelectionMethod::from_name(&written).unwrap().name(), written);
    }
    for method in EstimatorMethod::ALL {
        let Some((name, value)) = method.parameter() else { continue };
        let written = format!("{}({name}={})", method.method(), value + 1);
        assert_eq!(EstimatorMethod::from_name(&written).unwrap().name(), written);
    }
}

#[test]
fn what_names_no_method_is_refused() {
    let selections = [
        "",
        "random(x=1)",
        "random()",
        "randomly",
        "irt-anchors(dimensions=0)",
        "irt-anchors(dimensions=-1)",
        "irt-anchors(dimensions=two)",
        "irt-anchors(dimensions=)",
        "irt-anchors(components=2)",
        "irt-anchors(dimensions=2",
        "irt-anchors(dimensions=2) ",
        "irt-anchors(dimensions=2)(dimensions=3)",
        "irt-anchors(dimensions=99999999999999999999)",
    ];
    for name in selections {
        assert_eq!(SelectionMethod::from_name(name), None, "{name}");
    }
    for name in ["gam()", "gam(x=1)", "ridge(components=3)", "p-irt(dimensions=0)", "oracle"] {
        assert_eq!(EstimatorMethod::from_name(name), None, "{name}");
    }
    for name in ["random", "random+oracle", "random+mean+mean", "+mean", "Default"] {
        assert_eq!(Procedure::from_name(name), None, "{name}");
    }
}

#[test]
fn a_name_is_taken_apart_as_it_is_put_together() {
    let written = Written { method: "a", parameter: Some(("b", 7)) };
    assert_eq!(Written::parse("a(b=7)"), Some(written));
    assert_eq!(Written::parse("a"), Some(Written { method: "a", parameter: None }));
    assert_eq!(write("a", Some(("b", 7)), Some(6)), "a(b=7)");
    assert_eq!(write("a", Some(("b", 7)), Some(7)), "a");
    assert_eq!(write("a", None, None), "a");
}
