//! After each single step: who is believed is in the old bundle or in the new one, never a mixture of both.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use grant::ssh_key::private::{Ed25519Keypair, KeypairData};
use grant::ssh_key::{HashAlg, LineEnding, PrivateKey};
use grant::{BundleFields, Revoked, SignedBundle, UnixTime};

use super::*;
use crate::trust::{Outcome, Work};

/// The first of them is the trust root.
fn private(seed: u8) -> PrivateKey {
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&[seed; 32])), "").unwrap()
}

pub(in crate::trust) fn public(seed: u8) -> PublicKey {
    PublicKey::from_ssh(private(seed).public_key().key_data().clone()).unwrap()
}

/// What a bundle says, in seeds: CA keys, approvers; and roles.
pub(in crate::trust) struct Says<'a> {
    pub(in crate::trust) ca_keys: &'a [u8],
    pub(in crate::trust) approvers: &'a [u8],
    pub(in crate::trust) roles: &'a [&'a str],
}

fn signed(version: u64, says: &Says<'_>) -> SignedBundle {
    signed_at(NOW, version, says)
}

/// The same, made at another moment.
pub(in crate::trust) fn signed_at(made: u64, version: u64, says: &Says<'_>) -> SignedBundle {
    let authority = public(1).fingerprint();
    let approver = |seed: &u8| format!("a{seed} namespaces=\"grant@pam-jit\" {}\n", public(*seed));
    let bundle = Bundle::new(BundleFields {
        authority,
        host: "db1.prod".parse().unwrap(),
        version,
        made: UnixTime::from_secs(made),
        roles: says.roles.iter().map(|role| role.parse().unwrap()).collect(),
        ca_keys: says.ca_keys.iter().map(|seed| public(*seed)).collect(),
        approvers: Approvers::parse(&says.approvers.iter().map(approver).collect::<String>()).unwrap(),
        revoked: Revoked::nothing(authority),
        krl: b"SSHKRL\n\0\0\0\0\x01".iter().copied().chain([0; 32]).collect(),
    })
    .unwrap();
    let text = bundle.render();
    let signature = private(1).sign(grant::bundle::NAMESPACE, HashAlg::Sha512, text.as_bytes()).unwrap();
    SignedBundle::put_together(text.as_bytes(), &signature.to_pem(LineEnding::LF).unwrap()).unwrap()
}

/// A place of root's alone.
pub(in crate::trust) fn place() -> (tempfile::TempDir, Place) {
    let folder = tempfile::Builder::new()
        .prefix("jit-trust-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in("/var/lib")
        .unwrap();
    let place =
        Place { config: folder.path().join("jit/host.toml"), folder: folder.path().join("state/trust") };
    (folder, place)
}

/// Every login that would pass at this moment: CA key, approver and role. None where a file lets nobody in.
fn believed(place: &Place) -> BTreeSet<(String, String, String)> {
    let Ok(trust) = HostConfig::load(&place.config).and_then(|config| config.trust()) else {
        return BTreeSet::new();
    };
    let mut all = BTreeSet::new();
    for key in &trust.ca_keys {
        for approver in trust.approvers.iter() {
            // Under the host's own name there is no role to lose.
            let roles = trust.roles.iter().map(ToString::to_string).chain(["-".to_owned()]);
            all.extend(roles.map(|role| (key.to_line(), approver.name.to_string(), role)));
        }
    }
    all
}

pub(in crate::trust) const NOW: u64 = 1_795_528_800;

pub(in crate::trust) fn apply(place: &Place, bundle: &SignedBundle) -> Outcome {
    let (work, _) = Work::begin(place).unwrap();
    work.apply(bundle, Some(public(1).fingerprint()), UnixTime::from_secs(NOW)).unwrap()
}

#[test]
fn no_stop_mixes_a_key_of_the_old_with_an_approver_of_the_new_bundle() {
    let cases = [
        // A CA key is replaced, an approver goes, another comes, roles change.
        (
            Says { ca_keys: &[2, 3], approvers: &[4, 5], roles: &["db"] },
            Says { ca_keys: &[3, 6], approvers: &[5, 7], roles: &["db", "web"] },
        ),
        // Nothing is common.
        (
            Says { ca_keys: &[2], approvers: &[4], roles: &["db"] },
            Says { ca_keys: &[3], approvers: &[5], roles: &["web"] },
        ),
        // Only more, only less.
        (
            Says { ca_keys: &[2], approvers: &[4], roles: &[] },
            Says { ca_keys: &[2, 3], approvers: &[4, 5], roles: &["db"] },
        ),
        (
            Says { ca_keys: &[2, 3], approvers: &[4, 5], roles: &["db"] },
            Says { ca_keys: &[2], approvers: &[4], roles: &[] },
        ),
    ];
    for (old, new) in cases {
        let (_folder, place) = place();
        apply(&place, &signed(1, &old));
        let before = believed(&place);
        let bundle = signed(2, &new);
        let known = Known::read(&place).unwrap();
        let steps = steps(&place, &known, bundle.bundle()).unwrap();
        let mut states = Vec::new();
        for step in &steps {
            step.run().unwrap();
            states.push(believed(&place));
        }
        let after = believed(&place);
        let (either, both): (BTreeSet<_>, BTreeSet<_>) = (&before | &after, &before & &after);
        assert!(!before.is_empty() && !after.is_empty());
        for (step, state) in steps.iter().zip(&states) {
            assert!(state.is_subset(&either), "after {}", step.path().display());
            assert!(state.is_superset(&both), "after {}", step.path().display());
            // And not a bit of each: all of one.
            assert!(state.is_subset(&before) || state.is_subset(&after), "after {}", step.path().display());
        }
        // From any stop, planned anew, it comes out the same.
        for stop in 0..steps.len() {
            let (_folder, place) = self::place();
            apply(&place, &signed(1, &old));
            let planned = super::steps(&place, &Known::read(&place).unwrap(), bundle.bundle()).unwrap();
            planned[..stop].iter().for_each(|step| step.run().unwrap());
            assert_eq!(apply(&place, &bundle), Outcome::Applied);
            assert_eq!(believed(&place), after, "stopped before step {stop}");
            assert_eq!(apply(&place, &bundle), Outcome::Already);
        }
    }
}

#[test]
fn files_are_readable_and_a_file_that_others_can_write_is_refused() {
    let (_folder, place) = place();
    apply(&place, &signed(1, &Says { ca_keys: &[2], approvers: &[4], roles: &[] }));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let etc = place.config.parent().unwrap();
    assert_eq!(mode(etc), 0o755);
    for name in ["host.toml", "ca.pub", "approvers", "revoked", "krl"] {
        assert_eq!(mode(&etc.join(name)), 0o644, "{name}");
    }
    assert_eq!((mode(&place.folder), mode(&place.applied())), (0o700, 0o600));

    fs::set_permissions(&place.config, Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(Known::read(&place), Err(TrustError::Hostfile(_))));
    fs::set_permissions(&place.config, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(place.applied(), Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(Known::read(&place), Err(TrustError::Hostfile(_))));
}

#[test]
fn a_half_applied_bundle_is_dropped_when_another_root_or_name_was_pinned_since() {
    let (_folder, place) = place();
    let says = Says { ca_keys: &[2], approvers: &[4], roles: &["db"] };
    apply(&place, &signed(1, &says));
    let text = fs::read_to_string(&place.config).unwrap();
    for changed in [
        text.replace("db1.prod", "db2.prod"),
        text.replace(&public(1).fingerprint().to_string(), &public(9).fingerprint().to_string()),
    ] {
        fs::write(&place.config, &changed).unwrap();
        durable::replace(&place.pending(), signed(2, &says).to_file().as_bytes(), 0o600).unwrap();
        let (_, finished) = Work::begin(&place).unwrap();
        assert!(!finished && !place.pending().exists());
        assert_eq!(fs::read_to_string(&place.config).unwrap(), changed);
    }
}
