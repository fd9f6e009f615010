//! `ca person`: add, list, show, end.
//!
//! Keys are read and checked before the ledger is opened for a change; all of them are enrolled, or none.
//! The rules are in `ca::ledger::person` and `ca::ledger::key`.

use std::path::PathBuf;

use ca::email::Email;
use ca::ledger::key::{self, EnrolledKey};
use ca::ledger::{person, revocation};
use ca::moment::Local;
use ca::public_key;
use clap::{Args, Subcommand};
use grant::{PersonName, PublicKey, VendorName};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Context, vendor};
use crate::printer::{Failure, hint};

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    Add(Add),
    List(List),
    Show(Show),
    End(End),
}

/// Add a person with public keys, or enrol more keys of one
///
/// A key has one owner for ever: it cannot belong to two persons, nor to a person and an approver.
/// Accepted are ed25519, ecdsa-p256, rsa of 3072 bits or more, sk-ed25519 and sk-ecdsa.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca person add acme/jo --key jo.pub --email jo@acme.example
  ca person add acme/jo --key laptop.pub --key token.pub
  ca person add acme/jo --key new.pub --existing   enrol one more key")]
pub(crate) struct Add {
    /// The person, written vendor/name
    name: PersonName,
    /// A public key file of the person; can stand more than once
    #[arg(long = "key", value_name = "FILE.pub", required = true)]
    keys: Vec<PathBuf>,
    /// Where to reach the person
    #[arg(long, value_name = "ADDRESS", conflicts_with = "existing")]
    email: Option<Email>,
    /// The person exists: enrol these keys as well
    #[arg(long)]
    existing: bool,
}

/// List the persons
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca person list\n  ca person list --vendor acme --json")]
pub(crate) struct List {
    /// Only those of this vendor
    #[arg(long, value_name = "VENDOR")]
    vendor: Option<VendorName>,
}

/// Show a person and the keys
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca person show acme/jo")]
pub(crate) struct Show {
    /// The person
    name: PersonName,
}

/// End a person, or one key of a person, now and for good
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca person end acme/jo
  ca person end acme/jo --key lost.pub    only this key")]
pub(crate) struct End {
    /// The person
    name: PersonName,
    /// Only this key
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
}

impl Person {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(context),
            Self::List(command) => command.run(context),
            Self::Show(command) => command.run(context),
            Self::End(command) => command.run(context),
        }
    }
}

/// The keys in files, each once.
pub(crate) fn read_keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let mut keys = Vec::new();
    for file in files {
        let key = public_key::read(file)?;
        if keys.contains(&key) {
            return Err(Failure::usage(format!("{} holds a key that was given already", file.display())));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// A key for programs.
pub(crate) fn key_json(enrolled: &EnrolledKey) -> Value {
    json!({
        "fingerprint": enrolled.key.fingerprint().to_string(),
        "key": enrolled.key.to_line(),
        "added_at": enrolled.added_at.to_string(),
        "ended_at": enrolled.ended_at.map(|t| t.to_string()),
    })
}

/// A key for people.
pub(crate) fn key_text(enrolled: &EnrolledKey) -> String {
    let kind = enrolled.key.as_ssh().algorithm().to_string();
    let ended = enrolled.ended_at.map_or(String::new(), |at| format!(" (ended {})", Local(at)));
    format!("{} {kind}{ended}", enrolled.key.fingerprint())
}

fn state(ledger: &Connection, person: &person::Person) -> Result<&'static str, Failure> {
    Ok(match person.ended_at {
        _ if revocation::of_person(ledger, &person.name)?.is_some() => "revoked",
        None => "active",
        Some(_) => "ended",
    })
}

fn to_json(ledger: &Connection, person: &person::Person) -> Result<Value, Failure> {
    let keys = key::of(ledger, &person.owner())?;
    Ok(json!({
        "name": person.name.as_str(),
        "vendor": person.name.vendor().as_str(),
        "state": state(ledger, person)?,
        "email": person.email.as_ref().map(Email::as_str),
        "added_at": person.added_at.to_string(),
        "ended_at": person.ended_at.map(|t| t.to_string()),
        "keys": keys.iter().map(key_json).collect::<Vec<_>>(),
    }))
}

impl Add {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let keys = read_keys(&self.keys)?;
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        if self.existing {
            person::add_keys(&change, &self.name, &keys)?;
        } else {
            person::add(&change, &self.name, self.email.as_ref(), &keys)?;
        }
        change.commit()?;
        let ledger = authority.ledger();
        let person = person::find(ledger, &self.name)?;
        let fingerprints: Vec<_> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
        let text = format!("person {}: enrolled {}", self.name, fingerprints.join(", "));
        context.out.either(text, &to_json(ledger, &person)?)
    }
}

impl List {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let ledger = authority.ledger();
        if let Some(name) = &self.vendor {
            vendor::expect_known(ledger, name)?;
        }
        let persons = person::all(ledger, self.vendor.as_ref())?;
        if context.out.json {
            let values = persons.iter().map(|p| to_json(ledger, p)).collect::<Result<Vec<_>, _>>()?;
            return context.out.json(&values.into());
        }
        let mut rows = Vec::new();
        for person in &persons {
            rows.push(vec![
                person.name.to_string(),
                state(ledger, person)?.to_owned(),
                key::active_of(ledger, &person.owner())?.len().to_string(),
                person.email.as_ref().map_or("-".to_owned(), ToString::to_string),
            ]);
        }
        context.out.table(&["person", "state", "keys", "email"], rows, "no persons yet")
    }
}

impl Show {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let ledger = authority.ledger();
        let person = person::find(ledger, &self.name)?;
        if context.out.json {
            return context.out.json(&to_json(ledger, &person)?);
        }
        let mut pairs = vec![
            ("person", person.name.to_string()),
            ("state", state(ledger, &person)?.to_owned()),
            ("added", Local(person.added_at).to_string()),
        ];
        pairs.extend(person.email.as_ref().map(|email| ("email", email.to_string())));
        pairs.extend(person.ended_at.map(|at| ("ended", Local(at).to_string())));
        if let Some(r) = revocation::of_person(ledger, &self.name)? {
            pairs.push(("revoked", format!("{}, {}: {}", r.target, Local(r.revoked_at), r.reason)));
        }
        pairs.extend(key::of(ledger, &person.owner())?.iter().map(|k| ("key", key_text(k))));
        context.out.pairs(&pairs)
    }
}

impl End {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let key = self.key.as_deref().map(public_key::read).transpose()?;
        let mut authority = context.authority()?;
        let now = context.now();
        let change = authority.change(now)?;
        let person = person::find(&change, &self.name)?;
        let text = match &key {
            None => {
                person::end(&change, &self.name)?;
                format!("person {} ended", self.name)
            }
            Some(key) => {
                let fingerprint = key.fingerprint();
                key::end(&change, &fingerprint, &person.owner())?;
                format!("person {}: the key {fingerprint} ended", self.name)
            }
        };
        change.commit()?;
        let ledger = authority.ledger();
        context.out.either(text, &to_json(ledger, &person::find(ledger, &self.name)?)?)?;
        if !context.out.json && key.is_none() {
            hint(&format!(
                "certificates that were signed live on for minutes; to end these too: ca revoke --person {} --reason TEXT",
                self.name
            ));
        }
        Ok(())
    }
}
