//! Packed headers, which both back ends store or carry, come back as they were pushed.

use pipeline::record::Headers;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn packed_headers_round_trip(pushed in vec((".{0,20}", vec(any::<u8>(), 0..50)), 0..10)) {
        let mut packed = Vec::new();
        for (name, value) in &pushed {
            Headers::push(&mut packed, name, value);
        }
        let read: Vec<(&[u8], &[u8])> = Headers(&packed).iter().collect();
        let expected: Vec<(&[u8], &[u8])> = pushed
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        prop_assert_eq!(read, expected);
        for (name, _) in &pushed {
            let last = pushed.iter().rev().find(|(other, _)| other == name);
            let expected = last.map(|(_, value)| value.as_slice());
            prop_assert_eq!(Headers(&packed).get(name), expected);
        }
    }

    #[test]
    fn any_bytes_can_be_read_as_headers(bytes in vec(any::<u8>(), 0..200)) {
        let held: usize = Headers(&bytes)
            .iter()
            .map(|(name, value)| 6 + name.len() + value.len())
            .sum();
        prop_assert!(held <= bytes.len());
    }
}
