use super::*;

#[test]
fn prefixes_order_as_their_bytes_do() {
    let texts = ["", "\0", "a", "a\0", "ab", "b", "zzzzzzzzzzzzzzzz", "zzzzzzzzzzzzzzzza"];
    for pair in texts.windows(2) {
        assert!(prefix(pair[0].as_bytes()) <= prefix(pair[1].as_bytes()), "{pair:?}");
    }
}

#[test]
fn columns_that_do_not_fit_the_key_are_left_to_the_comparison() {
    let codes = [1u32, 2];
    let times = [i64::MIN, i64::MAX];
    let columns = [
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Int64(&times),
    ];
    let wide = keys(&columns, &[32, 32, 32, 32], 2);
    assert_eq!(wide[0], (1 << 96) | (1 << 64) | (1 << 32) | 1);
    let narrow = keys(&columns, &[2, 2, 2, 2], 2);
    assert!(narrow[0] < narrow[1]);
    assert_eq!(narrow[0] >> 120, 0b0101_0101);
    // Four columns of 31 bits leave no room for a time of 64 bits.
    assert_eq!(keys(&columns, &[31, 31, 31, 31], 2)[1], (2 << 97) | (2 << 66) | (2 << 35) | (2 << 4));
}

#[test]
fn columns_without_values_take_no_bits() {
    let codes = [0u32, 0];
    let times = [7i64, 7];
    let columns = [
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Code(&codes),
        Values::Int64(&times),
    ];
    assert_eq!(keys(&columns, &[0, 0, 0, 0], 2), [0, 0]);
}
