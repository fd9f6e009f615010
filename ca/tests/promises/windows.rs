//! Time is an argument: the library at exact moments, without a back door in the command.
//!
//! The authority is made by the command; then the library is asked about the seconds before, at and after
//! each edge.

use std::collections::BTreeSet;

use ca::ledger::grant_record::{self, State, Wanted};
use ca::ledger::{revocation, vendor};
use ca::request::{self, Wish};
use ca::{Authority, Error, Refused, Request, approve, keys, public_key};
use grant::{GrantId, Sources, UnixTime, Window};

use crate::scene::Scene;

/// 2030-01-01T00:00:00Z, and moments after it.
fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(1_893_456_000 + seconds)
}

struct Stage {
    scene: Scene,
    authority: Authority,
}

impl Stage {
    fn new() -> Self {
        let scene = Scene::new();
        let authority = Authority::open(&scene.authority()).unwrap();
        Self { scene, authority }
    }

    /// A request for the window from `opens` to `closes`, written down at `now`.
    fn ask(&mut self, opens: u64, closes: u64, now: u64) -> Result<GrantId, Error> {
        let root = self.authority.config().authority;
        let wish = Wish {
            person: "acme/jo".parse().unwrap(),
            hosts: BTreeSet::from(["db1.prod".parse().unwrap()]),
            roles: BTreeSet::new(),
            accounts: BTreeSet::from(["acme-support".parse().unwrap()]),
            sources: Sources::any(),
            features: "pty".parse().unwrap(),
            window: Window::new(at(opens), at(closes)).unwrap(),
            extendable_to: None,
            uses: None,
            sessions: None,
            reason: "restore".parse().unwrap(),
            ticket: None,
            approvals: 1,
        };
        let change = self.authority.change(at(now)).unwrap();
        let grant = request::create(&change, root, wish)?;
        change.commit().unwrap();
        Ok(grant.id.clone())
    }

    fn approve(&mut self, id: &GrantId, by: &str, now: u64) -> Result<(), Error> {
        let record = grant_record::find(self.authority.ledger(), id).unwrap();
        let key = keys::open(&self.scene.path(by), &mut |_| unreachable!()).unwrap();
        let approval = approve::with_key(&key, record.grant.render().as_bytes()).unwrap();
        let change = self.authority.change(at(now)).unwrap();
        approve::approve(&change, id, &by.parse().unwrap(), &approval)?;
        change.commit().unwrap();
        Ok(())
    }

    fn sign(&mut self, id: &GrantId, lifetime: u64, now: u64) -> Result<ca::Issued, Error> {
        let key = public_key::read(&self.scene.path("jo.pub")).unwrap();
        self.authority.sign(&Request { grant: id.clone(), key: Some(key), lifetime }, at(now))
    }

    fn state(&self, id: &GrantId, now: u64) -> State {
        let ledger = self.authority.ledger();
        grant_record::standing(ledger, grant_record::find(ledger, id).unwrap()).unwrap().state(at(now))
    }

    fn listed(&self, wanted: Wanted, now: u64) -> usize {
        grant_record::list(self.authority.ledger(), wanted, None, None, at(now)).unwrap().0.len()
    }
}

fn is_refused(result: Result<impl Sized, Error>, expected: fn(&Refused) -> bool) -> bool {
    matches!(result, Err(Error::Refused(refused)) if expected(&refused))
}

#[test]
fn the_edges_of_a_window_are_exact() {
    let mut stage = Stage::new();
    let id = stage.ask(100, 1000, 0).unwrap();
    stage.approve(&id, "kim", 0).unwrap();
    assert!(is_refused(stage.sign(&id, 300, 99), |r| matches!(r, Refused::NotYetOpen { .. })));
    let issued = stage.sign(&id, 300, 100).unwrap();
    assert_eq!((issued.valid_after, issued.valid_before), (at(100), at(400)));
    stage.sign(&id, 300, 999).unwrap();
    assert!(is_refused(stage.sign(&id, 300, 1000), |r| matches!(r, Refused::Closed { .. })));
}

#[test]
fn a_certificate_never_outlives_its_window_and_begins_a_minute_early() {
    let mut stage = Stage::new();
    let id = stage.ask(0, 1000, 0).unwrap();
    stage.approve(&id, "kim", 0).unwrap();
    let issued = stage.sign(&id, 300, 900).unwrap();
    assert_eq!((issued.valid_after, issued.valid_before), (at(840), at(1000)));
    let issued = stage.sign(&id, 300, 30).unwrap();
    assert_eq!((issued.valid_after, issued.valid_before), (at(0), at(330)));
}

#[test]
fn a_certificate_never_outlives_its_vendor() {
    let mut stage = Stage::new();
    let id = stage.ask(0, 1000, 0).unwrap();
    stage.approve(&id, "kim", 0).unwrap();
    let change = stage.authority.change(at(0)).unwrap();
    vendor::move_end(&change, &"acme".parse().unwrap(), at(500)).unwrap();
    change.commit().unwrap();
    assert_eq!(stage.sign(&id, 300, 400).unwrap().valid_before, at(500));
    assert!(is_refused(stage.sign(&id, 300, 500), |r| matches!(r, Refused::DatePassed { .. })));
}

#[test]
fn a_request_is_never_for_longer_than_its_vendor() {
    let mut stage = Stage::new();
    let change = stage.authority.change(at(0)).unwrap();
    vendor::move_end(&change, &"acme".parse().unwrap(), at(500)).unwrap();
    change.commit().unwrap();
    stage.ask(0, 500, 0).unwrap();
    assert!(is_refused(stage.ask(0, 501, 0), |r| matches!(r, Refused::BeyondVendor { .. })));
}

#[test]
fn a_request_without_enough_approvals_lapses() {
    let mut stage = Stage::new();
    let id = stage.ask(0, 1000, 0).unwrap();
    assert_eq!(stage.state(&id, 999), State::Pending);
    assert_eq!(stage.listed(Wanted::Pending, 999), 1);
    assert_eq!(stage.state(&id, 1000), State::Lapsed);
    assert_eq!(stage.listed(Wanted::Pending, 1000), 0);
    assert_eq!(stage.listed(Wanted::Closed, 1000), 1);
    assert!(is_refused(stage.approve(&id, "kim", 1000), |r| matches!(r, Refused::Closed { .. })));
}

#[test]
fn a_late_approval_does_not_move_the_window() {
    let mut stage = Stage::new();
    let id = stage.ask(0, 1000, 0).unwrap();
    stage.approve(&id, "kim", 900).unwrap();
    assert_eq!(stage.sign(&id, 300, 901).unwrap().valid_before, at(1000));
}

#[test]
fn a_grant_goes_through_its_states() {
    let mut stage = Stage::new();
    let id = stage.ask(100, 1000, 0).unwrap();
    assert_eq!(stage.state(&id, 0), State::Pending);
    stage.approve(&id, "kim", 0).unwrap();
    assert_eq!(stage.state(&id, 99), State::Approved);
    assert_eq!((stage.listed(Wanted::Open, 99), stage.listed(Wanted::Open, 100)), (0, 1));
    assert_eq!(stage.state(&id, 100), State::Open);
    assert_eq!(stage.state(&id, 1000), State::Closed);
    assert_eq!((stage.listed(Wanted::Closed, 999), stage.listed(Wanted::Closed, 1000)), (0, 1));
    assert_eq!(stage.listed(Wanted::All, 1000), 1);
}

#[test]
fn a_request_for_a_window_that_is_over_is_refused() {
    let mut stage = Stage::new();
    assert!(is_refused(stage.ask(0, 1000, 1000), |r| matches!(r, Refused::WindowPast { .. })));
    stage.ask(0, 1000, 999).unwrap();
}

#[test]
fn what_is_long_over_leaves_the_lists_for_hosts() {
    let mut stage = Stage::new();
    let id = stage.ask(0, 1000, 0).unwrap();
    stage.approve(&id, "kim", 0).unwrap();
    let serial = stage.sign(&id, 300, 100).unwrap().serial;
    let change = stage.authority.change(at(200)).unwrap();
    let reason = "done".parse().unwrap();
    revocation::add(&change, &revocation::Target::Grant(id.clone()), &reason).unwrap();
    revocation::add(&change, &revocation::Target::Serial(serial), &reason).unwrap();
    change.commit().unwrap();
    let margin = ca::limits::REVOKED_MARGIN;
    // The certificate ended at 400, the grant at 1000; each stays for the margin.
    for (now, serials, grants) in
        [(200, 1, 1), (399 + margin, 1, 1), (400 + margin, 0, 1), (999 + margin, 0, 1), (1000 + margin, 0, 0)]
    {
        let krl = stage.authority.krl(at(now)).unwrap();
        let list = stage.authority.revoked(at(now)).unwrap();
        assert_eq!(krl.certificates[0].serials.len(), serials, "serials of the KRL at {now}");
        assert_eq!(krl.certificates[0].key_ids.len(), grants, "key ids at {now}");
        assert_eq!((list.serials.len(), list.grants.len()), (serials, grants), "revoked list at {now}");
    }
}

#[test]
fn a_host_accepts_what_was_signed_exactly_while_it_is_valid() {
    let mut stage = Stage::new();
    let id = stage.ask(100, 1000, 0).unwrap();
    stage.approve(&id, "kim", 0).unwrap();
    let issued = stage.sign(&id, 300, 100).unwrap();
    let blob = issued.certificate.to_bytes().unwrap();
    let login = grant::Login { account: "acme-support".to_owned(), source: "192.0.2.1".parse().unwrap() };
    for (now, accepted) in [(99, false), (100, true), (399, true), (400, false)] {
        let trust = stage.authority.trust_of("db1.prod".parse().unwrap(), BTreeSet::new(), at(now)).unwrap();
        let verdict = grant::decide(&blob, &trust, &login, at(now));
        assert_eq!(matches!(verdict, grant::Verdict::Allow(_)), accepted, "{now}: {verdict:?}");
    }
}
