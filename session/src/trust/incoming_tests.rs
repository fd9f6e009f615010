//! A dropped bundle that is not even made yet for this host's clock: kept, and judged anew each time.

use grant::{SignedBundle, UnixTime};

use super::*;
use crate::trust::steps::tests::{NOW, Says, apply, place, signed_at};

const SAYS: Says<'_> = Says { ca_keys: &[2], approvers: &[4], roles: &["db"] };
/// When the bundles that are too early were made.
const LATER: u64 = NOW + 86_400;

fn a_second_too_early() -> UnixTime {
    UnixTime::from_secs(LATER - 301)
}

fn just_late_enough() -> UnixTime {
    UnixTime::from_secs(LATER - 300)
}

/// A folder of dropped bundles in a place that has applied version 1.
fn folder(place: &Place) -> PathBuf {
    apply(place, &signed_at(NOW, 1, &SAYS));
    let folder = place.folder.join("incoming");
    fs::create_dir(&folder).unwrap();
    folder
}

fn drop_in(folder: &Path, name: &str, bundle: &SignedBundle) {
    fs::write(folder.join(name), bundle.to_file()).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn applied(place: &Place) -> u64 {
    SignedBundle::read(&fs::read(place.applied()).unwrap()).unwrap().bundle().version
}

#[test]
fn a_bundle_that_is_too_early_is_refused_now_and_applied_when_the_clock_allows_it() {
    let (_folder, place) = place();
    let folder = folder(&place);
    drop_in(&folder, "today.bundle", &signed_at(LATER, 2, &SAYS));
    for _run in 0..3 {
        let dropped = take(&place, &folder, a_second_too_early).unwrap();
        assert_eq!(dropped.len(), 1, "once in a run: {dropped:?}");
        assert!(
            matches!(&dropped[0].result, Err(TrustError::Refused(Refused::Future { .. }))),
            "{dropped:?}"
        );
        assert_eq!(dropped[0].kept.as_deref(), Some(&*folder.join("today.bundle.2.early")));
        // Not under the name that the path unit looks for.
        assert_eq!((names(&folder), applied(&place)), (vec!["today.bundle.2.early".to_owned()], 1));
    }
    let dropped = take(&place, &folder, just_late_enough).unwrap();
    assert!(
        matches!(&dropped[..], [Dropped { result: Ok((2, Outcome::Applied)), kept: None, .. }]),
        "{dropped:?}"
    );
    assert_eq!((names(&folder), applied(&place)), (vec![], 2));
}

#[test]
fn two_that_are_too_early_under_one_name_are_both_kept_and_the_older_is_refused_for_good() {
    let (_folder, place) = place();
    let folder = folder(&place);
    for version in [3, 2] {
        drop_in(&folder, "b.bundle", &signed_at(LATER, version, &SAYS));
        assert!(
            take(&place, &folder, a_second_too_early).unwrap().iter().all(|dropped| dropped.result.is_err())
        );
    }
    assert_eq!(names(&folder), ["b.bundle.2.early", "b.bundle.3.early"]);
    // One that is not too early is not held up, and makes the lower one older.
    drop_in(&folder, "a.bundle", &signed_at(NOW, 2, &SAYS));
    take(&place, &folder, a_second_too_early).unwrap();
    assert_eq!((names(&folder).len(), applied(&place)), (2, 2));
    drop_in(&folder, "a.bundle", &signed_at(LATER - 600, 4, &SAYS));
    take(&place, &folder, just_late_enough).unwrap();
    assert_eq!(applied(&place), 4);
    let refused = ["b.bundle.2.early.refused", "b.bundle.2.early.refused.reason"];
    assert_eq!(names(&folder), refused, "the same version with another text; 3 was applied before 4");
}
