//! Making a trust bundle: everything that one host should believe, of one moment of the ledger.
//!
//! The version is the number of the bundle's own event, or higher where hosts have seen higher ones (of a ledger
//! that was lost): it rises with every bundle, and is in the ledger before anybody can have the bundle. The trust root signs; it
//! may be a file, in an ssh-agent, or so far away that only its signature comes back.

use std::path::Path;

use grant::{Approvers, Bundle, BundleFields, Fingerprint, HostName, PublicKey, SignedBundle, UnixTime};
use rusqlite::{Connection, params};
use serde_json::json;
use signature::Signer;

mod last;

use crate::agent::AgentKey;
use crate::authority::file;
use crate::keys::{self, AskPassphrase, CaKey, KeyError};
use crate::ledger::event::{self, Kind};
use crate::ledger::{approver, host, revocation};
use crate::refused::Refused;
use crate::{Authority, Error, public_key};

pub use last::{Last, Part, last};

/// Where the trust root signs.
#[derive(Debug)]
pub enum Root<'a> {
    /// In the authority's directory.
    Here,
    /// In this file.
    File(&'a Path),
    /// In the ssh-agent.
    Agent,
}

/// The trust root, ready to sign.
#[derive(Debug)]
pub struct RootKey {
    public: PublicKey,
    key: CaKey,
}

impl RootKey {
    /// Opens the trust root of an authority; asks for its passphrase if it has one.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be opened, or is another key than `trust_root.pub`.
    pub fn open(authority: &Authority, root: &Root<'_>, ask: &mut AskPassphrase<'_>) -> Result<Self, Error> {
        let beside = authority.dir().join(file::TRUST_ROOT_PUB);
        let public = public_key::read(&beside)?;
        let path = match root {
            Root::Agent => {
                let key = CaKey::Agent(AgentKey::new(public.as_ssh().clone()));
                return Ok(Self { public, key });
            }
            Root::File(path) => (*path).to_owned(),
            Root::Here => authority.dir().join(file::TRUST_ROOT),
        };
        if matches!(root, Root::Here) && !path.exists() {
            return Err(Refused::RootElsewhere.into());
        }
        let key = keys::open(&path, ask)?;
        if key.public_key().key_data() != public.as_ssh() {
            return Err(KeyError::Mismatch { private: path, public: beside }.into());
        }
        Ok(Self { public, key: CaKey::File(Box::new(key)) })
    }

    fn sign(&self, bundle: &Bundle) -> Result<SignedBundle, Error> {
        let data = SignedBundle::signed_data(bundle.render().as_bytes());
        let signature = self.key.try_sign(&data).map_err(|e| match self.key.take_failure() {
            Some(agent) => Error::Agent(agent),
            None => KeyError::Crypto { step: "sign", problem: e.to_string() }.into(),
        })?;
        SignedBundle::from_signature(bundle, &self.public, signature).map_err(Error::bundle("the new bundle"))
    }
}

/// Which bundle to make.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// For which host.
    pub host: &'a HostName,
    /// A version that the host has seen already; 0 for none.
    pub above: u64,
}

/// Refuses a host for which no bundle can be made, so that nobody is asked for a passphrase in vain.
///
/// # Errors
/// [`Refused`], or what is wrong with what the bundle would say.
pub fn check(authority: &Authority, wanted: Wanted<'_>, now: UnixTime) -> Result<(), Error> {
    draft(authority.ledger(), authority.config().authority, authority.ca_public(), wanted, now).map(drop)
}

/// Makes a bundle and signs it. It stands in the ledger when this returns.
///
/// `keep` is the last that can fail before that: it puts the bundle where nobody takes it for one yet, so that one that can't
/// be written does not count as made.
///
/// # Errors
/// [`Refused`], a key that does not sign, or what `keep` says; nothing was then made.
pub fn make<T>(
    authority: &mut Authority,
    wanted: Wanted<'_>,
    root: &RootKey,
    now: UnixTime,
    keep: impl FnOnce(&SignedBundle) -> Result<T, Error>,
) -> Result<(SignedBundle, T), Error> {
    recorded(authority, wanted, now, |bundle| {
        let signed = root.sign(bundle)?;
        let kept = keep(&signed)?;
        Ok((signed, kept))
    })
}

/// Makes the text of a bundle for a trust root that is kept elsewhere; `keep` as for [`make`].
///
/// # Errors
/// [`Refused`], or what `keep` says.
pub fn make_unsigned<T>(
    authority: &mut Authority,
    wanted: Wanted<'_>,
    now: UnixTime,
    keep: impl FnOnce(&Bundle) -> Result<T, Error>,
) -> Result<(Bundle, T), Error> {
    recorded(authority, wanted, now, |bundle| Ok((bundle.clone(), keep(bundle)?)))
}

/// Puts a text that [`make_unsigned`] made and the signature of the trust root together.
///
/// # Errors
/// [`Refused`] when the text is not one of this ledger for this host, or the signature not the trust root's.
pub fn put_together(
    authority: &Authority,
    name: &HostName,
    text: &[u8],
    armored: &str,
) -> Result<SignedBundle, Error> {
    let signed = SignedBundle::put_together(text, armored)
        .map_err(Error::bundle("text and signature do not belong together"))?;
    let bundle = signed.bundle();
    if bundle.authority != authority.config().authority || bundle.host != *name {
        return Err(Refused::OtherBundle { host: bundle.host.clone(), authority: bundle.authority }.into());
    }
    let ours = authority.ledger().query_row(
        "SELECT count(*) FROM event WHERE kind = ?1 AND subject = ?2 AND detail ->> 'digest' = ?3",
        params![Kind::HostBundle.word(), name.as_str(), bundle.digest().to_string()],
        |row| row.get::<_, i64>(0),
    )?;
    if ours == 1 {
        Ok(signed)
    } else {
        Err(Refused::NotOurBundle { host: name.clone(), version: bundle.version }.into())
    }
}

fn recorded<T>(
    authority: &mut Authority,
    wanted: Wanted<'_>,
    now: UnixTime,
    finish: impl FnOnce(&Bundle) -> Result<T, Error>,
) -> Result<T, Error> {
    let (root, ca_key) = (authority.config().authority, authority.ca_public().clone());
    let change = authority.change(now)?;
    let bundle = draft(&change, root, &ca_key, wanted, now)?;
    let detail = json!({ "version": bundle.version, "digest": bundle.digest().to_string() });
    change.record(Kind::HostBundle, wanted.host.as_str(), None, detail)?;
    let made = finish(&bundle)?;
    change.commit()?;
    Ok(made)
}

/// The number of the event that is written next; above every version of this host's, and above what it has seen.
fn version(ledger: &Connection, wanted: Wanted<'_>) -> Result<u64, Error> {
    let last: i64 = ledger.query_row(
        "SELECT coalesce(max(detail ->> 'version'), 0) FROM event WHERE kind = ?1 AND subject = ?2",
        [Kind::HostBundle.word(), wanted.host.as_str()],
        |row| row.get(0),
    )?;
    let last = u64::try_from(last).unwrap_or(0).max(wanted.above).max(event::last_number(ledger)?);
    Ok(last.saturating_add(1))
}

/// What the host should believe now.
fn draft(
    ledger: &Connection,
    root: Fingerprint,
    ca_key: &PublicKey,
    wanted: Wanted<'_>,
    now: UnixTime,
) -> Result<Bundle, Error> {
    let found = host::find(ledger, wanted.host)?.expect_active()?;
    let approvers = approver::export(ledger)?;
    if approvers.is_empty() {
        return Err(Refused::NoApprovers.into());
    }
    Bundle::new(BundleFields {
        authority: root,
        host: found.name,
        version: version(ledger, wanted)?,
        made: now,
        roles: found.roles,
        ca_keys: vec![ca_key.clone()],
        approvers: Approvers::parse(&approvers)?,
        revoked: revocation::revoked(ledger, root, now)?,
        krl: revocation::krl(ledger, ca_key, now)?.to_bytes(),
    })
    .map_err(Error::bundle("the bundle would not be accepted"))
}
