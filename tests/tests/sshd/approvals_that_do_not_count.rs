//! A stolen CA key approves nothing: only signatures of this host's approvers count, each person and each key once.

use e2e::authority::Request;
use e2e::forge::{self, Forge};
use e2e::identity::Identity;
use e2e::refusal::{assert_enters, assert_module_refuses};
use e2e::security_key::SecurityKey;
use e2e::world::World;
use grant::{Approval, Grant, GrantFields};

const TOO_FEW: &str = "too-few-approvals";

fn fields_needing(forge: &Forge, world: &World, approvals: u8) -> GrantFields {
    GrantFields { approvals, ..forge.fields(&world.jo) }
}

fn refused(world: &World, name: &str, grant: &Grant, approvals: &[Approval]) -> String {
    let certificate = world.forge().certificate(grant, approvals, &world.jo);
    assert_module_refuses(&world.host, &world.client(&world.forged(name, &certificate)), TOO_FEW)
}

#[test]
fn a_grant_without_approvals_is_refused() {
    let world = World::shared();
    refused(&world, "unapproved", &forge::grant(world.forge().fields(&world.jo)), &[]);
}

#[test]
fn a_grant_with_too_few_approvals_is_refused() {
    let world = World::shared();
    let grant = forge::grant(fields_needing(&world.forge(), &world, 2));
    let document = grant.render();
    let by = |approver| forge::approve(document.as_bytes(), approver);
    let told = refused(&world, "one-of-two", &grant, &[by(&world.kim)]);
    assert!(told.contains("1 of the 2 approvals"), "{told}");
    let certificate = world.forge().approved(&grant, &[&world.kim, &world.lee], &world.jo);
    assert_enters(&world.host, &world.client(&world.forged("two-of-two", &certificate)));
}

#[test]
fn the_authority_signs_no_grant_with_too_few_approvals() {
    let world = World::shared();
    let grant = world.authority.create(&Request::default().with("--approvals", "2"));
    let sign =
        || world.authority.ca(["sign", &grant, "--key", &world.jo.public().display().to_string(), "-o", "-"]);
    for approver in [None, Some(("kim", &world.kim))] {
        if let Some((name, key)) = approver {
            world.authority.approve(&grant, name, key);
        }
        let outcome = sign();
        assert!(outcome.code == Some(1) && outcome.stdout.is_empty(), "{outcome:?}");
    }
    world.authority.approve(&grant, "lee", &world.lee);
    assert_enters(&world.host, &world.client(&world.authority.sign(&grant, &world.jo)));
}

#[test]
fn a_host_may_demand_more_approvals_than_the_grant() {
    let world = World::fresh();
    let identity = world.granted(&Request::default());
    assert_enters(&world.host, &world.client(&identity));
    let toml =
        world.host.read("/etc/jit/host.toml").replace("minimum_approvals = 1", "minimum_approvals = 2");
    world.host.write("/etc/jit/host.toml", toml);
    assert_module_refuses(&world.host, &world.client(&identity), TOO_FEW);
}

#[test]
fn an_approval_by_the_requester_never_counts() {
    let world = World::fresh();
    // Even where the requester's key made it into the host's list of approvers.
    let line = format!("mallory namespaces=\"grant@pam-jit\" {}\n", key_of(&world.jo.public_line()));
    world.host.write("/etc/jit/approvers", world.authority.approvers() + &line);
    let grant = forge::grant(world.forge().fields(&world.jo));
    let told = refused(&world, "own", &grant, &[forge::approve(grant.render().as_bytes(), &world.jo)]);
    assert!(told.contains("requester"), "{told}");
}

#[test]
fn an_approval_by_another_key_of_the_requester_never_counts() {
    let world = World::fresh();
    let second = Identity::make(world.folder.path(), "jo-second");
    let line = format!("mallory namespaces=\"grant@pam-jit\" {}\n", key_of(&second.public_line()));
    world.host.write("/etc/jit/approvers", world.authority.approvers() + &line);
    let mut fields = world.forge().fields(&world.jo);
    fields.keys.insert(forge::public_key(&second).fingerprint());
    let grant = forge::grant(fields);
    refused(&world, "own-second", &grant, &[forge::approve(grant.render().as_bytes(), &second)]);
}

#[test]
fn an_approval_by_somebody_who_is_no_approver_never_counts() {
    let world = World::shared();
    let eve = Identity::make(world.folder.path(), "eve-approver");
    let grant = forge::grant(world.forge().fields(&world.jo));
    refused(&world, "by-eve", &grant, &[forge::approve(grant.render().as_bytes(), &eve)]);
}

#[test]
fn an_approval_by_an_ended_approver_never_counts() {
    let world = World::fresh();
    let identity = world.granted(&Request::default());
    assert_enters(&world.host, &world.client(&identity));
    drop(world.authority.ca(["approver", "end", "kim"]).ok());
    world.publish();
    assert_module_refuses(&world.host, &world.client(&identity), TOO_FEW);
    // The other way that a file says it: the key stands there, with its end.
    let line = format!(
        "kim namespaces=\"grant@pam-jit\",valid-before=\"20200101000000Z\" {}\n",
        key_of(&world.kim.public_line())
    );
    world.host.write("/etc/jit/approvers", line);
    let told = assert_module_refuses(&world.host, &world.client(&identity), TOO_FEW);
    assert!(told.contains("kim"), "{told}");
}

#[test]
fn two_approvals_by_one_approver_count_once() {
    let world = World::fresh();
    let second = Identity::make(world.folder.path(), "kim-second");
    let line = format!("kim namespaces=\"grant@pam-jit\" {}\n", key_of(&second.public_line()));
    world.host.write("/etc/jit/approvers", world.authority.approvers() + &line);
    let grant = forge::grant(fields_needing(&world.forge(), &world, 2));
    let document = grant.render();
    let approvals = [&world.kim, &second].map(|key| forge::approve(document.as_bytes(), key));
    refused(&world, "twice-kim", &grant, &approvals);
}

#[test]
fn an_approval_of_another_grant_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let [grant, other] = [(); 2].map(|()| forge::grant(forge.fields(&world.jo)));
    let certificate =
        forge.certificate(&grant, &[forge::approve(other.render().as_bytes(), &world.kim)], &world.jo);
    assert_module_refuses(&world.host, &world.client(&world.forged("moved", &certificate)), "bad-approval");
}

#[test]
fn an_approval_by_a_security_key_counts_only_when_it_was_touched() {
    let world = World::fresh();
    let fido = SecurityKey::make();
    let public = world.folder.path().join("fido.pub");
    std::fs::write(&public, format!("{}\n", fido.public_line())).expect("writes a public key");
    world.authority.appoint("sam", &public);
    world.publish();
    let sign = |document: &str, touched| fido.sign("grant@pam-jit", document.as_bytes(), touched);

    // Through the front door: the document, a signature made elsewhere, `ca approve --signature`.
    let id = world.authority.create(&Request::default());
    let document = world.authority.ca(["grant", "show", &id, "--document"]).ok().stdout;
    let file = world.folder.path().join("fido.sig");
    let approve = |touched| {
        std::fs::write(&file, sign(&document, touched)).expect("writes a signature");
        world.authority.ca(["approve", &id, "--as", "sam", "--signature", &file.display().to_string()])
    };
    let untouched = approve(false);
    assert_eq!(untouched.code, Some(1), "the authority takes no untouched approval: {untouched:?}");
    drop(approve(true).ok());
    assert_enters(&world.host, &world.client(&world.authority.sign(&id, &world.jo)));

    // Around it: a thief of the CA key embeds the untouched one.
    let grant = forge::grant(world.forge().fields(&world.jo));
    let approval = Approval::from_armored(&sign(&grant.render(), false)).expect("an SSHSIG");
    let told = refused(&world, "untouched", &grant, &[approval]);
    assert!(told.contains("touch"), "{told}");
}

/// Type and base64 of a public key line, without its comment.
fn key_of(line: &str) -> String {
    line.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
