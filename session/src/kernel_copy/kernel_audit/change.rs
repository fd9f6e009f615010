//! What somebody did to audit, as its own records of changes tell it: rules removed, the switch.

use super::rule::Owner;
use super::text;

/// What a record of a change says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A rule of this session of ours was removed.
    Removed(u32),
    /// Audit was switched on or off by this account.
    Switched { on: bool, by: String },
    /// The rules were locked until the next boot by this account; audit is on.
    Locked { by: String },
    /// Nothing that concerns us.
    Other,
}

impl Change {
    pub(super) fn read(owner: &Owner, fields: &[u8]) -> Self {
        let get = |name| text::field(fields, name);
        if get("res") != Some(b"1") {
            return Self::Other;
        }
        if let Some(enabled) = get("audit_enabled") {
            let by = get("auid").and_then(text::number::<u32>).filter(|auid| *auid != u32::MAX);
            let by = by.map_or_else(|| "somebody".to_owned(), |auid| format!("uid {auid}"));
            return match enabled {
                b"2" => Self::Locked { by },
                enabled => Self::Switched { on: enabled != b"0", by },
            };
        }
        // Old kernels put the word in quotes.
        let removed =
            get("op").is_some_and(|op| op.trim_ascii() == b"remove_rule" || op == b"\"remove_rule\"");
        let session = get("key").and_then(text::text).and_then(|key| owner.session(&key));
        session.filter(|_| removed).map_or(Self::Other, Self::Removed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_change_that_concerns_us_is_told_from_others() {
        let owner = Owner::of(Path::new("/run/jit"));
        let read = |text: &str| Change::read(&owner, text.as_bytes());
        assert_eq!(
            read(r#" auid=0 ses=1 op=remove_rule key="jit:17:/run/jit" list=4 res=1"#),
            Change::Removed(17)
        );
        assert_eq!(
            read(" op=set audit_enabled=0 old=1 auid=1000 ses=3 res=1"),
            Change::Switched { on: false, by: "uid 1000".to_owned() }
        );
        assert_eq!(
            read(" op=set audit_enabled=2 old=1 auid=0 ses=3 res=1"),
            Change::Locked { by: "uid 0".to_owned() }
        );
        for other in [
            // What the kernel says of a rule that it refuses for the lock.
            " op=add_rule audit_enabled=2 res=0",
            r#" op=add_rule key="jit:17:/run/jit" list=4 res=1"#,
            r#" op=remove_rule key="jit:17:/run/jit" list=4 res=0"#,
            r#" op=remove_rule key="theirs" list=4 res=1"#,
            " op=set audit_backlog_limit=8192 old=64 auid=0 res=1",
        ] {
            assert_eq!(read(other), Change::Other, "{other}");
        }
    }
}
