//! No single altered byte of a certificate is ever allowed in, whatever sshd let through before.

use e2e::pam_host::{PamHost, SUCCESS, connection, shown};
use e2e::world::ACCOUNT;

#[test]
fn a_single_altered_byte_refuses() {
    let pam = PamHost::new();
    // The first stand alone: one transaction can ask it again and again.
    pam.service("jit-first", "stage=first", "stage=first");
    let sound = pam.certificate().sign(&pam.forge.ca_key);
    let mut steps = connection() + &shown(&sound) + "open\n";
    let mut tried = 0;
    for at in 0..sound.len() {
        for bit in [0x01, 0x80] {
            let mut altered = sound.clone();
            altered[at] ^= bit;
            steps += &(shown(&altered) + "open\n");
            tried += 1;
        }
    }
    for cut in [1, sound.len() / 2, sound.len() - 1] {
        steps += &(shown(&sound[..cut]) + "open\n");
        tried += 1;
    }
    let longer: Vec<u8> = sound.iter().copied().chain([0]).collect();
    steps += &(shown(&longer) + "open\n" + &shown(&sound) + "open\n");
    let codes = pam.drive("jit-first", ACCOUNT, &steps).codes("open");
    assert_eq!(codes.len(), tried + 3);
    assert_eq!(
        (codes[0], codes[tried + 2]),
        (SUCCESS, SUCCESS),
        "the unaltered one enters, before and after"
    );
    let entered: Vec<usize> = (1..=tried + 1).filter(|index| codes[*index] == SUCCESS).collect();
    assert!(entered.is_empty(), "altered certificates entered: {entered:?}");
}
