//! What was sealed opens as itself and as nothing else.

use keys::{Error, Field, Keyring, PatientKey};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_assume, proptest};
use uuid::Uuid;
use vitals::PatientId;

const NAME: Field = Field::new("patient_names", "sealed");
const BIRTH: Field = Field::new("patients", "birth_sealed");

fn patient(number: u128) -> PatientId {
    PatientId(Uuid::from_u128(number))
}

/// Made at once: keys of tests wait for nothing.
fn key_of(keyring: &Keyring, patient: PatientId) -> PatientKey {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(keyring.make_patient(patient)).unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_as_it_was(id in vec(any::<u8>(), 0..40), plain in vec(any::<u8>(), 0..2_000)) {
        let keyring = Keyring::for_tests();
        let sealed = keyring.system().seal(NAME, &id, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + 33);
        prop_assert_eq!(&*keyring.system().open(NAME, &id, &sealed).unwrap(), &plain);
        let key = key_of(&keyring, patient(1));
        prop_assert_eq!(&*key.open(NAME, &id, &key.seal(NAME, &id, &plain)).unwrap(), &plain);
    }

    #[test]
    fn any_bit_that_flips_is_found(plain in vec(any::<u8>(), 0..300), place in any::<usize>(), bit in 0..8) {
        let keyring = Keyring::for_tests();
        let (system, key) = (keyring.system(), key_of(&keyring, patient(1)));
        let flipped = |mut sealed: Vec<u8>| {
            let place = place % sealed.len();
            sealed[place] ^= 1_u8 << bit;
            sealed
        };
        prop_assert!(matches!(system.open(NAME, b"row", &flipped(system.seal(NAME, b"row", &plain))), Err(Error::Unopened(NAME))));
        prop_assert!(matches!(key.open(NAME, b"row", &flipped(key.seal(NAME, b"row", &plain))), Err(Error::Unopened(NAME))));
    }

    #[test]
    fn any_cut_and_any_addition_is_found(plain in vec(any::<u8>(), 0..300), cut in any::<usize>(), more in any::<u8>()) {
        let keyring = Keyring::for_tests();
        let mut sealed = keyring.system().seal(NAME, b"row", &plain);
        prop_assert!(keyring.system().open(NAME, b"row", &sealed[..cut % sealed.len()]).is_err());
        sealed.push(more);
        prop_assert!(keyring.system().open(NAME, b"row", &sealed).is_err());
    }

    #[test]
    fn it_opens_in_its_own_row_only(ours in vec(any::<u8>(), 0..40), theirs in vec(any::<u8>(), 0..40)) {
        prop_assume!(ours != theirs);
        let keyring = Keyring::for_tests();
        let sealed = keyring.system().seal(NAME, &ours, b"Ada");
        prop_assert!(keyring.system().open(NAME, &theirs, &sealed).is_err());
    }

    #[test]
    fn bytes_from_outside_are_refused(sealed in vec(any::<u8>(), 0..100)) {
        prop_assert!(Keyring::for_tests().system().open(NAME, b"row", &sealed).is_err());
    }
}

#[test]
fn it_opens_in_its_own_column_only() {
    let keyring = Keyring::for_tests();
    let system = keyring.system();
    let sealed = system.seal(BIRTH, b"row", b"1977-03-04");
    for other in [NAME, Field::new("patients", "deceased_sealed"), Field::new("patient_names", "birth_sealed")] {
        assert!(system.open(other, b"row", &sealed).is_err(), "{other}");
    }
    // A boundary that moves between table, column and row is another field.
    let (left, right) = (Field::new("ab", "c"), Field::new("a", "bc"));
    assert!(system.open(right, b"d", &system.seal(left, b"d", b"x")).is_err());
    let (left, right) = (Field::new("a", "b"), Field::new("a", "bc"));
    assert!(system.open(right, b"d", &system.seal(left, b"cd", b"x")).is_err());
    assert!(system.open(left, b"c|d", &system.seal(Field::new("a", "b"), b"c", b"x")).is_err());
}

#[test]
fn it_opens_with_the_key_of_its_own_patient_only() {
    let keyring = Keyring::for_tests();
    let (ada, bob) = (key_of(&keyring, patient(1)), key_of(&keyring, patient(2)));
    let sealed = ada.seal(NAME, b"row", b"Ada");
    assert!(bob.open(NAME, b"row", &sealed).is_err());
    assert!(keyring.system().open(NAME, b"row", &sealed).is_err());
    assert_eq!(&**ada.open(NAME, b"row", &sealed).unwrap(), b"Ada");
}

#[test]
fn nothing_repeats_where_the_same_is_sealed_twice() {
    let keyring = Keyring::for_tests();
    let seal = || keyring.system().seal(NAME, b"row", b"Ada");
    assert_ne!(seal()[5..], seal()[5..], "the nonce and all that follows from it");
}

#[test]
fn a_key_is_made_once() {
    let keyring = Keyring::for_tests();
    let sealed = key_of(&keyring, patient(1)).seal(NAME, b"row", b"Ada");
    assert!(key_of(&keyring, patient(1)).open(NAME, b"row", &sealed).is_ok());
}

#[tokio::test]
async fn a_patient_without_a_key_is_named_in_the_error() {
    let error = Keyring::for_tests().patient(patient(7)).await.unwrap_err();
    assert!(matches!(error, Error::NoKey(who) if who == patient(7)), "{error}");
}
