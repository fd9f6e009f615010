//! The grant document: what parses is exactly what renders, whatever the grant and whatever the bytes.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::IpAddr;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use grant::{
    DocumentError, Features, Fingerprint, Grant, GrantFields, PersonName, ReasonText, Sources, UnixTime,
    VendorName, Window, limits,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::support::case::Case;

/// The keys of a document's lines, in order; the first line has none.
const KEYS: [&str; 19] = [
    "pam-jit grant 1",
    "authority",
    "grant",
    "vendor",
    "person",
    "keys",
    "hosts",
    "roles",
    "accounts",
    "from",
    "features",
    "opens",
    "closes",
    "extendable-to",
    "uses",
    "sessions",
    "reason",
    "ticket",
    "approvals",
];

const NAME: &str = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?";
const LABEL: &str = "[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?";
const ACCOUNT: &str = "[a-z_][a-z0-9_.-]{0,31}";
const TICKET: &str = "[A-Za-z0-9#][A-Za-z0-9_.#/:-]{0,63}";

/// Values of a type from texts that a pattern makes.
fn texts<T: FromStr<Err: Debug> + Debug>(pattern: &'static str) -> impl Strategy<Value = T> {
    pattern.prop_map(|text: String| text.parse().unwrap())
}

fn hosts() -> impl Strategy<Value = String> {
    vec(LABEL, 1..4).prop_map(|labels| labels.join("."))
}

fn fingerprints() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 32]>().prop_map(|b| format!("SHA256:{}", Base64Unpadded::encode_string(&b)).parse().unwrap())
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    let v6 = any::<[u8; 16]>().prop_map(IpAddr::from);
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), v6]
        .prop_filter("not mapped", |address| *address == address.to_canonical())
}

fn sources() -> impl Strategy<Value = Sources> {
    let network = (addresses(), 1_u8..=32)
        .prop_map(|(address, length)| format!("{address}/{length}").parse::<ipnet::IpNet>().unwrap().trunc());
    vec(network, 0..5).prop_filter_map("no mapped networks", |networks| Sources::new(networks).ok())
}

fn features() -> impl Strategy<Value = Features> {
    let target = prop_oneof![
        hosts(),
        addresses().prop_map(|a| if a.is_ipv6() { format!("[{a}]") } else { a.to_string() }),
    ];
    let target = (target, 1_u16..).prop_map(|(host, port)| format!("{host}:{port}").parse().unwrap());
    (any::<[bool; 4]>(), btree_set(target, 0..4)).prop_map(|([pty, sftp, agent, sudo], forward)| Features {
        pty,
        sftp,
        forward,
        agent,
        sudo,
    })
}

fn windows() -> impl Strategy<Value = Window> {
    (0..limits::LAST_SECOND - limits::WINDOW, 1..=limits::WINDOW).prop_map(|(opens, length)| {
        Window::new(UnixTime::from_secs(opens), UnixTime::from_secs(opens + length)).unwrap()
    })
}

fn places() -> impl Strategy<Value = (BTreeSet<grant::HostName>, BTreeSet<grant::RoleName>)> {
    let hosts = btree_set(hosts().prop_map(|h| h.parse().unwrap()), 0..4);
    (hosts, btree_set(texts(NAME), 0..4)).prop_filter("some place", |(h, r)| !h.is_empty() || !r.is_empty())
}

/// Any text of characters that may stand in a reason, without blanks at its ends.
fn reasons() -> impl Strategy<Value = ReasonText> {
    let shown = any::<char>().prop_filter("shown", |c| format!("a{c}a").parse::<ReasonText>().is_ok());
    vec(shown, 1..80).prop_filter_map("a reason", |text| String::from_iter(text).parse().ok())
}

prop_compose! {
    fn who()(
        authority in fingerprints(),
        id in any::<[u8; 6]>(),
        vendor in NAME,
        short in NAME,
        keys in btree_set(fingerprints(), 1..5),
    ) -> (Fingerprint, grant::GrantId, VendorName, PersonName, BTreeSet<Fingerprint>) {
        let person = format!("{vendor}/{short}").parse().unwrap();
        (authority, grant::GrantId::from_random(&id), vendor.parse().unwrap(), person, keys)
    }
}

prop_compose! {
    fn grants()(
        (authority, id, vendor, person, keys) in who(),
        (hosts, roles) in places(),
        accounts in btree_set(texts(ACCOUNT), 1..4),
        sources in sources(),
        features in features(),
        window in windows(),
        later in option::of(1..limits::WINDOW),
        (uses, sessions) in (option::of(1..=limits::COUNT), option::of(1..=limits::COUNT)),
        reason in reasons(),
        ticket in option::of(texts(TICKET)),
        approvals in 1_u8..=8,
    ) -> Grant {
        let one_host = hosts.len() == 1 && roles.is_empty();
        let counted = |count: Option<u32>| count.filter(|_| one_host).and_then(|n| n.try_into().ok());
        let extendable_to = later
            .map(|later| window.closes().plus(later))
            .filter(|end| end.since(window.opens()) <= limits::WINDOW && *end > window.closes());
        Grant::new(GrantFields {
            authority, id, vendor, person, keys, hosts, roles, accounts, sources, features, window,
            extendable_to, uses: counted(uses), sessions: counted(sessions), reason, ticket, approvals,
        }).unwrap()
    }
}

/// Texts that mean something in a document, or nothing good.
const SNIPPETS: &[&str] =
    &[" ", "\n", "\r\n", ",", "-", "0", "+1", "\u{feff}", "\u{202e}", ": ", "any", "unlimited", "/32", "a\n"];

/// Something that happens to bytes.
#[derive(Debug, Clone)]
enum Edit {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Paste(usize, &'static str),
    SwapLines(usize, usize),
    RepeatLine(usize),
    RemoveLine(usize),
    ReverseList(usize),
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        any::<usize>().prop_map(Edit::Remove),
        (any::<usize>(), proptest::sample::select(SNIPPETS)).prop_map(|(at, text)| Edit::Paste(at, text)),
        (0..19_usize, 0..19_usize).prop_map(|(a, b)| Edit::SwapLines(a, b)),
        (0..19_usize).prop_map(Edit::RepeatLine),
        (0..19_usize).prop_map(Edit::RemoveLine),
        (0..19_usize).prop_map(Edit::ReverseList),
    ]
}

fn edited(document: &[u8], edit: &Edit) -> Vec<u8> {
    let mut bytes = document.to_vec();
    let mut lines: Vec<_> = document.split_inclusive(|byte| *byte == b'\n').collect();
    match *edit {
        _ if bytes.is_empty() => {}
        Edit::Set(at, byte) => bytes[at % document.len()] = byte,
        Edit::Insert(at, byte) => bytes.insert(at % document.len(), byte),
        Edit::Remove(at) => drop(bytes.remove(at % document.len())),
        Edit::Paste(at, text) => drop(bytes.splice(at % document.len()..at % document.len(), text.bytes())),
        Edit::SwapLines(a, b) => {
            let count = lines.len();
            lines.swap(a % count, b % count);
            bytes = lines.concat();
        }
        Edit::RepeatLine(at) => {
            lines.insert(at % lines.len(), lines[at % lines.len()]);
            bytes = lines.concat();
        }
        Edit::RemoveLine(at) => {
            lines.remove(at % lines.len());
            bytes = lines.concat();
        }
        Edit::ReverseList(at) => {
            // The same values in another order: it means the same, and must not be the same.
            let at = at % lines.len();
            let line = String::from_utf8_lossy(lines[at]).into_owned();
            let (key, values) = line.trim_end().split_once(": ").unwrap_or(("", &line));
            let values: Vec<_> = values.rsplit(',').collect();
            let reversed = format!("{key}: {}\n", values.join(","));
            lines[at] = reversed.as_bytes();
            bytes = lines.concat();
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn parsing_and_rendering_are_inverse(grant in grants()) {
        let document = grant.render();
        prop_assert_eq!(Grant::parse(document.as_bytes()), Ok(grant.clone()));
        prop_assert_eq!(document.lines().count(), KEYS.len());
        prop_assert!(document.ends_with('\n'));
        prop_assert_eq!(grant.digest(), grant::Digest::of(document.as_bytes()));
        for (line, key) in document.lines().zip(KEYS).skip(1) {
            let prefix = format!("{}: ", key);
            prop_assert!(line.starts_with(&prefix) && line.len() > prefix.len());
        }
    }

    #[test]
    fn two_grants_have_one_document_only_if_they_are_one(a in grants(), b in grants()) {
        prop_assert_eq!(a == b, a.render() == b.render());
        prop_assert_eq!(a == b, a.digest() == b.digest());
    }

    #[test]
    fn what_parses_is_what_renders(grant in grants(), edits in vec(edits(), 1..4)) {
        let document = edits.iter().fold(grant.render().into_bytes(), |bytes, edit| edited(&bytes, edit));
        if let Ok(read) = Grant::parse(&document) {
            prop_assert_eq!(read.render().into_bytes(), document);
        }
    }

    #[test]
    fn noise_is_no_document(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(Grant::parse(&bytes).is_err());
        let mut document = b"pam-jit grant 1\n".to_vec();
        document.extend(bytes);
        prop_assert!(Grant::parse(&document).is_err());
    }

    #[test]
    fn an_approval_is_good_for_one_document_only(a in grants(), b in grants()) {
        let blob = crate::support::sshsig::approval(&crate::support::case::kim(), &a.render());
        let approval = grant::Approval::from_blob(&blob).unwrap();
        prop_assert!(approval.verify(a.render().as_bytes()).is_ok());
        prop_assert_eq!(approval.verify(b.render().as_bytes()).is_ok(), a == b);
    }
}

fn lines() -> Vec<String> {
    Case::allowed().document().lines().map(|line| format!("{line}\n")).collect()
}

/// What is said of a document whose line `line`, counted from 1, is another than it should be.
fn missing(line: usize) -> String {
    match line {
        1 => "not a grant document: its first line is not `pam-jit grant 1`".to_owned(),
        20 => "the grant document does not end after its last line".to_owned(),
        line => format!("line {line} of the grant document is not `{}: ...`", KEYS[line - 1]),
    }
}

#[track_caller]
fn refused(lines: &[String]) -> String {
    Grant::parse(lines.concat().as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_missing_line_is_named() {
    for line in 1..=19 {
        let mut lines = lines();
        lines.remove(line - 1);
        assert_eq!(refused(&lines), missing(line));
    }
}

#[test]
fn a_repeated_line_is_named() {
    for line in 1..=19 {
        let mut lines = lines();
        lines.insert(line, lines[line - 1].clone());
        assert_eq!(refused(&lines), missing(line + 1));
    }
}

#[test]
fn a_repeated_key_with_another_value_is_named() {
    for line in 2..=19 {
        let mut lines = lines();
        lines.insert(line, format!("{}: -\n", KEYS[line - 1]));
        assert_eq!(refused(&lines), missing(line + 1));
    }
}

#[test]
fn two_exchanged_lines_are_named_by_the_first() {
    for (a, b) in (1..=19).flat_map(|a| (a + 1..=19).map(move |b| (a, b))) {
        let mut lines = lines();
        lines.swap(a - 1, b - 1);
        assert_eq!(refused(&lines), missing(a));
    }
}

#[test]
fn an_empty_line_or_a_comment_is_named() {
    for more in ["\n", "# comment\n", " \n", "version: 1\n"] {
        for line in 1..=20 {
            let mut lines = lines();
            lines.insert(line - 1, more.to_owned());
            assert_eq!(refused(&lines), missing(line), "{more:?}");
        }
    }
}

#[test]
fn no_part_of_a_document_is_a_document() {
    let document = Case::allowed().document();
    for end in 0..document.len() {
        assert!(Grant::parse(&document.as_bytes()[..end]).is_err(), "{end}");
        assert!(Grant::parse(&document.as_bytes()[end + 1..]).is_err(), "{end}");
    }
}

#[test]
fn a_document_is_as_large_as_the_limit_at_most() {
    let list =
        |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<Vec<_>>().join(",");
    let mut fields = Case::allowed().fields;
    fields.hosts = (10..42).map(|n| format!("{0:h<60}.{0:h<60}.{n}", "h").parse().unwrap()).collect();
    fields.sources = list(32, &|n| format!("2001:db8:{n:x}:1111:2222:3333:4444:5555/128")).parse().unwrap();
    fields.reason = "x".repeat(limits::REASON).parse().unwrap();
    let grant = Grant::new(fields.clone()).unwrap();
    assert!(grant.render().len() > limits::DOCUMENT - 2_000);
    assert_eq!(Grant::parse(grant.render().as_bytes()), Ok(grant));
    fields.features = list(16, &|n| format!("forward={0:f<60}.{0:f<60}:1{n}", "f")).parse().unwrap();
    let error = Grant::new(fields).unwrap_err();
    assert!(matches!(error, DocumentError::TooLong(bytes) if bytes > limits::DOCUMENT), "{error}");
}

#[test]
fn more_principals_than_openssh_reads_are_refused() {
    let mut fields = Case::allowed().fields;
    fields.accounts = (10..18).map(|n| format!("a{n}").parse().unwrap()).collect();
    fields.hosts = (10..41).map(|n| format!("h{n}").parse().unwrap()).collect();
    fields.roles = ["db".parse().unwrap()].into();
    assert_eq!(Grant::new(fields.clone()).unwrap().principals().len(), limits::PRINCIPALS);
    fields.accounts.insert("one-more".parse().unwrap());
    assert_eq!(
        Grant::new(fields).unwrap_err().to_string(),
        "the grant's `accounts`: accounts times hosts and roles are more than the 256 principals that OpenSSH reads"
    );
}
