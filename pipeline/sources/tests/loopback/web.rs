//! Any web server.

use std::time::{Duration, Instant};

use aliquot_sources::{Address, FetchError, Forbidden, Listed};

use crate::{
    place::{Place, locked},
    server::{Answer, Server},
};

fn body(version: u8) -> Vec<u8> {
    (0..300_000u32).map(|at| (at % 251) as u8 ^ version).collect()
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let server = Server::start(|_, before| match before {
        0 => Answer::new("503 Service Unavailable", "").with("Retry-After", "0"),
        1 => Answer::new("429 Too Many Requests", "")
            .with("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),
        2 => Answer::new("429 Too Many Requests", "").with("Retry-After", "1"),
        3 => Answer::new("502 Bad Gateway", ""),
        _ => Answer::ok(body(0)),
    });
    let start = Instant::now();
    assert_eq!(Place::new().bytes(&format!("{}/x", server.origin)), body(0));
    assert!(start.elapsed() >= Duration::from_secs(1), "the third answer asks for a second");
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_server_that_stays_away_is_given_up_and_the_store_keeps_what_it_has() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/good" => Answer::ok("good"),
        _ => Answer::new("503 Service Unavailable", "half a file"),
    });
    let place = Place::new();
    place.pin_address(&format!("{}/good", server.origin)).unwrap();
    let before = place.objects();
    let error = place.pin_address(&format!("{}/bad", server.origin)).unwrap_err();
    assert!(
        matches!(&error, FetchError::Network { attempts: 6, last, .. } if last.contains("503")),
        "{error}"
    );
    assert_eq!(server.requests().len(), 7);
    assert_eq!((before.len(), place.objects()), (1, before));
}

#[test]
fn a_stalled_or_broken_download_resumes_where_it_stopped() {
    let server = Server::start(|request, before| {
        let answer = Answer::file(request, &body(0), "\"v1\"");
        match before {
            0 => answer.stalled(100_000),
            1 => answer.cut(50_000),
            _ => answer,
        }
    });
    let place = Place::new();
    assert_eq!(place.bytes(&format!("{}/x", server.origin)), body(0));
    assert_eq!(server.ranges("/x"), [None, Some(100_000), Some(150_000)]);
    assert_eq!(server.requests()[1].header("if-range"), Some("\"v1\""));
    assert_eq!(place.partial_sizes(), Vec::<u64>::new(), "nothing is left behind");
}

#[test]
fn a_file_that_changes_between_two_parts_is_read_from_the_start() {
    // One server keeps to `If-Range`; the other one sends the rest of the new version.
    let (honest, careless) = (
        Server::start(|request, before| match before {
            0 => Answer::file(request, &body(1), "\"v1\"").cut(100_000),
            _ => Answer::file(request, &body(2), "\"v2\""),
        }),
        Server::start(|request, before| match (before, request.from()) {
            (0, _) => Answer::file(request, &body(1), "\"v1\"").cut(100_000),
            (_, Some(from)) => Answer::part(&body(2), from).with("ETag", "\"v2\""),
            (_, None) => Answer::file(request, &body(2), "\"v2\""),
        }),
    );
    for (server, ranges) in
        [(honest, vec![None, Some(100_000)]), (careless, vec![None, Some(100_000), None])]
    {
        assert_eq!(Place::new().bytes(&format!("{}/x", server.origin)), body(2));
        assert_eq!(server.ranges("/x"), ranges);
    }
}

#[test]
fn without_an_entity_tag_or_a_digest_nothing_is_joined() {
    for tag in [None, Some("W/\"weak\"")] {
        let server = Server::start(move |request, before| {
            let answer = match request.from() {
                Some(from) => Answer::part(&body(2), from),
                None => Answer::ok(body(1)),
            };
            let answer = tag.into_iter().fold(answer, |answer, tag| answer.with("ETag", tag));
            if before == 0 { answer.cut(100_000) } else { answer }
        });
        assert_eq!(Place::new().bytes(&format!("{}/x", server.origin)), body(1));
        assert_eq!(server.ranges("/x"), [None, None]);
    }
}

#[test]
fn a_server_that_knows_no_ranges_sends_the_whole_again() {
    let server = Server::start(|_, before| {
        let answer = Answer::ok(body(0));
        if before == 0 { answer.cut(100_000) } else { answer }
    });
    let address = format!("{}/x", server.origin);
    let place = Place::new();
    place.fetch(&locked(&address, &body(0))).unwrap();
    assert_eq!(server.ranges("/x"), [None, Some(100_000)]);
    assert_eq!(place.objects().len(), 1);
}

#[test]
fn a_part_left_by_an_earlier_run_that_does_not_fit_is_thrown_away() {
    let file = |server: &Server| locked(&format!("{}/x", server.origin), &body(2));
    let server = Server::start(|request, before| match before {
        // The first run ends with the beginning of another version.
        0 => Answer::ok(body(1)).cut(100_000),
        1..6 => Answer::new("503 Service Unavailable", ""),
        _ => Answer::file(request, &body(2), "\"v2\""),
    });
    let place = Place::new();
    assert!(matches!(place.fetch(&file(&server)), Err(FetchError::Network { .. })));
    assert_eq!((place.partial_sizes(), place.objects().len()), (vec![100_000], 0));
    let id = place.fetch(&file(&server)).unwrap();
    assert_eq!(place.store.get(id).unwrap(), body(2));
    assert_eq!(server.ranges("/x")[6..], [Some(100_000), None]);
}

#[test]
fn other_bytes_than_those_locked_never_reach_the_store() {
    let longer = [body(0), body(0)].concat();
    let shorter = body(0)[..1000].to_vec();
    for wrong in [body(1), longer, shorter] {
        let sent = wrong.clone();
        let server = Server::start(move |request, _| Answer::file(request, &sent, "\"v\""));
        let address = format!("{}/x", server.origin);
        let place = Place::new();
        let (file, found) = (locked(&address, &body(0)), locked(&address, &wrong));
        let error = place.fetch(&file).unwrap_err().to_string();
        assert!(
            error.contains(&format!("locked: 300000 bytes, BLAKE3 {}", file.blake3)),
            "{error}"
        );
        let names_found = error.contains(&found.blake3.to_string());
        assert!(names_found || error.contains("more than 300000 bytes"), "{error}");
        assert_eq!((place.objects(), place.partial_sizes()), (vec![], vec![]));
    }
}

#[test]
fn a_body_that_is_always_shorter_than_promised_is_given_up() {
    let server = Server::start(|_, _| Answer::ok(body(0)).cut(1000));
    let place = Place::new();
    let error = place.pin_address(&format!("{}/x", server.origin)).unwrap_err();
    assert!(matches!(error, FetchError::Network { attempts: 6, .. }), "{error}");
    assert_eq!(place.objects(), Vec::<String>::new());
}

#[test]
fn redirects_lead_to_allowed_hosts_only_and_are_not_tried_twice() {
    let elsewhere = Server::start(|_, _| Answer::ok("elsewhere"));
    let target = format!("http://localhost:{}/y?signature=secret", elsewhere.port);
    let server = Server::start(move |_, _| Answer::redirect(&target));
    let address: Address = format!("{}/x", server.origin).parse().unwrap();
    let (place, listed) = (Place::new(), Listed::from(address));
    let error = place.pin(&listed).unwrap_err();
    assert!(error.to_string().contains("leads to localhost, a host that the recipe does not name"));
    assert!(!error.to_string().contains("secret"), "{error}");
    let FetchError::Forbidden { forbidden, .. } = error else { panic!("{error}") };
    assert!(forbidden.step().contains("add \"localhost\" to `hosts` of [allow]"));
    assert_eq!((server.requests().len(), elsewhere.requests().len()), (1, 0));
    place.fetcher(&["127.0.0.1", "localhost"]).pin(&listed, &place.store).unwrap();
    assert_eq!(elsewhere.requests().len(), 1);
}

#[test]
fn redirects_in_a_circle_to_files_and_to_nowhere_end() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/circle" => Answer::redirect("/circle"),
        "/file" => Answer::redirect("file:///etc/passwd"),
        _ => Answer::new("302 Found", ""),
    });
    let place = Place::new();
    let error = |path: &str| place.pin_address(&format!("{}{path}", server.origin)).unwrap_err();
    assert!(error("/circle").to_string().contains("more than 10 redirects"));
    assert!(error("/nowhere").to_string().contains("a redirect that names no address"));
    assert!(matches!(error("/file"), FetchError::Forbidden { .. }));
    assert_eq!(place.objects(), Vec::<String>::new());
}

#[test]
fn an_address_that_is_not_allowed_is_not_asked_for() {
    let server = Server::start(|_, _| Answer::ok("x"));
    let place = Place::new();
    let address: Address = format!("{}/x", server.origin).parse().unwrap();
    let fetcher = place.fetcher(&["example.org"]);
    let refused = fetcher.pin(&Listed::from(address.clone()), &place.store).unwrap_err();
    let host = Forbidden::Host("127.0.0.1".into());
    assert!(matches!(refused, FetchError::Forbidden { forbidden, .. } if forbidden == host));
    assert!(fetcher.fetch(&locked(&address.to_string(), b"x"), &place.store).is_err());
    assert!(fetcher.resolve(&address.to_string().parse().unwrap()).is_err());
    assert_eq!(server.requests().len(), 0);
}
