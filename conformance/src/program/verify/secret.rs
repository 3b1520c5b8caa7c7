//! A secret that all processes of a search share: who does not know it takes no part.
//!
//! Each shows that it knows it by a keyed hash (HMAC-SHA-256) over what both have said; the secret itself is never sent.

use std::fmt::Write as _;
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::super::Refusal;
use super::super::input::text_of;

/// Shorter ones are found out by trying.
const LEN_MIN: usize = 16;

/// What all processes know.
pub(super) struct Secret(Vec<u8>);

/// Reads the file of a secret: its text, without space at its ends.
pub(super) fn read(path: &Path) -> Result<Secret, Refusal> {
    let (name, text) = text_of(path, "the file of a secret", "a line is enough")?;
    let secret = text.trim();
    if secret.len() < LEN_MIN {
        return Err(Refusal::new(format!(
            "{name}: a secret of {} bytes is found out by trying; write {LEN_MIN} or more: head -c 32 /dev/urandom | base64 > {name}",
            secret.len()
        )));
    }
    Ok(Secret(secret.as_bytes().to_vec()))
}

impl Secret {
    fn over(&self, first: &str, second: &str) -> Hmac<Sha256> {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        hash.update(first.as_bytes());
        hash.update(second.as_bytes());
        hash
    }

    /// What shows that who said the first and heard the second knows the secret.
    pub(super) fn proof(&self, said: &str, heard: &str) -> String {
        let bytes = self.over(said, heard).finalize().into_bytes();
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether that is shown. It takes as long whatever is wrong.
    pub(super) fn shows(&self, proof: &str, said: &str, heard: &str) -> bool {
        let proof = proof.trim_end().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = proof.chunks(2).map(byte).collect();
        bytes.is_some_and(|bytes| self.over(said, heard).verify_slice(&bytes).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_shows_the_secret_of_one_who_said_and_heard_just_that() {
        let (ours, other) = (Secret(b"one secret of many".to_vec()), Secret(b"another".to_vec()));
        let proof = ours.proof("a\n", "b\n");
        assert!(ours.shows(&format!("{proof}\n"), "a\n", "b\n"));
        assert!(!ours.shows(&proof, "b\n", "a\n") && !other.shows(&proof, "a\n", "b\n"));
        for wrong in ["", "open", "0", "zz", "é", &proof[2..]] {
            assert!(!ours.shows(wrong, "a\n", "b\n"), "{wrong:?}");
        }
    }
}
