//! What Debian's and EL's own judges say of the packages, and what lies in them.

use std::collections::BTreeSet;
use std::path::Path;

use e2e::packages::{Debs, root, rpms};
use e2e::process::{Outcome, clean, program, run};

#[test]
fn lintian_has_no_remark() {
    let mut lintian = clean(program("lintian", "lintian"));
    // Overrides would be shown: there are none.
    lintian.args(["--pedantic", "--display-experimental", "--show-overrides", "--allow-root"]);
    lintian.args(["--fail-on", "error,warning,pedantic,experimental,override"]).args(Debs::current().files());
    let said = run(lintian).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
}

#[test]
fn rpmlint_has_no_remark() {
    let mut rpmlint = clean(program("rpmlint", "rpmlint"));
    rpmlint.arg("-c").arg(root().join("packaging/rpm/rpmlint.toml")).args(rpms());
    let said = run(rpmlint).ok();
    assert!(said.stdout.contains("3 packages and 0 specfiles checked; 0 errors, 0 warnings"), "{said:?}");
}

/// The crates whose code a program says it has: where in its source it would panic. `NAME-VERSION`.
fn crates_in(program: &Path) -> BTreeSet<String> {
    let bytes = std::fs::read(program).expect("reads a program");
    let text = String::from_utf8_lossy(&bytes);
    let places = text.split("/usr/share/cargo/registry/src/").skip(1);
    places.filter_map(|place| place.split('/').nth(1).map(str::to_owned)).collect()
}

/// What a package says of others' code must have each crate that its program has, with a licence, and the texts.
fn expect_licences(third_party: &str, program: &Path) {
    let (list, texts) = third_party.split_once("\n-----").expect("a list, and texts behind it");
    let listed: BTreeSet<String> = list
        .lines()
        .filter_map(|line| {
            let (id, licence) = line.split_at_checked(40)?;
            let (name, version) = id.trim_end().split_once(' ')?;
            let is_one = version.starts_with(|c: char| c.is_ascii_digit()) && !licence.trim().is_empty();
            is_one.then(|| format!("{name}-{version}"))
        })
        .collect();
    let inside = crates_in(program);
    assert!(inside.len() > 5, "{}: {inside:?}", program.display());
    let missing: Vec<_> = inside.difference(&listed).collect();
    assert!(missing.is_empty(), "{}: {missing:?} not in {listed:?}", program.display());
    // Both have to go with the program; the first is under no other licence.
    for part in [
        "curve25519-dalek ",
        "Redistributions of source code must retain",
        "Permission is hereby granted, free of charge",
    ] {
        assert!(texts.contains(part), "{part}");
    }
}

#[test]
fn each_package_says_whose_code_is_in_its_program_and_under_which_licence() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let programs =
        [("jit-ca", "usr/bin/ca"), ("jit-host", "usr/bin/jit"), ("libpam-jit", &DEBIAN.module[1..])];
    for ((name, inside), deb) in programs.iter().zip(Debs::current().files()) {
        let into = folder.path().join(name);
        let mut extract = clean(program("dpkg-deb", "dpkg"));
        extract.arg("--extract").arg(deb).arg(&into);
        drop(run(extract).ok());
        let doc = into.join("usr/share/doc").join(name);
        let mut unpack = clean(program("zcat", "gzip"));
        unpack.arg(doc.join("THIRD-PARTY.gz"));
        expect_licences(&run(unpack).ok().stdout, &into.join(inside));
        let copyright = std::fs::read_to_string(doc.join("copyright")).expect("reads the copyright");
        assert!(copyright.contains("THIRD-PARTY.gz beside this file"), "{copyright}");
    }
    for ((name, _), rpm) in programs.iter().zip(rpms()) {
        let query = |words: &[&str]| {
            let mut query = clean(program("rpm", "rpm"));
            query.args(["--query", "--package"]).args(words).arg(rpm);
            run(query).ok().stdout
        };
        let licences = query(&["--licensefiles"]);
        assert!(licences.contains(&format!("/usr/share/licenses/{name}/THIRD-PARTY\n")), "{licences}");
        let whole = query(&["--queryformat", "%{LICENSE}"]);
        assert!(whole.contains("(Apache-2.0 OR MIT) AND ") && whole.contains(" AND BSD-3-Clause"), "{whole}");
    }
}

/// What each system calls the places, and what is the same on both.
struct Places {
    module: &'static str,
    units: &'static str,
    presets: &'static str,
    zsh: &'static str,
}

const DEBIAN: Places = Places {
    module: "/lib/x86_64-linux-gnu/security/pam_jit.so",
    units: "/lib/systemd/system",
    presets: "/lib/systemd/system-preset",
    zsh: "/usr/share/zsh/vendor-completions",
};
const EL: Places = Places {
    module: "/usr/lib64/security/pam_jit.so",
    units: "/usr/lib/systemd/system",
    presets: "/usr/lib/systemd/system-preset",
    zsh: "/usr/share/zsh/site-functions",
};

/// Every file outside of /usr/share/doc and /usr/share/licenses, with its mode.
fn expected(places: &Places) -> BTreeSet<(String, u32)> {
    let Places { module, units, presets, zsh } = places;
    let mut expected = BTreeSet::new();
    let mut add = |mode: u32, path: String| expected.insert((path, mode));
    for program in ["ca", "jit"] {
        add(0o755, format!("/usr/bin/{program}"));
        add(0o644, format!("/usr/share/bash-completion/completions/{program}"));
        add(0o644, format!("/usr/share/fish/vendor_completions.d/{program}.fish"));
        add(0o644, format!("{zsh}/_{program}"));
    }
    for page in ["1/ca.1", "1/jit.1", "5/ca.toml.5", "5/host.toml.5", "8/pam_jit.8"] {
        add(0o644, format!("/usr/share/man/man{page}.gz"));
    }
    for package in ["jit-ca", "jit-host"] {
        add(0o644, format!("/usr/lib/sysusers.d/{package}.conf"));
        add(0o644, format!("/usr/lib/tmpfiles.d/{package}.conf"));
    }
    // The tree's own folder says which units there are.
    for entry in std::fs::read_dir(root().join("systemd")).expect("reads systemd/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("jit-") {
            add(0o644, format!("{units}/{name}"));
        }
    }
    add(0o644, format!("{presets}/50-jit-host.preset"));
    add(0o755, "/usr/libexec/jit/leave-pam".to_owned());
    // A library that is loaded, and never run; rpm finds what it needs in files that may be executed only.
    add(if module.contains("lib64") { 0o755 } else { 0o644 }, (*module).to_owned());
    expected
}

/// The same of a folder into which packages went; every owner is root.
fn found(folder: &Path) -> BTreeSet<(String, u32)> {
    let list = "find \"$1\" ! -type d -printf '%P %m %u:%g\\n'; find \"$1\" -type d ! -perm 755 -printf 'folder %P %m\\n'";
    let mut find = clean(program("sh", "dash"));
    find.args(["-c", list, "list"]).arg(folder);
    let mut found = BTreeSet::new();
    for line in run(find).ok().stdout.lines() {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words.last(), Some(&"root:root"), "{line}");
        let shipped =
            ["usr/share/doc/", "usr/share/licenses/"].iter().any(|place| words[0].starts_with(place));
        if !shipped {
            let mode = u32::from_str_radix(words[1], 8).expect("a mode");
            found.insert((format!("/{}", words[0]), mode));
        }
    }
    found
}

#[test]
fn the_debian_packages_hold_what_they_should_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let into = folder.path().join("root");
    for deb in Debs::current().files() {
        let mut extract = clean(program("dpkg-deb", "dpkg"));
        extract.arg("--extract").arg(deb).arg(&into);
        drop(run(extract).ok());
    }
    assert!(into.join("etc/jit").is_dir());
    assert_eq!(found(&into), expected(&DEBIAN));
}

#[test]
fn the_rpms_install_into_an_empty_folder_and_their_scriptlets_are_sound() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let into = folder.path().join("root");
    std::fs::create_dir(&into).expect("makes a folder");
    let rpm = |words: &[&str]| {
        let mut rpm = clean(program("rpm", "rpm"));
        rpm.arg("--root").arg(&into).args(words);
        rpm
    };
    // What EL10 has is not there: neither what the packages need, nor a shell for their scriptlets.
    let mut install = rpm(&["--install", "--nodeps", "--noscripts"]);
    install.args(rpms());
    drop(run(install).ok());
    let files = found(&into);
    let files: BTreeSet<_> = files.into_iter().filter(|(path, _)| !path.contains("/.rpmdb/")).collect();
    assert_eq!(files, expected(&EL));
    assert!(into.join("etc/jit").is_dir());

    let verified =
        run(rpm(&["--verify", "--nodeps", "--noscripts", "jit-ca", "jit-host", "libpam-jit"])).ok();
    assert_eq!(verified.stdout, "");
    let needs = run(rpm(&["--query", "--requires", "jit-host", "libpam-jit"])).ok().stdout;
    for need in ["libpam-jit(x86-64) = ", "libpam.so.0()(64bit)", "libc.so.6(GLIBC_ABI_DT_RELR)(64bit)"] {
        assert!(needs.contains(need), "{need} in {needs}");
    }
    for package in ["jit-ca", "jit-host", "libpam-jit"] {
        for part in ["PREIN", "POSTIN", "PREUN", "POSTUN"] {
            let text = run(rpm(&["--query", "--queryformat", &format!("%{{{part}}}"), package])).ok().stdout;
            let script = folder.path().join("scriptlet");
            std::fs::write(&script, if text == "(none)" { "" } else { &text }).expect("writes a scriptlet");
            let mut check = clean(program("sh", "dash"));
            check.arg("-n").arg(&script);
            let checked: Outcome = run(check);
            assert!(checked.succeeded(), "{package} {part}: {checked:?}\n{text}");
            assert!(
                !text.contains("%{") && !text.contains("%("),
                "a macro is left in {package} {part}: {text}"
            );
        }
    }
}
