//! Connections to ask sshd about: where a login may come from and arrive.
//!
//! What sshd allows can depend on the address through `Match`. Asking about one address would miss a
//! door that is open for another. So besides three ordinary sources, every criterion that stands on a
//! `Match` line yields a connection that meets it.

use std::collections::BTreeSet;
use std::fmt;

/// The most connections that are asked about for one account.
pub const MOST: usize = 64;

/// One connection, without its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// The client's host name, as sshd resolves it.
    pub host: String,
    /// The client's address.
    pub addr: String,
    /// The address it reached.
    pub laddr: String,
    /// The port it reached.
    pub lport: String,
    /// The routing domain it came in by; mostly none.
    pub rdomain: String,
}

impl Connection {
    /// A login from `addr`, a plain address, to the ordinary port.
    #[must_use]
    pub fn from_addr(addr: &str) -> Self {
        let laddr = if addr.contains(':') { "::1" } else { "127.0.0.1" };
        // Without UseDNS, sshd's host name of a client is its address.
        Self {
            host: addr.to_owned(),
            addr: addr.to_owned(),
            laddr: laddr.to_owned(),
            lport: "22".to_owned(),
            rdomain: String::new(),
        }
    }

    /// The argument of `sshd -C`.
    #[must_use]
    pub fn question(&self, account: &str) -> String {
        let Self { host, addr, laddr, lport, rdomain } = self;
        format!("user={account},host={host},addr={addr},laddr={laddr},lport={lport},rdomain={rdomain}")
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a login from {}", self.addr)?;
        if self.host != self.addr {
            write!(f, ", {},", self.host)?;
        }
        write!(f, " to {} port {}", self.laddr, self.lport)
    }
}

/// The ordinary sources: documentation addresses, so that no real network's rule is met by chance.
#[must_use]
pub fn ordinary() -> Vec<Connection> {
    ["192.0.2.1", "198.51.100.1", "2001:db8::1"].map(Connection::from_addr).to_vec()
}

/// The ordinary connections and those that meet the criteria on `Match` lines; and whether some had to
/// be left out because there are more than [`MOST`].
#[must_use]
pub fn worth_asking<'a>(match_lines: impl IntoIterator<Item = &'a str>) -> (Vec<Connection>, bool) {
    let ordinary = ordinary();
    let mut more = BTreeSet::new();
    for line in match_lines {
        let mut line_meets = vec![Connection::from_addr("192.0.2.1")];
        for (criterion, patterns) in criteria(line) {
            line_meets = each_pattern(&line_meets, &criterion, &patterns);
        }
        more.extend(line_meets);
        if more.len() > 4 * MOST {
            break;
        }
    }
    let mut all = ordinary.clone();
    all.extend(more.into_iter().filter(|c| !ordinary.contains(c)));
    let cut = all.len() > MOST;
    all.truncate(MOST);
    (all, cut)
}

fn criteria(line: &str) -> Vec<(String, String)> {
    let words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
    let mut words = words.take_while(|word| !word.starts_with('#')).map(|word| word.trim_matches('"'));
    let mut pairs = Vec::new();
    while let Some(criterion) = words.next().map(str::to_ascii_lowercase) {
        // These two stand without patterns.
        if !["all", "invalid-user"].contains(&criterion.as_str()) {
            pairs.extend(words.next().map(|patterns| (criterion, patterns.to_owned())));
        }
    }
    pairs
}

/// Every connection so far, once for each pattern that is not a negation.
fn each_pattern(so_far: &[Connection], criterion: &str, patterns: &str) -> Vec<Connection> {
    let asked = ["host", "address", "localaddress", "localport", "rdomain"];
    if !asked.contains(&criterion) {
        return so_far.to_vec();
    }
    let mut out = Vec::new();
    for pattern in patterns.split(',').filter(|p| !p.starts_with('!') && !p.is_empty()).take(MOST) {
        for base in so_far.iter().take(MOST) {
            let mut c = base.clone();
            match criterion {
                "host" => c.host = meets(pattern),
                "address" => {
                    // Without UseDNS a rule on Host sees the address, so they go together by default.
                    let addr = address(pattern);
                    if c.host == c.addr {
                        c.host.clone_from(&addr);
                    }
                    c.addr = addr;
                }
                "localaddress" => c.laddr = address(pattern),
                "localport" => c.lport = meets(pattern),
                _ => c.rdomain = meets(pattern),
            }
            out.push(c);
        }
    }
    if out.is_empty() { so_far.to_vec() } else { out }
}

/// A text that meets an sshd pattern.
fn meets(pattern: &str) -> String {
    pattern.replace(['*', '?'], "1")
}

/// An address in a network, or one that meets a pattern. sshd takes host bits that are all zero.
fn address(pattern: &str) -> String {
    match pattern.split_once('/') {
        Some((network, _)) => network.to_owned(),
        None if pattern.contains(':') && pattern.contains('*') => pattern.replace('*', "1"),
        None if pattern.contains(['*', '?']) => {
            let octets: Vec<String> = pattern.split('.').map(meets).collect();
            let missing = 4_usize.saturating_sub(octets.len());
            octets
                .into_iter()
                .chain(std::iter::repeat_n("1".to_owned(), missing))
                .collect::<Vec<_>>()
                .join(".")
        }
        None => pattern.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(line: &str) -> Vec<Connection> {
        worth_asking([line]).0.split_off(ordinary().len())
    }

    #[test]
    fn a_match_on_an_address_is_met() {
        assert_eq!(added("Group jit-vendors Address 10.0.0.0/8,!10.1.0.0/16")[0].addr, "10.0.0.0");
        assert_eq!(added("Address 10.1.*")[0].addr, "10.1.1.1");
        assert_eq!(added("address \"2001:db8:1::/48\"")[0].addr, "2001:db8:1::");
        assert_eq!(added("Host *.corp.example")[0].host, "1.corp.example");
    }

    #[test]
    fn criteria_of_one_line_are_met_together() {
        let both = added("LocalPort 2222 Address 10.0.0.1,10.0.0.2");
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|c| c.lport == "2222"));
    }

    #[test]
    fn a_match_on_the_account_alone_adds_no_connection() {
        assert!(added("Group jit-vendors").is_empty());
        assert!(added("all").is_empty());
        assert_eq!(added("invalid-user Address 10.0.0.1")[0].addr, "10.0.0.1");
        assert!(added("Group jit-vendors # Address 10.0.0.1").is_empty());
        assert!(added("").is_empty());
    }

    #[test]
    fn too_many_are_cut_and_said_to_be() {
        let lines: Vec<String> = (0..200).map(|n| format!("Address 10.0.0.{n}")).collect();
        let (all, cut) = worth_asking(lines.iter().map(String::as_str));
        assert_eq!(all.len(), MOST);
        assert!(cut);
    }
}
