//! Tokens find what is equal and tell nothing else.

use std::collections::HashSet;

use keys::{Keyring, TokenKind};

const KINDS: [TokenKind; 4] = [TokenKind::Identifier, TokenKind::Name, TokenKind::Visit, TokenKind::Quarantine];

#[test]
fn equal_texts_of_a_kind_have_equal_tokens_and_no_others_do() {
    let keyring = Keyring::for_tests();
    let texts = ["", "ada", "Ada", "ada\0", "\0ada"];
    let tokens: HashSet<_> = KINDS.iter().flat_map(|kind| texts.map(|text| keyring.token(*kind, text).bytes)).collect();
    assert_eq!(tokens.len(), KINDS.len() * texts.len());
    assert_eq!(keyring.token(TokenKind::Name, "ada"), keyring.token(TokenKind::Name, b"ada"));
}

#[test]
fn another_key_gives_another_token() {
    let (ours, theirs) = (Keyring::for_tests(), Keyring::for_tests());
    assert_ne!(ours.token(TokenKind::Name, "ada").bytes, theirs.token(TokenKind::Name, "ada").bytes);
}

#[test]
fn what_is_written_is_among_what_is_looked_for() {
    let keyring = Keyring::for_tests();
    assert_eq!(keyring.tokens(TokenKind::Visit, "v1"), [keyring.token(TokenKind::Visit, "v1")]);
}
