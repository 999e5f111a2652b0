//! Answers of many pages: one page in memory at a time, each a call through the gate.

use std::future::Future;

use futures::{Stream, stream::try_unfold};
use tokio_util::sync::CancellationToken;

use super::{Call, Gate};
use crate::{
    cloud::{Answer, Page},
    error::{CallError, CallErrorKind},
    health::Tally,
};

impl Gate {
    /// All pages of an answer, page by page: the next is asked for when the stream is. `page` makes the call for the
    /// page with the token that it is given, none for the first, once for each attempt.
    ///
    /// The stream ends after the last page or the first error. A service that goes in circles, naming a page again
    /// that it named before, is an error of the kind [`Invalid`](CallErrorKind::Invalid).
    pub fn pages<'a, T, F, A>(
        &'a self,
        call: Call<'a>,
        tally: &'a Tally,
        cancel: &'a CancellationToken,
        page: F,
    ) -> impl Stream<Item = Answer<Vec<T>>> + Send + 'a
    where
        F: FnMut(Option<String>) -> A + Send + 'a,
        A: Future<Output = Answer<Page<T>>> + Send + 'a,
        T: Send + 'a,
    {
        let start = Some((None, Circle::default(), page));
        try_unfold(start, move |state| async move {
            let Some((token, mut circle, mut page)) = state else { return Ok(None) };
            let got = self.make(&call, tally, cancel, || page(token.clone())).await?;
            // Some services mark the last page with an empty token.
            let Some(next) = got.next.filter(|next| !next.is_empty()) else {
                return Ok(Some((got.items, None)));
            };
            if circle.closes_at(&next) {
                let message = "the service named the same page twice; what follows would never end";
                return Err(CallError::new(CallErrorKind::Invalid, call.to_string(), message));
            }
            Ok(Some((got.items, Some((Some(next), circle, page)))))
        })
    }
}

/// Finds circles of tokens with one token in memory (Brent's algorithm): each is compared with one that stays put
/// while the distance to it doubles.
#[derive(Debug, Default)]
struct Circle {
    fixed: Option<String>,
    steps: u64,
    longest: u64,
}

impl Circle {
    fn closes_at(&mut self, token: &str) -> bool {
        if self.fixed.as_deref() == Some(token) {
            return true;
        }
        if self.steps == self.longest {
            self.fixed = Some(token.to_owned());
            self.longest = (2 * self.longest).max(1);
            self.steps = 0;
        }
        self.steps += 1;
        false
    }
}

#[cfg(test)]
mod tests;
