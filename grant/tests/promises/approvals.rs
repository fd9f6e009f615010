//! Approvals: whose count, whose do not, and what no approval can be made to say.

use std::rc::Rc;

use base64ct::{Base64, Encoding};
use grant::{Approval, Approvals, limits};

use crate::software_sk::{TOUCHED, sk_ed25519};
use crate::support::case::{Case, approvers, jo, jo_at_home, kim, lee};
use crate::support::raw_certificate::text;
use crate::support::soft_key::{Key, ecdsa, ed25519};
use crate::support::sshsig::{SshSig, approval, approvals_text, armored};
use crate::support::verdicts::{allowed, refused, refused_and_told};
use crate::support::wire::Wire;

fn too_few(case: &Case, told: &str) {
    let told = format!("grant G-7F3K9Q has {told}; ask another approver to sign it");
    refused_and_told(case.verdict(), "too-few-approvals", &told);
}

#[test]
fn a_grant_that_nobody_approved_is_refused() {
    let mut case = Case::allowed();
    case.approved_by.clear();
    too_few(&case, "0 of the 1 approvals needed here");
}

#[test]
fn an_approval_by_the_requester_does_not_count() {
    let mut case = Case::allowed();
    // Even if somebody has made the requester an approver, and whichever of her keys she takes.
    case.trust.approvers = approvers(&[("jo", "", &jo()), ("jo", "", &jo_at_home()), ("kim", "", &kim())]);
    for key in [jo(), jo_at_home()] {
        case.approved_by = vec![Rc::new(key)];
        too_few(&case, "0 of the 1 approvals needed here (not counted: one by a key of the requester)");
    }
    case.approved_by.push(Rc::new(kim()));
    assert_eq!(allowed(case.verdict()).approved_by, ["kim".parse().unwrap()]);
}

#[test]
fn an_approval_by_a_stranger_does_not_count() {
    let mut case = Case::allowed();
    case.approved_by = vec![Rc::new(ed25519(66))];
    too_few(&case, "0 of the 1 approvals needed here (not counted: one by a key that is no approver's here)");
}

#[test]
fn an_approver_of_another_host_does_not_count_here() {
    let mut case = Case::allowed();
    case.trust.approvers = approvers(&[("lee", "", &lee())]);
    too_few(&case, "0 of the 1 approvals needed here (not counted: one by a key that is no approver's here)");
    case.trust.approvers = approvers(&[]);
    too_few(&case, "0 of the 1 approvals needed here (not counted: one by a key that is no approver's here)");
}

#[test]
fn an_approval_by_an_ended_approver_does_not_count() {
    let mut case = Case::allowed();
    let told = "0 of the 1 approvals needed here (not counted: one by kim, whose key is not valid now)";
    for (options, counts) in [
        (",valid-before=\"20261124141000Z\"", false),
        (",valid-before=\"20261124141001Z\"", true),
        (",valid-after=\"20261124141000Z\"", true),
        (",valid-after=\"20261124141001Z\"", false),
    ] {
        case.trust.approvers = approvers(&[("kim", options, &kim())]);
        if counts { drop(allowed(case.verdict())) } else { too_few(&case, told) }
    }
}

#[test]
fn two_keys_of_one_approver_count_once() {
    let mut case = Case::allowed();
    case.fields.approvals = 2;
    case.trust.approvers = approvers(&[("kim", "", &kim()), ("kim", "", &ecdsa(55)), ("lee", "", &lee())]);
    case.approved_by = vec![Rc::new(kim()), Rc::new(ecdsa(55))];
    too_few(&case, "1 of the 2 approvals needed here (not counted: a second one by kim)");
    case.approved_by.push(Rc::new(lee()));
    assert_eq!(allowed(case.verdict()).approved_by.len(), 2);
}

#[test]
fn two_signatures_by_one_key_count_once() {
    let mut case = Case::allowed();
    case.fields.approvals = 2;
    let document = case.document();
    let other_hash = SshSig { hash: "sha256", ..SshSig::approval() };
    let approvals = [approval(&kim(), &document), other_hash.by(&kim(), document.as_bytes())];
    let certificate = case.certificate_with(&approvals);
    let told = "grant G-7F3K9Q has 1 of the 2 approvals needed here (not counted: a second one by kim); ask another approver to sign it";
    refused_and_told(case.verdict_on_certificate(&certificate), "too-few-approvals", told);
    // Each of them alone is one.
    case.fields.approvals = 1;
    let document = case.document();
    let certificate = case.certificate_with(&[other_hash.by(&kim(), document.as_bytes())]);
    allowed(case.verdict_on_certificate(&certificate));
}

#[test]
fn one_key_can_not_be_two_approvers() {
    let line = |name| format!("{name} namespaces=\"grant@pam-jit\" {}\n", kim().line());
    let error = grant::Approvers::parse(&(line("kim") + &line("lee"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2 of the approvers: the key stands in the file already, as a key of kim"
    );
}

#[test]
fn the_same_approval_twice_is_refused() {
    let case = Case::allowed();
    let approvals = [case.approvals(), case.approvals()].concat();
    refused(case.verdict_on_certificate(&case.certificate_with(&approvals)), "approvals");
}

#[test]
fn a_host_can_demand_more_approvals_than_the_grant() {
    let mut case = Case::allowed();
    case.trust.minimum_approvals = 2;
    too_few(&case, "1 of the 2 approvals needed here");
    case.approved_by.push(Rc::new(lee()));
    allowed(case.verdict());
}

#[test]
fn a_host_can_not_demand_fewer_approvals_than_the_grant() {
    let mut case = Case::allowed();
    case.fields.approvals = 2;
    for minimum in [0, 1] {
        case.trust.minimum_approvals = minimum;
        too_few(&case, "1 of the 2 approvals needed here");
    }
    let mut case = Case::allowed();
    case.trust.minimum_approvals = 0;
    case.approved_by.clear();
    too_few(&case, "0 of the 1 approvals needed here");
}

#[test]
fn a_stolen_ca_key_cannot_forge_an_approval() {
    let case = Case::allowed();
    // The thief signs what she likes. She has an approval of one grant and wants another.
    let approvals = case.approvals();
    type Change = fn(&mut grant::GrantFields);
    let wishes: [Change; 8] = [
        |f| f.accounts = ["acme-support".parse().unwrap(), "root".parse().unwrap()].into(),
        |f| f.hosts = ["db1.prod".parse().unwrap(), "db2.prod".parse().unwrap()].into(),
        |f| f.roles = ["db".parse().unwrap()].into(),
        |f| f.sources = "any".parse().unwrap(),
        |f| f.features = "pty,sftp,agent".parse().unwrap(),
        |f| f.window = crate::support::case::window("2026-11-24T14:00:00Z", "2026-11-24T14:30:01Z"),
        |f| f.id = "G-7F3K9R".parse().unwrap(),
        |f| f.ticket = None,
    ];
    for wish in wishes {
        let mut theft = case.clone();
        wish(&mut theft.fields);
        let told =
            format!("an approval of grant {} does not hold; ask for a new certificate", theft.fields.id);
        let certificate = theft.certificate_with(&approvals);
        refused_and_told(theft.verdict_on_certificate(&certificate), "bad-approval", &told);
        // Without any, or with one by the CA key itself.
        let certificate = theft.certificate_with(&[]);
        refused(theft.verdict_on_certificate(&certificate), "too-few-approvals");
        let certificate = theft.certificate_with(&[approval(&*theft.ca, &theft.document())]);
        refused(theft.verdict_on_certificate(&certificate), "too-few-approvals");
    }
}

#[test]
fn an_approval_does_not_replay_to_another_authority() {
    let staging = Case::allowed();
    let approvals = staging.approvals();
    let mut production = Case::allowed();
    // The same CA key, hosts, approvers; only the trust root differs.
    production.trust.authority = ed25519(77).public().fingerprint();
    let certificate = staging.certificate_with(&approvals);
    refused(production.verdict_on_certificate(&certificate), "other-authority");
    // And for a document that names production, the approval was not made.
    production.fields.authority = production.trust.authority;
    let certificate = production.certificate_with(&approvals);
    refused(production.verdict_on_certificate(&certificate), "bad-approval");
}

#[test]
fn one_approval_that_does_not_hold_spoils_the_certificate() {
    let case = Case::allowed();
    let forged = approval(&lee(), &case.document().replace("db1.prod", "db2.prod"));
    let certificate = case.certificate_with(&[case.approvals().remove(0), forged]);
    let told = "an approval of grant G-7F3K9Q does not hold; ask for a new certificate";
    refused_and_told(case.verdict_on_certificate(&certificate), "bad-approval", told);
}

#[test]
fn a_signature_that_names_another_signer_is_refused() {
    /// Says that it is kim, and signs with another key.
    struct Impostor;
    impl Key for Impostor {
        fn algorithm(&self) -> &'static str {
            kim().algorithm()
        }
        fn fields(&self) -> Vec<u8> {
            kim().fields()
        }
        fn sign(&self, message: &[u8]) -> Vec<u8> {
            ed25519(66).sign(message)
        }
    }
    let mut case = Case::allowed();
    case.approved_by = vec![Rc::new(Impostor)];
    refused(case.verdict(), "bad-approval");
}

#[test]
fn a_signature_of_another_algorithm_than_its_key_is_refused() {
    /// Says that it is kim's plain key, and signs as a security key that has the same point would.
    struct Confused;
    impl Key for Confused {
        fn algorithm(&self) -> &'static str {
            kim().algorithm()
        }
        fn fields(&self) -> Vec<u8> {
            kim().fields()
        }
        fn sign(&self, message: &[u8]) -> Vec<u8> {
            sk_ed25519(5, TOUCHED).sign(message)
        }
    }
    let mut case = Case::allowed();
    case.approved_by = vec![Rc::new(Confused)];
    refused(case.verdict(), "bad-approval");
    let read = Approval::from_blob(&case.approvals()[0]).unwrap();
    assert_eq!(read.verify(case.document().as_bytes()), Err(grant::SignatureError::Algorithm));
}

#[test]
fn unreadable_approvals_are_refused() {
    let mut case = Case::allowed();
    case.approved_by.push(Rc::new(lee()));
    let good = approvals_text(&case.approvals());
    let mut backwards: Vec<_> = good.lines().collect();
    backwards.reverse();
    let nine = approvals_text(&(100..109).map(|n| approval(&ecdsa(n), &case.document())).collect::<Vec<_>>());
    let told = "the certificate's approvals are not readable; ask for a new one";
    for (bad, logged) in [
        (String::new(), "the list of approvals is not lines of base64 in strictly ascending order"),
        ("\n".to_owned(), "the list of approvals is not lines of base64 in strictly ascending order"),
        (
            good.trim_end().to_owned(),
            "the list of approvals is not lines of base64 in strictly ascending order",
        ),
        (good.clone() + "\n", "the list of approvals is not lines of base64 in strictly ascending order"),
        (
            good.replace('\n', "\r\n"),
            "the list of approvals is not lines of base64 in strictly ascending order",
        ),
        (format!(" {good}"), "the list of approvals is not lines of base64 in strictly ascending order"),
        (
            backwards.join("\n") + "\n",
            "the list of approvals is not lines of base64 in strictly ascending order",
        ),
        (
            armored(&case.approvals()[0]),
            "the list of approvals is not lines of base64 in strictly ascending order",
        ),
        ("AAAA\n".to_owned(), "not an SSH signature as `ssh-keygen -Y sign` makes it"),
        (nine, "more than 8 approvals"),
    ] {
        let mut certificate = case.certificate();
        *certificate.extension("approvals@pam-jit") = if bad.is_empty() { Vec::new() } else { text(&bad) };
        let refusal = refused(case.verdict_on_certificate(&certificate), "approvals");
        assert_eq!(refusal.reason.told(), format!("access refused: {told}"));
        assert_eq!(refusal.reason.logged(), logged, "{bad:?}");
    }
}

#[test]
fn a_signature_for_something_else_is_no_approval() {
    let document = Case::allowed().document();
    let sign = |sig: SshSig<'_>| Approval::from_blob(&sig.by(&kim(), document.as_bytes()));
    let ours = SshSig::approval();
    sign(ours).unwrap().verify(document.as_bytes()).unwrap();
    for (sig, error) in [
        (
            SshSig { namespace: "file", ..ours },
            "the signature is for the namespace `file`, not `grant@pam-jit`",
        ),
        (
            SshSig { namespace: "a\n\u{202e}b", ..ours },
            "the signature is for the namespace `a\\n\\u{202e}b`, not `grant@pam-jit`",
        ),
        (
            SshSig { namespace: "grant@pam-jit ", ..ours },
            "the signature is for the namespace `grant@pam-jit `, not `grant@pam-jit`",
        ),
        (SshSig { namespace: "", ..ours }, "not an SSH signature as `ssh-keygen -Y sign` makes it"),
        (SshSig { version: 2, ..ours }, "not an SSH signature as `ssh-keygen -Y sign` makes it"),
        (SshSig { version: 0, ..ours }, "the SSH signature is not in canonical form"),
        (SshSig { reserved: b"x", ..ours }, "the SSH signature is not in canonical form"),
        (SshSig { hash: "md5", ..ours }, "not an SSH signature as `ssh-keygen -Y sign` makes it"),
    ] {
        assert_eq!(sign(sig).unwrap_err().to_string(), error);
    }
}

#[test]
fn the_bytes_that_an_agent_signs_make_the_same_approval() {
    let document = Case::allowed().document();
    let signed = Approval::signed_data(document.as_bytes());
    let signature = ssh_key::Signature::try_from(&kim().sign(&signed)[..]).unwrap();
    let made = Approval::from_signature(&kim().public(), signature).unwrap();
    assert_eq!(made.as_blob(), approval(&kim(), &document));
    assert_eq!(made.to_armored(), armored(made.as_blob()));
    assert_eq!(Approval::from_armored(&made.to_armored()).unwrap(), made);
}

#[test]
fn an_oversized_signature_is_refused_before_it_is_read() {
    let too_long = |bytes| format!("the signature has {bytes} bytes, more than a signature needs");
    let blob = vec![0; limits::SIGNATURE + 1];
    assert_eq!(Approval::from_blob(&blob).unwrap_err().to_string(), too_long(4097));
    let file = "-".repeat(limits::ARMORED_SIGNATURE + 1);
    assert_eq!(Approval::from_armored(&file).unwrap_err().to_string(), too_long(8193));
    let mut blob = approval(&kim(), "x");
    blob.resize(limits::SIGNATURE + 1, 0);
    let line = Base64::encode_string(&blob) + "\n";
    assert_eq!(Approvals::parse(&line).unwrap_err().to_string(), too_long(4097));
}

#[test]
fn approvals_come_in_one_order_whoever_collects_them() {
    let document = Case::allowed().document();
    let read = |key: &dyn Key| Approval::from_blob(&approval(key, &document)).unwrap();
    let (a, b, c) = (read(&kim()), read(&lee()), read(&ecdsa(55)));
    let text = Approvals::new([a.clone(), b.clone(), c.clone(), b.clone()]).unwrap().to_string();
    assert_eq!(Approvals::new([c, b, a]).unwrap().to_string(), text);
    let parsed = Approvals::parse(&text).unwrap();
    assert_eq!((parsed.len(), parsed.is_empty(), parsed.to_string()), (3, false, text));
}

#[test]
fn a_key_kind_with_control_characters_is_shown_escaped() {
    let case = Case::allowed();
    let key = Wire::new().string("a\n\u{1b}[31m@b").string("x").done();
    let signature = Wire::new().string("a\n@b").string("x").done();
    let head = Wire::new().raw(b"SSHSIG").u32(1).string(key).string("grant@pam-jit");
    let blob = head.string("").string("sha512").string(signature).done();
    refused(case.verdict_on_certificate(&case.certificate_with(&[blob])), "approvals");
}
