//! Runs of neighbouring rows of one class.
//!
//! A ledger is sorted by account, service, usage type and resource, so a class comes in runs: what depends on the class
//! alone is looked up once a run and then repeated, which is a fill and not a gather.

/// Neighbouring rows of one class.
#[derive(Debug, Clone, Copy)]
struct Run {
    class: u32,
    rows: u32,
}

/// The classes of a batch, run by run.
#[derive(Debug)]
pub(super) struct Runs {
    runs: Vec<Run>,
    rows: usize,
}

impl Runs {
    /// The runs of the classes of all rows.
    pub(super) fn new(classes: &[u32]) -> Self {
        let run = |run: &[u32]| Run { class: run[0], rows: u32::try_from(run.len()).unwrap_or(u32::MAX) };
        Self { runs: classes.chunk_by(PartialEq::eq).map(run).collect(), rows: classes.len() }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Class, first row and number of rows of each run.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut next = 0;
        self.runs.iter().map(move |run| {
            let start = next;
            next += run.rows as usize;
            (run.class as usize, start, run.rows as usize)
        })
    }

    /// A value of the class for every row.
    pub(super) fn spread<T: Copy>(&self, value: impl Fn(usize) -> T) -> Vec<T> {
        let mut values = Vec::with_capacity(self.rows);
        for run in &self.runs {
            values.extend(std::iter::repeat_n(value(run.class as usize), run.rows as usize));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_rows() {
        let classes = [3, 3, 1, 3, 0, 0, 0];
        let runs = Runs::new(&classes);
        assert_eq!(runs.rows(), classes.len());
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(3, 0, 2), (1, 2, 1), (3, 3, 1), (0, 4, 3)]);
        assert_eq!(runs.spread(|class| class * 10), [30, 30, 10, 30, 0, 0, 0]);
        assert!(Runs::new(&[]).spread(|class| class).is_empty());
    }
}
