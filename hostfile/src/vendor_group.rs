//! Who is a vendor account: uid >= 1000 and a member of the vendor group. There is no other definition.
//!
//! Asked through NSS, as sshd's `Match Group` and pam_succeed_if ask. Membership counts however it
//! came about: the account's primary group, its name in the group, or a group list from a directory
//! service. An account that does not exist is no vendor; a group that does not exist is an error,
//! because then nobody can say who is one.

use std::ffi::CString;

use nix::unistd::{Gid, Group, User, getgrouplist};

use crate::error::HostfileError;

/// The lowest uid of a vendor account. Below are the system's own accounts, root among them.
pub const FIRST_UID: u32 = 1000;

/// Whether `account` is a vendor account: a member of `group` with a uid of at least [`FIRST_UID`].
///
/// # Errors
/// [`HostfileError::Lookup`] if NSS fails, the group does not exist, or NSS answers for another
/// name than the one asked for.
pub fn is_vendor(account: &str, group: &str) -> Result<bool, HostfileError> {
    Ok(match find_account(account)? {
        Some(user) if user.uid.as_raw() >= FIRST_UID => is_member(&user, &find_group(group)?)?,
        Some(_) => false,
        None => false,
    })
}

/// Whether `account` is a member of `group`, whatever its uid: for finding accounts that are in the
/// group and, with a low uid, are nevertheless jumped over.
///
/// # Errors
/// As [`is_vendor`].
pub fn is_in_group(account: &str, group: &str) -> Result<bool, HostfileError> {
    match find_account(account)? {
        Some(user) => is_member(&user, &find_group(group)?),
        None => Ok(false),
    }
}

fn find_account(account: &str) -> Result<Option<User>, HostfileError> {
    let fail = |problem: String| HostfileError::Lookup { what: "account", name: account.to_owned(), problem };
    let Some(user) = User::from_name(account).map_err(|e| fail(e.desc().to_owned()))? else {
        return Ok(None);
    };
    // A directory service may fold case or cut a domain off: then two names mean one account.
    if user.name == account {
        Ok(Some(user))
    } else {
        Err(fail("the system knows it by another name".to_owned()))
    }
}

fn find_group(group: &str) -> Result<Group, HostfileError> {
    let fail = |problem: &str| HostfileError::Lookup {
        what: "group",
        name: group.to_owned(),
        problem: problem.to_owned(),
    };
    Group::from_name(group)
        .map_err(|e| fail(e.desc()))?
        .ok_or_else(|| fail("there is no such group: groupadd --system it"))
}

fn is_member(user: &User, group: &Group) -> Result<bool, HostfileError> {
    if user.gid == group.gid || group.mem.contains(&user.name) {
        return Ok(true);
    }
    let fail = |problem: &str| HostfileError::Lookup {
        what: "account",
        name: user.name.clone(),
        problem: problem.to_owned(),
    };
    let name = CString::new(user.name.as_str()).map_err(|_| fail("the name holds a NUL"))?;
    let gids: Vec<Gid> = getgrouplist(&name, user.gid).map_err(|e| fail(e.desc()))?;
    Ok(gids.contains(&group.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_does_not_exist_is_no_vendor() {
        assert_eq!(is_vendor("no-such-account", "root"), Ok(false));
        assert_eq!(is_in_group("no-such-account", "root"), Ok(false));
    }

    #[test]
    fn a_group_that_does_not_exist_is_an_error() {
        let error = is_in_group("root", "no-such-group").unwrap_err();
        assert!(error.to_string().contains("no-such-group"), "{error}");
    }

    #[test]
    fn membership_by_primary_group_counts() {
        assert_eq!(is_in_group("root", "root"), Ok(true));
    }

    #[test]
    fn root_is_never_a_vendor() {
        assert_eq!(is_vendor("root", "root"), Ok(false));
    }

    #[test]
    fn a_name_with_a_nul_or_hostile_text_is_refused_in_one_printable_line() {
        for name in ["a\0b", "a\u{202e}b\n"] {
            match is_vendor(name, "root") {
                Ok(member) => assert!(!member),
                Err(error) => assert!(error.to_string().is_ascii(), "{error}"),
            }
        }
    }
}
