//! The purge of jit-host, wherever host.toml has put the records: they stay, and it says where; what the package made by
//! itself goes.

use e2e::host::Host;
use e2e::packages::root;

/// What the maintainer's script says, run on a host with these files.
fn purged(table: &str, files: &[&str]) -> (Host, String) {
    let host = Host::bare();
    drop(host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib"]).ok());
    for file in files {
        host.write(file, "a record");
    }
    if !table.is_empty() {
        host.write("/etc/jit/host.toml", table);
    }
    let script = std::fs::read(root().join("packaging/debian/jit-host.postrm")).expect("reads the script");
    host.write("/tmp/postrm", script);
    let said = host.run(["sh", "/tmp/postrm", "purge"]).ok().stdout;
    (host, said)
}

const OURS: [&str; 5] = [
    "/var/lib/jit/sessions/1.json",
    "/var/lib/jit/setup/change.json",
    "/var/lib/jit/shipped.json",
    "/var/lib/jit/trust/applied",
    "/var/lib/jit/uses/1",
];

#[test]
fn records_stay_wherever_host_toml_has_put_them_and_it_says_where() {
    let tables = [
        ("[recorder]\n", "/var/lib/jit"),
        (
            "host = \"db1\"\n[recorder]\nstate = \"/var/lib/jit/records\"\nsegment_kib = 64\n",
            "/var/lib/jit/records",
        ),
        ("[log]\ntcp = \"x\"\n\n [recorder]\n  state='/srv/jit' # on the large disk\n", "/srv/jit"),
    ];
    for (table, folder) in tables {
        let record = format!("{folder}/spool/00000001.jsonl");
        let (host, said) = purged(table, &[&OURS[..], &[&record]].concat());
        assert_eq!(host.read(&record), "a record", "{said}");
        assert!(said.contains(&format!("stay in {folder}/spool;")), "{table}: {said}");
        for gone in OURS.iter().chain(&["/etc/jit/host.toml"]) {
            assert!(!host.has(gone), "{gone}");
        }
    }
}

#[test]
fn without_records_nothing_stays() {
    for table in ["", "[recorder]\n", "not toml [\n"] {
        let (host, said) = purged(table, &OURS);
        assert!(!host.has("/var/lib/jit") && !host.has("/etc/jit"), "{said}");
        assert!(!said.contains("stay in"), "{said}");
    }
}

#[test]
fn a_link_to_the_records_disk_stays_with_them() {
    let host = Host::bare();
    drop(host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib"]).ok());
    host.write("/srv/disk/spool/00000001.jsonl", "a record");
    host.write("/srv/disk/trust/applied", "ours");
    drop(host.run(["ln", "-s", "/srv/disk", "/var/lib/jit"]).ok());
    host.write(
        "/tmp/postrm",
        std::fs::read(root().join("packaging/debian/jit-host.postrm")).expect("reads it"),
    );
    let said = host.run(["sh", "/tmp/postrm", "purge"]).ok().stdout;
    assert_eq!(host.read("/srv/disk/spool/00000001.jsonl"), "a record");
    assert!(!host.has("/srv/disk/trust"), "{said}");
    assert!(said.contains("stay in /var/lib/jit/spool;"), "{said}");
}
