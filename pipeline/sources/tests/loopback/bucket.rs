//! Buckets: S3, and Google's, whose reads speak the same protocol.

use aliquot_sources::{BucketOptions, FetchError, Forbidden};

use crate::{
    place::{Place, locked},
    s3_server::{BUCKET, S3, dated},
    server::{Answer, Request},
};

const OBJECTS: [(&str, &[u8]); 4] = [
    ("lite/benchmark_output/runs/v1.0.0/gsm:model=a b/stats.json", b"[1]"),
    ("lite/benchmark_output/runs/v1.0.0/gsm:model=b/stats.json", b"[22]"),
    ("lite/benchmark_output/runs/v1.0.0/gsm:model=b/per_instance_stats.json", b"[333]"),
    ("lite/other.json", b"{}"),
];
const KEY: &str = "runs/large.json";

fn large(seed: u8) -> Vec<u8> {
    (0..400_000u32).map(|at| (at % 239) as u8 ^ seed).collect()
}

fn options(pairs: &[(&str, &str)]) -> BucketOptions {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn place(s3: &S3, account: Option<&str>) -> Place {
    let mut place = Place::new();
    let mut pairs = vec![("AWS_ENDPOINT", s3.front.origin.as_str()), ("AWS_ALLOW_HTTP", "true")];
    if let Some(key) = account {
        pairs.extend([("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", "hush")]);
    }
    place.network.buckets = options(&pairs);
    place
}

/// A bucket with one large object and a fault.
fn faulty(
    fault: impl Fn(&Request, usize, &dyn Fn() -> Answer) -> Answer + Send + Sync + 'static,
) -> (S3, Place) {
    let s3 = S3::start(&[(KEY, &large(1))], None, fault);
    let place = place(&s3, None);
    (s3, place)
}

fn address() -> String {
    format!("s3://{BUCKET}/{KEY}")
}

fn target() -> String {
    format!("/{BUCKET}/{KEY}")
}

#[test]
fn a_pattern_is_listed_pinned_and_fetched_with_credentials_and_without() {
    for account in [None, Some("key")] {
        let s3 = S3::start(&OBJECTS, account, |_, _, s3| s3());
        let place = place(&s3, account);
        let pattern = format!("s3://{BUCKET}/lite/benchmark_output/runs/v1.0.0/*/stats.json");
        let listed = place.resolve(&pattern).unwrap();
        let found: Vec<_> =
            listed.iter().map(|listed| (listed.address.to_string(), listed.size)).collect();
        let expected = [(0, 3), (1, 4)]
            .map(|(object, size)| (format!("s3://{BUCKET}/{}", OBJECTS[object].0), Some(size)));
        assert_eq!(found, expected);
        let other = self::place(&s3, account);
        for listed in &listed {
            other.fetch(&place.pin(listed).unwrap()).unwrap();
        }
        assert_eq!((place.objects().len(), place.objects()), (2, other.objects()));
        let signed = s3.front.requests().iter().all(|r| r.header("authorization").is_some());
        assert_eq!(signed, account.is_some());
        assert!(s3.front.requests()[0].target.contains("list-type=2"));
    }
}

#[test]
fn a_google_bucket_in_the_layout_of_helm_is_read_without_credentials() {
    let s3 = S3::start(&OBJECTS, None, |_, _, s3| s3());
    let mut place = Place::new();
    place.network.buckets =
        options(&[("GOOGLE_BASE_URL", &s3.front.origin), ("GOOGLE_ALLOW_HTTP", "true")]);
    let pattern = format!("gs://{BUCKET}/lite/benchmark_output/**/*=b/*stats.json");
    let listed = place.resolve(&pattern).unwrap();
    assert_eq!(listed.len(), 2);
    let pinned = place.pin(&listed[0]).unwrap();
    assert_eq!(place.store.get(pinned.blake3).unwrap(), b"[333]");
    assert!(s3.front.requests().iter().all(|r| r.header("authorization").is_none()));
}

#[test]
fn refusals_are_not_tried_twice_and_tell_no_secret() {
    let s3 = S3::start(&OBJECTS, Some("right"), |_, _, s3| s3());
    let (right, wrong) = (place(&s3, Some("right")), place(&s3, Some("wrong")));
    let missing = right.pin_address(&format!("s3://{BUCKET}/nothing")).unwrap_err();
    assert!(missing.to_string().contains("there is no such bucket or object"), "{missing}");
    let denied = wrong.pin_address(&format!("s3://{BUCKET}/lite/other.json")).unwrap_err();
    assert!(denied.to_string().contains("access is denied"), "{denied}");
    let denied = format!("{denied:?} {:?}", wrong.resolve(&format!("s3://{BUCKET}/**")));
    assert!(!denied.contains("hush"), "{denied}");
    assert_eq!(s3.front.requests().len(), 3);
}

#[test]
fn without_leave_a_bucket_is_not_asked_over_plain_http() {
    let s3 = S3::start(&OBJECTS, None, |_, _, s3| s3());
    let mut place = Place::new();
    place.network.buckets = options(&[("AWS_ENDPOINT", &s3.front.origin)]);
    assert!(place.pin_address(&format!("s3://{BUCKET}/lite/other.json")).is_err());
    assert_eq!(s3.front.requests().len(), 0);
}

#[test]
fn a_busy_bucket_is_asked_again_when_it_says() {
    let (s3, place) = faulty(|_, before, s3| match before {
        0 => Answer::new("503 Slow Down", "").with("Retry-After", "1"),
        1 => Answer::new("429 Too Many Requests", "").with("Retry-After", "0"),
        _ => s3(),
    });
    let start = std::time::Instant::now();
    assert_eq!(place.bytes(&address()), large(1));
    assert!(start.elapsed() >= std::time::Duration::from_secs(1), "the first asks for a second");
    let listed = place.resolve(&format!("s3://{BUCKET}/**")).unwrap();
    assert_eq!((listed.len(), s3.front.requests().len()), (1, 6));
}

#[test]
fn a_stalled_or_broken_object_resumes_where_it_stopped() {
    let (s3, place) = faulty(|_, before, s3| match before {
        0 => s3().stalled(100_000),
        1 => s3().cut(100_000),
        _ => s3(),
    });
    assert_eq!(place.bytes(&address()), large(1));
    let ranges = s3.front.ranges(&target());
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert!(s3.front.requests()[1].header("if-match").is_some());
}

#[test]
fn an_object_that_changes_between_two_parts_is_read_from_the_start() {
    // Once S3 answers 412 to `If-Match`, once a server ignores it and sends the rest of another one.
    let changed = |before: usize, request: &Request, honest: bool| match (before, request.from()) {
        (0, _) => Answer::ok(large(1)).with("ETag", "\"1\"").cut(100_000),
        (_, Some(_)) if honest => Answer::new("412 Precondition Failed", ""),
        (_, Some(from)) => Answer::part(&large(2), from).with("ETag", "\"2\""),
        (_, None) => Answer::ok(large(2)).with("ETag", "\"2\""),
    };
    for honest in [true, false] {
        let (s3, place) = faulty(move |request, before, _| dated(changed(before, request, honest)));
        assert_eq!(place.bytes(&address()), large(2));
        assert_eq!(s3.front.ranges(&target()), [None, Some(100_000), None]);
    }
}

#[test]
fn a_server_that_knows_no_ranges_sends_the_whole_again() {
    let whole = || dated(Answer::ok(large(1))).with("ETag", "\"1\"");
    let (s3, place) = faulty(move |_, before, _| match before {
        0 => whole().cut(100_000),
        _ => whole(),
    });
    place.fetch(&locked(&address(), &large(1))).unwrap();
    assert_eq!(s3.front.ranges(&target()), [None, Some(100_000), None]);
}

#[test]
fn a_real_change_between_lock_and_fetch_is_reported_and_the_store_keeps_what_it_has() {
    let (s3, place) = faulty(|_, _, s3| s3());
    let pinned = place.pin_address(&address()).unwrap();
    s3.write(KEY, &large(2));
    let other = self::place(&s3, None);
    let error = other.fetch(&pinned).unwrap_err();
    let FetchError::Changed { found, .. } = &error else { panic!("{error}") };
    assert!(found.contains(&locked(&address(), &large(2)).blake3.to_string()), "{found}");
    assert_eq!((other.objects().len(), place.objects().len()), (0, 1));
    assert_eq!(other.partial_sizes(), Vec::<u64>::new());
}

#[test]
fn a_bucket_that_redirects_is_not_followed() {
    let (s3, place) = faulty(|_, _, _| Answer::redirect("http://localhost:9/x"));
    let error = place.pin_address(&address()).unwrap_err();
    let localhost = Forbidden::Host("localhost".into());
    assert!(matches!(&error, FetchError::Forbidden { forbidden, .. } if *forbidden == localhost));
    let (_, elsewhere) = faulty(|_, _, _| Answer::new("301 Moved Permanently", ""));
    let region = elsewhere.pin_address(&address()).unwrap_err().to_string();
    assert!(region.contains("set AWS_REGION"), "{region}");
    assert_eq!(s3.front.requests().len(), 1);
}

#[test]
fn too_many_objects_are_refused() {
    let s3 = S3::start(&OBJECTS, None, |_, _, s3| s3());
    let mut place = place(&s3, None);
    place.network.most_files = 3;
    let error = place.resolve(&format!("s3://{BUCKET}/lite/**")).unwrap_err();
    assert!(matches!(error, FetchError::TooMany { most: 3, .. }), "{error}");
}
