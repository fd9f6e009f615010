//! Keys in an ssh-agent: the real one, and one of ours that plays a FIDO key with and without a touch.
//!
//! The real agent shows that the protocol is understood; the played one shows what no test machine has: a
//! security key, touched or not.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Stdio};

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use ssh_key::public::{Ed25519PublicKey, KeyData, SkEd25519};

use crate::scene::{Scene, wait_until};

/// A real ssh-agent that ends with the test.
struct RealAgent(Child);

impl RealAgent {
    fn start(scene: &mut Scene) -> Self {
        let socket = scene.path("agent.sock");
        let child = scene
            .command("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent is needed for this test");
        wait_until("ssh-agent listens", || UnixStream::connect(&socket).is_ok());
        scene.set_env("SSH_AUTH_SOCK", &socket);
        Self(child)
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_trust_root_can_live_in_an_agent() {
    let mut scene = Scene::new();
    std::fs::rename(scene.path("ca/trust_root"), scene.path("root")).unwrap();
    let agent = RealAgent::start(&mut scene);
    let make = ["host", "bundle", "db1.prod", "-o", "b", "--agent"];
    scene.ca(make).refused_with("the ssh-agent does not hold the key SHA256:");
    scene.run("ssh-add", ["-q", "root"]).ok();
    scene.ca(make).ok();
    assert!(grant::SignedBundle::read(scene.read("b").as_bytes()).is_ok());
    drop(agent);
}

#[test]
fn the_ca_key_can_live_in_an_agent() {
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let mut scene = Scene::empty();
        for (name, kind) in [("root", kind), ("jo", "ed25519"), ("kim", "ed25519")] {
            scene.make_key(name, kind);
        }
        let agent = RealAgent::start(&mut scene);
        let init = ["init", "--no-passphrase", "--ca-key-agent", "root.pub"];
        scene.ca(init).refused_with("the ssh-agent does not hold the key SHA256:");
        scene.run("ssh-add", ["-q", "root"]).ok();
        scene.ca(init).ok();
        // Only the public half is ours.
        assert!(!scene.authority().join("ca_key").exists());
        assert!(scene.read("ca/ca_key.pub").starts_with(scene.read("root.pub").rsplit_once(' ').unwrap().0));
        scene.ca(["vendor", "add", "acme", "--until", "2099-12-31"]).ok();
        scene.ca(["person", "add", "acme/jo", "--key", "jo.pub"]).ok();
        scene.ca(["approver", "add", "kim", "--key", "kim.pub"]).ok();
        scene.ca(["host", "add", "db1.prod"]).ok();
        let id = scene.signed(&[]);
        assert!(scene.ca(["inspect", "jo-cert.pub"]).ok().contains("accepted now: yes"));
        assert!(scene.run("ssh-keygen", ["-L", "-f", "jo-cert.pub"]).ok().contains("Serial: 1"));
        scene.expect_well();

        // Without the key, or without the agent, nothing is signed and no serial is lost.
        scene.run("ssh-add", ["-q", "-D"]).ok();
        let sign = ["sign", &id, "--key", "jo.pub"];
        scene.ca(sign).refused_with("the ssh-agent does not hold the key SHA256:");
        assert_eq!(scene.ca(["check"]).code, 1);
        drop(agent);
        scene.ca(sign).refused_with("cannot talk to the ssh-agent at ");
        let unset = scene.shell(&format!("unset SSH_AUTH_SOCK; ca sign {id} --key jo.pub"));
        unset.refused("no ssh-agent: SSH_AUTH_SOCK is not set");
        std::fs::remove_file(scene.path("agent.sock")).unwrap();
        let _agent = RealAgent::start(&mut scene);
        scene.run("ssh-add", ["-q", "root"]).ok();
        scene.ca(sign).ok();
        let serials: Vec<_> = scene.events().iter().filter_map(|event| event["serial"].as_u64()).collect();
        assert_eq!(serials, [1, 2]);
    }
}

#[test]
fn a_locked_agent_is_an_error_and_no_certificate() {
    let mut scene = Scene::new();
    let _agent = RealAgent::start(&mut scene);
    let id = scene.grant(&[]);
    scene.run("ssh-add", ["-q", "kim"]).ok();
    let approve = ["approve", &id, "--as", "kim", "--agent"];
    scene.shell("printf '#!/bin/sh\\necho locked\\n' > ask && chmod +x ask").ok();
    let lock =
        |flag: &str| scene.shell(&format!("SSH_ASKPASS=./ask SSH_ASKPASS_REQUIRE=force ssh-add {flag}"));
    lock("-x").ok();
    scene.ca(approve).refused("the ssh-agent holds no key of the approver kim");
    lock("-X").ok();
    scene.ca(approve).ok();
}

#[test]
fn an_approver_can_sign_through_an_agent() {
    let mut scene = Scene::new();
    let _agent = RealAgent::start(&mut scene);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let name = format!("with-{kind}");
        scene.make_key(&name, kind);
        scene.ca(["approver", "add", &name, "--key", &format!("{name}.pub")]).ok();
        let id = scene.grant(&[]);
        let approve = ["approve", &id, "--as", &name, "--agent"];
        scene.ca(approve).refused(&format!("the ssh-agent holds no key of the approver {name}"));
        scene.run("ssh-add", ["-q", &name]).ok();
        scene.ca(approve).ok();
        scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
        assert!(scene.ca(["inspect", "jo-cert.pub"]).ok().contains("accepted now: yes"));
    }
}

/// A FIDO key in an agent, in software: PROTOCOL.u2f's signature, with the flags that are wanted.
fn play_fido_key(socket: &Path, flags: u8) -> String {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let point = Ed25519PublicKey(secret.verifying_key().to_bytes());
    let public = ssh_key::PublicKey::from(KeyData::SkEd25519(SkEd25519::new(point, "ssh:")));
    let line = public.to_openssh().unwrap();
    let blob = public.to_bytes().unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&mut stream.unwrap(), &secret, &blob, flags);
        }
    });
    line
}

fn answer(stream: &mut UnixStream, secret: &SigningKey, blob: &[u8], flags: u8) {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        let mut reply = Vec::new();
        if request[0] == 11 {
            reply.push(12);
            reply.extend(1_u32.to_be_bytes());
            string(&mut reply, blob);
            string(&mut reply, b"a key to touch");
        } else {
            let message = &request[1 + 4 + blob.len() + 4..request.len() - 4];
            let mut signed = Sha256::digest(b"ssh:").to_vec();
            signed.push(flags);
            signed.extend(5_u32.to_be_bytes());
            signed.extend(Sha256::digest(message));
            let mut signature = Vec::new();
            string(&mut signature, b"sk-ssh-ed25519@openssh.com");
            string(&mut signature, &secret.sign(&signed).to_bytes());
            signature.push(flags);
            signature.extend(5_u32.to_be_bytes());
            reply.push(14);
            string(&mut reply, &signature);
        }
        let mut framed = Vec::new();
        string(&mut framed, &reply);
        stream.write_all(&framed).unwrap();
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

#[test]
fn a_touched_fido_key_approves_and_an_untouched_one_does_not() {
    for (flags, touched) in [(0x01, true), (0x05, true), (0x00, false), (0x04, false)] {
        let mut scene = Scene::new();
        let socket = scene.path("fido.sock");
        let line = play_fido_key(&socket, flags);
        scene.set_env("SSH_AUTH_SOCK", &socket);
        scene.write("sk.pub", line);
        scene.ca(["approver", "add", "sk", "--key", "sk.pub"]).ok();
        let id = scene.grant(&[]);
        let approved = scene.ca(["approve", &id, "--as", "sk", "--agent"]);
        if touched {
            approved.ok();
            scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
            assert!(scene.ca(["inspect", "jo-cert.pub"]).ok().contains("accepted now: yes"));
        } else {
            let why = format!("the signature does not approve grant {id}: the security key was not touched");
            approved.refused(&why);
            scene.ca(["sign", &id, "--key", "jo.pub"]).refused_with("has 0 of 1 approvals");
        }
    }
}

#[test]
fn the_ca_key_can_be_a_fido_key() {
    let mut scene = Scene::empty();
    for name in ["jo", "kim"] {
        scene.make_key(name, "ed25519");
    }
    let socket = scene.path("fido.sock");
    let line = play_fido_key(&socket, 0x01);
    scene.set_env("SSH_AUTH_SOCK", &socket);
    scene.write("sk.pub", line);
    scene.ca(["init", "--no-passphrase", "--ca-key-agent", "sk.pub"]).ok();
    scene.ca(["vendor", "add", "acme", "--until", "2099-12-31"]).ok();
    scene.ca(["person", "add", "acme/jo", "--key", "jo.pub"]).ok();
    scene.ca(["approver", "add", "kim", "--key", "kim.pub"]).ok();
    scene.ca(["host", "add", "db1.prod"]).ok();
    scene.signed(&[]);
    let shown = scene.run("ssh-keygen", ["-L", "-f", "jo-cert.pub"]).ok();
    assert!(shown.contains("Signing CA: ED25519-SK"), "{shown}");
    assert!(scene.ca(["inspect", "jo-cert.pub"]).ok().contains("accepted now: yes"));
}
