use std::sync::Arc;

use airshed_domain::{
    fixed::{QUANTITY_PRECISION, QUANTITY_SCALE},
    schema,
};
use arrow::{
    array::{ArrayRef, AsArray as _, Decimal128Array, DictionaryArray},
    datatypes::{Decimal128Type, Int32Type, Int64Type},
};

use super::*;

fn texts(rows: &[Option<&str>]) -> ArrayRef {
    Arc::new(rows.iter().copied().collect::<DictionaryArray<Int32Type>>())
}

fn quantity(rows: &[Option<i128>]) -> Decimal128Array {
    let array: Decimal128Array = rows.iter().copied().collect();
    array.with_precision_and_scale(QUANTITY_PRECISION, QUANTITY_SCALE).unwrap()
}

/// One count, one sum of money, one quantity of the cells, in the order of their texts and times.
fn ordered(tuples: &Tuples, cells: &Cells) -> Vec<(u32, i64, i64, i128, Option<i128>)> {
    let ranks = tuples.ranks();
    let mut order: Vec<u32> = (0..).take(cells.keys.len()).collect();
    order.sort_by_key(|&cell| {
        (ranks[cells.keys[cell as usize].tuple as usize], cells.keys[cell as usize].time_us)
    });
    let columns = cells.sums.columns(&order).unwrap();
    let (counts, money) =
        (columns[0].as_primitive::<Int64Type>(), columns[1].as_primitive::<Decimal128Type>());
    let quantity = columns[2].as_primitive::<Decimal128Type>();
    let row = |(place, &cell): (usize, &u32)| {
        let key = cells.keys[cell as usize];
        let stated = quantity.iter().nth(place).unwrap();
        (ranks[key.tuple as usize], key.time_us, counts.value(place), money.value(place), stated)
    };
    order.iter().enumerate().map(row).collect()
}

#[test]
fn rows_are_added_to_the_cell_of_their_texts_and_time() {
    let mut tuples = Tuples::new(2);
    let mut cells = Cells::new(Sums::new(1, 1, 1));
    let mut add = |a: &[Option<&str>], b: &[Option<&str>], times: &[i64], steps: &[Option<i128>]| {
        let of_rows = tuples.of_rows(&[texts(a), texts(b)]).unwrap();
        let (money, steps) = (vec![10; times.len()], quantity(steps));
        let rows = Rows { counted: vec![None], money: vec![(&money, None)], quantities: vec![&steps] };
        cells.add(&of_rows, times.iter().copied(), &rows);
    };
    add(&[Some("b"), Some("b"), None], &[Some("x"); 3], &[1, 1, 1], &[Some(1), None, None]);
    // Another batch, other dictionaries.
    add(&[Some("a"), Some("b"), Some("b")], &[Some("x"); 3], &[2, 2, 1], &[Some(4), Some(5), Some(6)]);
    let expected = [
        (0, 1, 1, 10, None), // null before texts; no row has the quantity
        (1, 2, 1, 10, Some(4)),
        (2, 1, 3, 30, Some(7)),
        (2, 2, 1, 10, Some(5)),
    ];
    assert_eq!(ordered(&tuples, &cells), expected);

    let mut coarse = Cells::new(Sums::new(1, 1, 1));
    coarse.add_cells(&cells, |tuple| tuple, |_| 0);
    let expected = [(0, 0, 1, 10, None), (1, 0, 1, 10, Some(4)), (2, 0, 4, 40, Some(12))];
    assert_eq!(ordered(&tuples, &coarse), expected);

    // A shard that met the texts in another order adds to the same cells.
    let mut all = Tuples::new(2);
    all.of_rows(&[texts(&[Some("b"), Some("c")]), texts(&[Some("x"), None])]).unwrap();
    let here = all.adopt(&tuples, &[0, 1]);
    let mut merged = Cells::new(Sums::new(1, 1, 1));
    for _ in 0..2 {
        merged.add_cells(&coarse, |tuple| here[tuple as usize], |time_us| time_us);
    }
    let expected = [(0, 0, 2, 20, None), (1, 0, 2, 20, Some(8)), (2, 0, 8, 80, Some(24))];
    assert_eq!(ordered(&all, &merged), expected);
}

#[test]
fn only_marked_rows_are_counted_and_added() {
    let mut tuples = Tuples::new(1);
    let of_rows = tuples.of_rows(&[texts(&[Some("a"), Some("a"), Some("a")])]).unwrap();
    let mut cells = Cells::new(Sums::new(1, 1, 1));
    let (marked, money) = ([true, false, true], vec![1, 20, 300]);
    let steps = quantity(&[Some(1), Some(1), Some(1)]);
    let rows =
        Rows { counted: vec![Some(&marked)], money: vec![(&money, Some(&marked))], quantities: vec![&steps] };
    cells.add(&of_rows, std::iter::repeat(0), &rows);
    assert_eq!(ordered(&tuples, &cells), [(0, 0, 2, 301, Some(3))]);
}

#[test]
fn a_file_does_not_depend_on_the_order_of_rows() {
    let table = schema::coverage();
    let file = |reversed: bool| {
        let mut words = vec!["estimated", "excluded", "estimated", "unmapped"];
        let mut amounts = vec![1, 2, 3, 4];
        if reversed {
            words.reverse();
            amounts.reverse();
        }
        let words: Vec<Option<&str>> = words.into_iter().map(Some).collect();
        let mut tuples = Tuples::new(6);
        let of_rows = tuples.of_rows(&vec![texts(&words); 6]).unwrap();
        let mut cells = Cells::new(Sums::new(1, 2, 0));
        let money = vec![(amounts.as_slice(), None); 2];
        cells.add(
            &of_rows,
            std::iter::repeat(0),
            &Rows { counted: vec![None], money, quantities: Vec::new() },
        );
        cells.encode(&tuples, &table).unwrap()
    };
    assert_eq!(file(false).rows(), 3);
    assert_eq!(file(false).content_hash(), file(true).content_hash());
}

#[test]
fn days_lie_by_weeks_and_within_them_by_account() {
    let table = schema::emissions_daily();
    let (accounts, times): (Vec<Option<&str>>, Vec<i64>) =
        (0..14).flat_map(|day| [(Some("b"), day * DAY_US), (Some("a"), day * DAY_US)]).unzip();
    let columns: Vec<ArrayRef> = schema::DIMENSIONS
        .iter()
        .map(|name| if *name == c::ACCOUNT_ID { texts(&accounts) } else { texts(&[None; 28]) })
        .collect();
    let mut tuples = Tuples::new(columns.len());
    let of_rows = tuples.of_rows(&columns).unwrap();
    let mut cells = Cells::new(Sums::new(2, 4, schema::MEASURES.len()));
    let (money, nothing) = (vec![1; 28], quantity(&[None; 28]));
    let rows = Rows {
        counted: vec![None; 2],
        money: vec![(&money, None); 4],
        quantities: vec![&nothing; schema::MEASURES.len()],
    };
    cells.add(&of_rows, times.into_iter(), &rows);
    let order = cells.order(&tuples, &table);
    let written: Vec<(i64, Option<&str>)> = order
        .iter()
        .map(|&cell| (cells.keys[cell as usize].time_us / DAY_US, accounts[cell as usize]))
        .collect();
    let days = |account, days: std::ops::Range<i64>| days.map(move |day| (day, Some(account)));
    let expected: Vec<_> =
        days("a", 0..7).chain(days("b", 0..7)).chain(days("a", 7..14)).chain(days("b", 7..14)).collect();
    assert_eq!(written, expected);
}
