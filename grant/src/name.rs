//! Checked names: vendor, person, approver, host, role, account.
//!
//! A value of these types is always valid, so nothing downstream checks again. The alphabets are
//! ASCII and leave out `,` `@` `:` `=` and blanks, so that names can stand in lists, principals and
//! log fields without quoting. A role is written `role:NAME` in principals; no host name holds `:`.

use std::fmt;
use std::str::FromStr;

use crate::limits;

/// A text that is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {what}: {rule}", .text.escape_debug())]
pub struct NameError {
    what: &'static str,
    /// The offending text, cut to a printable length.
    text: String,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self { what, text: text.chars().take(64).collect(), rule }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(NameError::new($what, text, $rule)) }
            }
        }
    };
}

/// Lower case letters, digits and single inner hyphens.
fn plain(text: &str) -> bool {
    text.len() <= limits::NAME && label(text)
}

fn label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn account(text: &str) -> bool {
    text.len() <= limits::ACCOUNT
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

fn host(text: &str) -> bool {
    text.len() <= limits::HOST && text.split('.').all(|part| part.len() <= 63 && label(part))
}

fn person(text: &str) -> bool {
    text.split_once('/').is_some_and(|(vendor, name)| plain(vendor) && plain(name))
}

name!(
    /// The sub-processor company, for example `acme`.
    VendorName,
    "a vendor name",
    "1 to 32 of a-z, 0-9 and inner hyphens",
    plain
);
name!(
    /// One of us who may approve, for example `kim`.
    ApproverName,
    "an approver name",
    "1 to 32 of a-z, 0-9 and inner hyphens",
    plain
);
name!(
    /// What a host is for, for example `db`.
    RoleName,
    "a role name",
    "1 to 32 of a-z, 0-9 and inner hyphens",
    plain
);
name!(
    /// A machine that vendors log in to, for example `db1.prod`: lower case labels joined by dots.
    HostName,
    "a host name",
    "lower case labels of a-z, 0-9 and inner hyphens, joined by dots, at most 128 bytes",
    host
);
name!(
    /// The Unix account that a grant is for, for example `acme-support`.
    AccountName,
    "an account name",
    "1 to 32 of a-z, 0-9, - _ and ., beginning with a letter or _",
    account
);
name!(
    /// An engineer of a vendor, written `vendor/name`, for example `acme/jo`.
    PersonName,
    "a person",
    "written vendor/name, each part 1 to 32 of a-z, 0-9 and inner hyphens",
    person
);

impl PersonName {
    /// The vendor that the person works for.
    #[must_use]
    pub fn vendor(&self) -> VendorName {
        // A person's name holds exactly one slash, by construction.
        VendorName(self.0.split('/').next().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_no_separator_and_no_surprise() {
        for bad in
            ["", "-", "a-", "-a", "a,b", "a@b", "a:b", "a b", "A", "ä", "a\u{202e}b", "a\n", "a=b", "a/b"]
        {
            assert!(bad.parse::<VendorName>().is_err(), "{bad:?}");
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
            assert!(bad.parse::<RoleName>().is_err(), "{bad:?}");
        }
        for bad in ["acme", "acme/", "/jo", "acme/jo/x", "acme//jo", "Acme/jo"] {
            assert!(bad.parse::<PersonName>().is_err(), "{bad:?}");
        }
        for bad in ["", "0a", "-a", "a/b", "a@b", "root\n", "A"] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad:?}");
        }
        for bad in [".", "a..b", "a.", ".a"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ordinary_names_are_names() {
        assert_eq!("acme/jo".parse::<PersonName>().unwrap().vendor().as_str(), "acme");
        assert!("db1.prod.example".parse::<HostName>().is_ok());
        assert!("acme-support".parse::<AccountName>().is_ok());
        assert!("_svc.a".parse::<AccountName>().is_ok());
    }

    #[test]
    fn a_name_error_shows_hostile_text_escaped() {
        let shown = "a\n\u{202e}b".parse::<VendorName>().unwrap_err().to_string();
        assert!(shown.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{shown}");
    }
}
